// Who is signed in. A 401 anywhere ends up here; uploads stop and wait, and go on after the next sign-in.
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import { ApiError, asProblem, whenSessionIsLost } from '../api/client';
import { api } from '../api/endpoints';
import type { Session } from '../api/types';
import { live, uploads } from './services';

export type SessionState =
  | { state: 'loading' }
  | { state: 'unreachable'; problem: { title: string; remedy: string; code: string } }
  | { state: 'signed-out'; expired: boolean }
  | { state: 'signed-in'; session: Session };

interface SessionActions {
  current: SessionState;
  reload: () => Promise<void>;
  signIn: (username: string, password: string) => Promise<void>;
  signOut: () => Promise<void>;
}

const Context = createContext<SessionActions | null>(null);

export function SessionProvider({ children }: { children: ReactNode }) {
  const [current, setCurrent] = useState<SessionState>({ state: 'loading' });

  const reload = useCallback(async () => {
    try {
      setCurrent({ state: 'signed-in', session: await api.session() });
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        setCurrent((before) => (before.state === 'signed-out' ? before : { state: 'signed-out', expired: before.state === 'signed-in' }));
      } else {
        setCurrent({ state: 'unreachable', problem: asProblem(error) });
      }
    }
  }, []);

  useEffect(() => {
    whenSessionIsLost((error) => {
      if (error.status === 401) {
        setCurrent((before) => (before.state === 'signed-in' ? { state: 'signed-out', expired: true } : before));
      } else {
        // A demand for a new password: the session says so too.
        void reload();
      }
    });
    void reload();
  }, [reload]);

  const signIn = useCallback(async (username: string, password: string) => {
    const session = await api.signIn(username, password);
    setCurrent({ state: 'signed-in', session });
  }, []);

  const signOut = useCallback(async () => {
    try {
      await api.signOut();
    } catch (error) {
      // Already gone is as good as signed out; anything else is told to the caller.
      if (!(error instanceof ApiError && error.status === 401)) throw error;
    }
    uploads.forget();
    setCurrent({ state: 'signed-out', expired: false });
  }, []);

  const userId = current.state === 'signed-in' && !current.session.must_change_password ? current.session.user.id : null;
  useEffect(() => {
    if (!userId) return;
    live.start();
    void uploads.start(userId);
    // A socket refused for want of a session looks like a lost connection; asking tells which it is.
    const unheed = live.onStatus(() => {
      if (live.status.state === 'lost') api.session().catch(() => undefined);
    });
    return () => {
      unheed();
      live.stop();
      uploads.suspend();
    };
  }, [userId]);

  const value = useMemo(() => ({ current, reload, signIn, signOut }), [current, reload, signIn, signOut]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useSession(): SessionActions {
  const value = useContext(Context);
  if (!value) throw new Error('useSession outside of its provider');
  return value;
}

/** The session inside the signed-in part of the app. */
export function useSignedIn(): Session {
  const { current } = useSession();
  if (current.state !== 'signed-in') throw new Error('useSignedIn while signed out');
  return current.session;
}
