// The list of projects, shared by the projects page, the switcher and the header of a project.
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import { asProblem } from '../api/client';
import { api } from '../api/endpoints';
import type { Project } from '../api/types';
import { live } from './services';

interface Projects {
  items: Project[] | null;
  problem: { title: string; remedy: string; code: string } | null;
  reload: () => Promise<void>;
  add: (project: Project) => void;
}

const Context = createContext<Projects | null>(null);

export function ProjectsProvider({ children }: { children: ReactNode }) {
  const [items, setItems] = useState<Project[] | null>(null);
  const [problem, setProblem] = useState<Projects['problem']>(null);
  const reload = useCallback(async () => {
    try {
      setItems((await api.projects()).items);
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
  }, []);
  useEffect(() => {
    void reload();
    const unlisten = live.listen((event) => {
      if (event.type === 'project.changed') void reload();
    });
    const unheed = live.onReconnect(() => void reload());
    return () => {
      unlisten();
      unheed();
    };
  }, [reload]);
  const add = useCallback((project: Project) => setItems((all) => [project, ...(all ?? []).filter((each) => each.id !== project.id)]), []);
  const value = useMemo(() => ({ items, problem, reload, add }), [items, problem, reload, add]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useProjects(): Projects {
  const value = useContext(Context);
  if (!value) throw new Error('useProjects outside of its provider');
  return value;
}
