// Short messages about actions that have no place of their own on the screen.
import { createContext, useCallback, useContext, useMemo, useRef, useState, type ReactNode } from 'react';
import { asProblem } from '../api/client';
import { IconButton } from './button';
import { CloseIcon } from './icons';
import { Words } from './words';

interface Toast {
  id: number;
  title: string;
  detail: string;
}

interface Toaster {
  say: (title: string, detail?: string) => void;
  fail: (error: unknown) => void;
}

const Context = createContext<Toaster>({ say: () => undefined, fail: () => undefined });
const SHOWN_MS = 7000;

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const next = useRef(1);
  const remove = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), []);
  const toaster = useMemo<Toaster>(() => {
    const say = (title: string, detail = '') => {
      const id = next.current++;
      setToasts((all) => [...all.slice(-2), { id, title, detail }]);
      setTimeout(() => remove(id), SHOWN_MS);
    };
    return {
      say,
      fail: (error) => {
        const problem = asProblem(error);
        say(problem.title, problem.remedy);
      },
    };
  }, [remove]);
  return (
    <Context.Provider value={toaster}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {toasts.map((toast) => (
          <div className="toast" key={toast.id}>
            <div>
              <div className="note-title"><Words text={toast.title} /></div>
              {toast.detail && <div className="muted"><Words text={toast.detail} /></div>}
            </div>
            <IconButton label="Dismiss" small onClick={() => remove(toast.id)}><CloseIcon size={16} /></IconButton>
          </div>
        ))}
      </div>
    </Context.Provider>
  );
}

export function useToast(): Toaster {
  return useContext(Context);
}
