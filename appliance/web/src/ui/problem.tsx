// How every problem is told: one sentence, what to do about it, and the way to do it.
import type { ReactNode } from 'react';
import { AlertIcon } from './icons';
import { Words } from './words';

interface ProblemNoteProps {
  problem: { title: string; remedy: string; code?: string };
  children?: ReactNode;
}

export function ProblemNote({ problem, children }: ProblemNoteProps) {
  return (
    <div className="note note-danger" role="alert" data-testid="problem" data-code={problem.code}>
      <AlertIcon />
      <div>
        <div className="note-title"><Words text={problem.title} /></div>
        {problem.remedy && <div className="note-remedy"><Words text={problem.remedy} /></div>}
        {children && <div className="note-actions">{children}</div>}
      </div>
    </div>
  );
}
