// Adds a person to a project: somebody who has an account, or (administrators only) a new account made on the way.
import { useEffect, useState, type FormEvent } from 'react';
import { ApiError, asProblem } from '../api/client';
import { api } from '../api/endpoints';
import type { Member, PlatformRole, ProjectRole, User } from '../api/types';
import { useSignedIn } from '../state/session';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { Field, SelectField } from '../ui/field';
import { CheckIcon, CopyIcon } from '../ui/icons';
import { ProblemNote } from '../ui/problem';
import { PageSpinner } from '../ui/small';
import { copyText } from '../ui/clipboard';
import { ROLE_WORDS } from './members';

interface AddMemberProps {
  members: readonly Member[];
  onClose: () => void;
  onAdd: (userId: string, role: ProjectRole) => Promise<void>;
  onAddByName: (username: string, role: ProjectRole) => Promise<void>;
}

export function AddMemberDialog({ members, onClose, onAdd, onAddByName }: AddMemberProps) {
  const { user } = useSignedIn();
  const [users, setUsers] = useState<User[] | null>(null);
  const [chosen, setChosen] = useState('');
  const [role, setRole] = useState<ProjectRole>('editor');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<{ title: string; remedy: string } | null>(null);
  const [creating, setCreating] = useState(false);

  // Only administrators see all accounts; an owner who is none names the person.
  const byName = user.role !== 'admin';

  useEffect(() => {
    if (byName) return;
    api.users().then(
      ({ items }) => setUsers(items.filter((each) => !members.some((member) => member.user.id === each.id))),
      (error: unknown) => setProblem(asProblem(error)),
    );
  }, [byName, members]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const known = byName ? members.find((member) => member.user.username === chosen.trim()) : undefined;
    // Adding somebody twice would change the role that was given before.
    if (known) return setProblem({ title: `${known.user.display_name} is in this project already.`, remedy: 'Close this and change the role in the list.' });
    setBusy(true);
    setProblem(null);
    try {
      await (byName ? onAddByName(chosen.trim(), role) : onAdd(chosen, role));
      onClose();
    } catch (error) {
      const unknown = byName && error instanceof ApiError && error.status === 404;
      setProblem(unknown ? { title: `Nobody signs in here as \`${chosen.trim()}\`.`, remedy: 'Check the spelling, or ask an administrator for a new account.' } : asProblem(error));
      setBusy(false);
    }
  };

  if (creating) return <NewAccountDialog onClose={onClose} projectRole onCreated={(created, as) => onAdd(created.id, as)} />;
  return (
    <Dialog title="Add a person" onClose={onClose}>
      <form className="form" onSubmit={(event) => void submit(event)}>
        {problem && <ProblemNote problem={problem} />}
        {byName && (
          <>
            <Field
              label="User name" autoComplete="off" autoCapitalize="none" spellCheck={false} value={chosen} required maxLength={64} autoFocus
              onChange={(event) => setChosen(event.target.value)} hint="The name this person signs in with."
            />
            <RoleField role={role} onChange={setRole} />
          </>
        )}
        {!byName && !users && !problem && <PageSpinner />}
        {users?.length === 0 && <p>Everybody with an account is in this project already.</p>}
        {users && users.length > 0 && (
          <>
            <SelectField label="Person" value={chosen} onChange={(event) => setChosen(event.target.value)} required autoFocus>
              <option value="">Choose…</option>
              {users.map((each) => <option key={each.id} value={each.id}>{each.display_name} ({each.username})</option>)}
            </SelectField>
            <RoleField role={role} onChange={setRole} />
          </>
        )}
        <div className="form-actions">
          {user.role === 'admin' && <span className="form-actions-start"><Button look="quiet" onClick={() => setCreating(true)}>New account…</Button></span>}
          <Button onClick={onClose}>Cancel</Button>
          {(byName || (users && users.length > 0)) && <Button look="primary" type="submit" busy={busy} disabled={chosen.trim() === ''}>Add</Button>}
        </div>
      </form>
    </Dialog>
  );
}

function RoleField({ role, onChange }: { role: ProjectRole; onChange: (role: ProjectRole) => void }) {
  return (
    <SelectField label="Role in this project" value={role} onChange={(event) => onChange(event.target.value as ProjectRole)}>
      {(Object.keys(ROLE_WORDS) as ProjectRole[]).map((each) => <option key={each} value={each}>{ROLE_WORDS[each]}</option>)}
    </SelectField>
  );
}

interface NewAccountProps {
  onClose: () => void;
  projectRole?: boolean;
  onCreated: (user: User, role: ProjectRole) => Promise<void>;
}

export function NewAccountDialog({ onClose, onCreated, projectRole = false }: NewAccountProps) {
  const [name, setName] = useState('');
  const [username, setUsername] = useState('');
  const [platformRole, setPlatformRole] = useState<PlatformRole>('member');
  const [role, setRole] = useState<ProjectRole>('editor');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<{ title: string; remedy: string } | null>(null);
  const [secret, setSecret] = useState<string | null>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const { user, one_time_password } = await api.createUser({ username: username.trim(), display_name: name.trim(), role: platformRole });
      setSecret(one_time_password);
      await onCreated(user, role);
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };

  if (secret !== null) {
    return (
      <Dialog title={`${name.trim()} can sign in now`} onClose={onClose} keepOnOutsideClick>
        <p>Hand over this one-time password. It is shown only here, and asks for a new one at the first sign-in.</p>
        {problem && <ProblemNote problem={problem} />}
        <dl className="secret">
          <dt>User name</dt><dd>{username.trim()}</dd>
          <dt>One-time password</dt><dd data-testid="one-time-password">{secret}</dd>
        </dl>
        <div className="form-actions">
          <CopyButton text={secret} label="Copy password" />
          <Button look="primary" onClick={onClose}>Done</Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="New account" onClose={onClose}>
      <form className="form" onSubmit={(event) => void submit(event)}>
        {problem && <ProblemNote problem={problem} />}
        <Field label="Name" autoComplete="off" value={name} required maxLength={100} autoFocus onChange={(event) => setName(event.target.value)} />
        <Field
          label="User name" autoComplete="off" autoCapitalize="none" spellCheck={false} value={username} required maxLength={64}
          onChange={(event) => setUsername(event.target.value)} hint="They sign in with it."
        />
        <SelectField label="On this appliance" value={platformRole} onChange={(event) => setPlatformRole(event.target.value as PlatformRole)}>
          <option value="member">Member: may make projects</option>
          <option value="viewer">Viewer: only what others share</option>
          <option value="admin">Administrator: manages accounts too</option>
        </SelectField>
        {projectRole && <RoleField role={role} onChange={setRole} />}
        <div className="form-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={busy}>Create account</Button>
        </div>
      </form>
    </Dialog>
  );
}

export function CopyButton({ text, label, small = false }: { text: string; label: string; small?: boolean }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <Button small={small} onClick={() => void copyText(text).then(setCopied)}>
      {copied ? <CheckIcon size={16} /> : <CopyIcon size={16} />}
      <span aria-live="polite">{copied ? 'Copied' : label}</span>
    </Button>
  );
}
