// Sign in. One refusal sentence with its remedy; a locked account counts down.
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from 'react';
import { ApiError, asProblem } from '../api/client';
import { useSession } from '../state/session';
import { Button } from '../ui/button';
import { Field, PasswordField } from '../ui/field';
import { Mark } from '../ui/mark';
import { ProblemNote } from '../ui/problem';

export function DoorPage({ title, lead, children, foot }: { title: string; lead?: ReactNode; children: ReactNode; foot?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Strongroom`;
  }, [title]);
  return (
    <main className="door" id="main">
      <div className="door-card">
        <div className="door-mark"><Mark size={40} /><span>Strongroom</span></div>
        <h1>{title}</h1>
        {lead && <p className="door-lead">{lead}</p>}
        {children}
      </div>
      {foot && <footer className="door-foot">{foot}</footer>}
    </main>
  );
}

export function SignInScreen({ expired }: { expired: boolean }) {
  const { signIn } = useSession();
  const [problem, setProblem] = useState<{ title: string; remedy: string; code: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const [wait, setWait] = useState(0);
  const form = useRef<HTMLFormElement>(null);

  useEffect(() => {
    if (wait <= 0) return;
    const timer = setTimeout(() => setWait(wait - 1), 1000);
    return () => clearTimeout(timer);
  }, [wait]);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    try {
      await signIn(String(data.get('username')).trim(), String(data.get('password')));
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
      if (error instanceof ApiError && error.retryAfterSeconds) setWait(Math.min(3600, error.retryAfterSeconds));
      const password = form.current?.elements.namedItem('password');
      if (password instanceof HTMLInputElement) password.select();
    }
  };

  return (
    <DoorPage
      title="Sign in"
      lead={expired ? 'Your session has ended. Sign in to go on where you were; uploads continue by themselves.' : undefined}
      foot={
        <>
          <span>Everything stays on this network.</span>
          <a href="/ca.crt" download>Certificate of this appliance</a>
        </>
      }
    >
      <form className="form" onSubmit={(event) => void submit(event)} ref={form}>
        {problem && <ProblemNote problem={problem} />}
        <Field label="User name" name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required autoFocus data-testid="signin-username" />
        <PasswordField label="Password" name="password" autoComplete="current-password" required data-testid="signin-password" />
        <Button type="submit" look="primary" wide busy={busy} disabled={wait > 0} data-testid="signin-submit">
          {wait > 0 ? `Try again in ${wait} s` : busy ? 'Signing in…' : 'Sign in'}
        </Button>
      </form>
    </DoorPage>
  );
}
