// Reads the assets of one project and keeps them current. Lives above library and asset page, so that going back and
// forth costs nothing and "next asset" knows what is next.
import { createContext, useCallback, useContext, useEffect, useMemo, useReducer, useRef, useState, type ReactNode } from 'react';
import { ApiError, asProblem } from '../api/client';
import { api } from '../api/endpoints';
import type { Asset } from '../api/types';
import { emptyLibrary, libraryReducer, type Library } from './library-reducer';
import { useProjects } from './projects';
import { live, uploads } from './services';

interface LibraryContext extends Library {
  projectId: string;
  loadingMore: boolean;
  problem: { title: string; remedy: string; code: string } | null;
  reload: () => Promise<void>;
  loadMore: () => Promise<void>;
  /** Reads one asset again; several wishes in a row become one request. */
  refresh: (assetId: string) => void;
  put: (asset: Asset) => void;
}

const Context = createContext<LibraryContext | null>(null);
const COALESCE_MS = 120;

export function LibraryProvider({ projectId, children }: { projectId: string; children: ReactNode }) {
  const [library, dispatch] = useReducer(libraryReducer, emptyLibrary);
  const [problem, setProblem] = useState<LibraryContext['problem']>(null);
  const [loadingMore, setLoadingMore] = useState(false);
  const pending = useRef(new Map<string, ReturnType<typeof setTimeout>>());

  const reload = useCallback(async () => {
    try {
      dispatch({ type: 'first-page', page: await api.assets(projectId, null) });
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
  }, [projectId]);

  const busy = useRef(false);
  const loadMore = useCallback(async () => {
    if (busy.current || library.cursor === null) return;
    busy.current = true;
    setLoadingMore(true);
    try {
      dispatch({ type: 'next-page', page: await api.assets(projectId, library.cursor) });
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      busy.current = false;
      setLoadingMore(false);
    }
  }, [projectId, library.cursor]);

  const refresh = useCallback((assetId: string) => {
    if (pending.current.has(assetId)) return;
    const read = async () => {
      pending.current.delete(assetId);
      try {
        dispatch({ type: 'asset', asset: await api.asset(assetId) });
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) dispatch({ type: 'gone', id: assetId });
      }
    };
    pending.current.set(assetId, setTimeout(() => void read(), COALESCE_MS));
  }, []);

  useEffect(() => {
    void reload();
    const timers = pending.current;
    const undo = [
      live.follow(projectId),
      live.onReconnect(() => void reload()),
      live.listen((event) => {
        if (event.project !== projectId) return;
        if (event.type === 'asset.changed') refresh(event.data.asset_id);
        else if (event.type === 'asset.progress') dispatch({ type: 'progress', report: event.data });
        else if (event.type === 'upload.changed' && event.data.asset_id) refresh(event.data.asset_id);
      }),
    ];
    return () => {
      for (const each of undo) each();
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    };
  }, [projectId, reload, refresh]);

  const role = useProjects().items?.find((each) => each.id === projectId)?.role;
  const mayUpload = role !== undefined && role !== 'viewer';
  useEffect(() => {
    if (mayUpload) void uploads.discover(projectId);
  }, [projectId, mayUpload]);

  const put = useCallback((asset: Asset) => dispatch({ type: 'asset', asset }), []);
  const value = useMemo<LibraryContext>(
    () => ({ ...library, projectId, loadingMore, problem, reload, loadMore, refresh, put }),
    [library, projectId, loadingMore, problem, reload, loadMore, refresh, put],
  );
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useLibrary(): LibraryContext {
  const value = useContext(Context);
  if (!value) throw new Error('useLibrary outside of its provider');
  return value;
}
