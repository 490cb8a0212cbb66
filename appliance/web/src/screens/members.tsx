// Who may see a project, in which role; owners add and remove.
import { useCallback, useEffect, useState } from 'react';
import { useParams } from 'react-router';
import { asProblem } from '../api/client';
import { api } from '../api/endpoints';
import type { Member, ProjectRole } from '../api/types';
import { useProjectRole } from '../shell/project-layout';
import { useSignedIn } from '../state/session';
import { Button, IconButton } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { SelectField } from '../ui/field';
import { PlusIcon, TrashIcon } from '../ui/icons';
import { ProblemNote } from '../ui/problem';
import { Avatar, PageSpinner } from '../ui/small';
import { useToast } from '../ui/toast';
import { AddMemberDialog } from './add-member';

export const ROLE_WORDS: Record<ProjectRole, string> = {
  owner: 'Owner: may also add and remove people',
  editor: 'Editor: may upload',
  viewer: 'Viewer: may watch and read',
};

export function MembersScreen() {
  const { projectId = '' } = useParams();
  const { user } = useSignedIn();
  const { isOwner } = useProjectRole();
  const mayManage = isOwner || user.role === 'admin';
  const toast = useToast();
  const [members, setMembers] = useState<Member[] | null>(null);
  const [problem, setProblem] = useState<{ title: string; remedy: string } | null>(null);
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Member | null>(null);

  const load = useCallback(async () => {
    try {
      setMembers((await api.members(projectId)).items);
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
  }, [projectId]);
  useEffect(() => void load(), [load]);

  const act = async (change: Promise<void>) => {
    try {
      await change;
    } catch (error) {
      toast.fail(error);
    }
    await load();
  };

  if (problem) return <ProblemNote problem={problem}><Button small onClick={() => void load()}>Try again</Button></ProblemNote>;
  if (!members) return <PageSpinner />;
  return (
    <section className="people">
      <div className="section-head">
        <h2>{members.length === 1 ? '1 person' : `${members.length} people`}</h2>
        {mayManage && <Button onClick={() => setAdding(true)} data-testid="add-member"><PlusIcon />Add person</Button>}
      </div>
      <ul className="people-list">
        {members.map((member) => (
          <li key={member.user.id} className="person">
            <Avatar name={member.user.display_name} />
            <div className="person-text">
              <div className="truncate">{member.user.display_name}{member.user.id === user.id && <span className="muted"> (you)</span>}</div>
              <div className="muted small truncate">{member.user.username}</div>
            </div>
            {mayManage ? (
              <div className="person-role">
                <SelectField
                  label={`Role of ${member.user.display_name}`} hiddenLabel value={member.role}
                  onChange={(event) => void act(api.setMember(projectId, member.user.id, event.target.value as ProjectRole))}
                >
                  <option value="owner">Owner</option>
                  <option value="editor">Editor</option>
                  <option value="viewer">Viewer</option>
                </SelectField>
              </div>
            ) : (
              <span className="chip chip-plain">{ROLE_WORDS[member.role].split(':')[0]}</span>
            )}
            {mayManage && <IconButton label={`Remove ${member.user.display_name}`} onClick={() => setRemoving(member)}><TrashIcon /></IconButton>}
          </li>
        ))}
      </ul>
      {adding && (
        <AddMemberDialog
          members={members} onClose={() => setAdding(false)}
          onAdd={(userId, role) => api.setMember(projectId, userId, role).then(load)}
          onAddByName={(username, role) => api.addMember(projectId, username, role).then(load)}
        />
      )}
      {removing && (
        <Dialog title={`Remove ${removing.user.display_name}?`} onClose={() => setRemoving(null)}>
          <p>They can no longer open this project. What they uploaded stays.</p>
          <div className="form-actions">
            <Button onClick={() => setRemoving(null)}>Keep</Button>
            <Button
              look="danger"
              onClick={() => {
                void act(api.removeMember(projectId, removing.user.id));
                setRemoving(null);
              }}
            >
              Remove
            </Button>
          </div>
        </Dialog>
      )}
    </section>
  );
}
