// All accounts of the appliance, for administrators.
import { useCallback, useEffect, useState } from 'react';
import { asProblem } from '../api/client';
import { api } from '../api/endpoints';
import type { PlatformRole, User } from '../api/types';
import { Button } from '../ui/button';
import { PlusIcon } from '../ui/icons';
import { ProblemNote } from '../ui/problem';
import { Avatar, PageSpinner } from '../ui/small';
import { NewAccountDialog } from './add-member';

const WORDS: Record<PlatformRole, string> = { admin: 'Administrator', member: 'Member', viewer: 'Viewer' };

export function PeopleScreen() {
  const [users, setUsers] = useState<User[] | null>(null);
  const [problem, setProblem] = useState<{ title: string; remedy: string } | null>(null);
  const [creating, setCreating] = useState(false);
  const load = useCallback(async () => {
    try {
      setUsers((await api.users()).items);
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
  }, []);
  useEffect(() => {
    document.title = 'People · Strongroom';
    void load();
  }, [load]);
  return (
    <div className="page page-narrow">
      <div className="page-head">
        <div className="page-title"><h1>People</h1><span className="muted small">Everybody with an account on this appliance</span></div>
        <Button look="primary" onClick={() => setCreating(true)}><PlusIcon /><span>New account</span></Button>
      </div>
      {problem && <ProblemNote problem={problem}><Button small onClick={() => void load()}>Try again</Button></ProblemNote>}
      {!users && !problem && <PageSpinner />}
      {users && (
        <ul className="people-list">
          {users.map((user) => (
            <li key={user.id} className="person">
              <Avatar name={user.display_name} />
              <div className="person-text">
                <div className="truncate">{user.display_name}</div>
                <div className="muted small truncate">{user.username}</div>
              </div>
              <span className="chip chip-plain">{WORDS[user.role]}</span>
            </li>
          ))}
        </ul>
      )}
      {creating && <NewAccountDialog onClose={() => setCreating(false)} onCreated={load} />}
    </div>
  );
}
