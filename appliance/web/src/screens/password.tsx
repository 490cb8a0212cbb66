// A new password: forced after a one-time password, or by choice from the account menu.
import { useState, type FormEvent, type ReactNode } from 'react';
import { Link, useNavigate } from 'react-router';
import { asProblem } from '../api/client';
import { api } from '../api/endpoints';
import { useSession } from '../state/session';
import { Button } from '../ui/button';
import { PasswordField } from '../ui/field';
import { CheckIcon } from '../ui/icons';
import { ProblemNote } from '../ui/problem';
import { useToast } from '../ui/toast';
import { DoorPage } from './sign-in';

const SHORTEST = 12;

export function PasswordScreen({ forced }: { forced: boolean }) {
  const { reload, signOut } = useSession();
  const navigate = useNavigate();
  const toast = useToast();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<{ title: string; remedy: string; code: string } | null>(null);
  const longEnough = [...next].length >= SHORTEST;
  const differs = next !== '' && next !== current;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!longEnough || !differs) {
      setProblem(
        longEnough
          ? { title: 'The new password is the same as before.', remedy: 'Choose another one.', code: 'password.same' }
          : { title: 'The new password is too short.', remedy: `Use at least ${SHORTEST} characters.`, code: 'password.too-weak' },
      );
      return;
    }
    setBusy(true);
    setProblem(null);
    try {
      await api.changePassword(current, next);
      toast.say('Your password is changed.');
      if (!forced) void navigate('/');
      await reload();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };

  return (
    <DoorPage
      title="Choose a password"
      lead={forced ? 'You signed in with a one-time password. Choose your own before you go on.' : undefined}
      foot={forced ? <Button look="quiet" small onClick={() => void signOut().catch(toast.fail)}>Sign out</Button> : <Link to="/">Back to projects</Link>}
    >
      <form className="form" onSubmit={(event) => void submit(event)}>
        {problem && <ProblemNote problem={problem} />}
        <PasswordField
          label={forced ? 'One-time password' : 'Current password'} autoComplete="current-password" required autoFocus
          value={current} onChange={(event) => setCurrent(event.target.value)} data-testid="newpw-current"
        />
        <PasswordField
          label="New password" autoComplete="new-password" required value={next}
          onChange={(event) => setNext(event.target.value)} data-testid="newpw-new"
          hint={
            <ul className="rules">
              <Rule met={longEnough}>At least {SHORTEST} characters. A sentence is easy to remember.</Rule>
              <Rule met={differs}>Not the same as before.</Rule>
            </ul>
          }
        />
        <Button type="submit" look="primary" wide busy={busy} data-testid="newpw-submit">
          {busy ? 'Saving…' : 'Set password'}
        </Button>
      </form>
    </DoorPage>
  );
}

function Rule({ met, children }: { met: boolean; children: ReactNode }) {
  return (
    <li className={met ? 'rule rule-met' : 'rule'}>
      <span className="rule-mark">{met && <CheckIcon size={14} />}</span>
      <span>{children}<span className="visually-hidden">{met ? ' (met)' : ' (not yet met)'}</span></span>
    </li>
  );
}
