// One file in the tray: what it does now, how far it is, what can be done about it.
import { useRef, useState } from 'react';
import { Link } from 'react-router';
import { uploads } from '../state/services';
import { Button, IconButton } from '../ui/button';
import { formatBytes, formatRunning, formatSpeed, formatTimeLeft } from '../ui/format';
import { CheckIcon, CloseIcon, PauseIcon, PlayIcon } from '../ui/icons';
import { ProblemNote } from '../ui/problem';
import { Meter } from '../ui/small';
import { useToast } from '../ui/toast';
import { canPickHandles, filesOf, pickWithHandles, type PickedFile } from './files';
import { stepUnderWay, traySteps, type TrayStep } from './steps';
import type { TaskView } from './task';

const PAUSABLE: readonly TaskView['phase'][] = ['waiting', 'sending', 'offline'];

export function TrayItem({ view }: { view: TaskView }) {
  const toast = useToast();
  const [asking, setAsking] = useState(false);
  const task = uploads.task(view.key);
  const remove = () => {
    uploads.remove(view.key).catch(toast.fail);
  };
  const steps = traySteps(view.size > 0 ? view.sentBytes / view.size : 0, view.upload, view.asset);
  const beforeServer = view.upload === null || view.upload.state === 'open';
  const cancels = beforeServer && !(view.phase === 'failed' && view.upload === null);
  const playable = view.asset && view.asset.state !== 'processing' && view.asset.state !== 'failed';
  return (
    <li className="tray-item" data-testid="tray-item" data-phase={view.phase}>
      <div className="tray-row">
        {view.asset && playable ? (
          <Link className="tray-name truncate" to={`/p/${view.projectId}/a/${view.asset.id}`} title={view.fileName}>{view.fileName}</Link>
        ) : (
          <span className="tray-name truncate" title={view.fileName}>{view.fileName}</span>
        )}
        {PAUSABLE.includes(view.phase) && <IconButton label={`Pause ${view.fileName}`} small onClick={() => task?.pause()}><PauseIcon size={16} /></IconButton>}
        {(view.phase === 'paused' || view.phase === 'interrupted' || view.phase === 'elsewhere') && (
          <IconButton label={`Resume ${view.fileName}`} small onClick={() => void task?.resume()}><PlayIcon size={16} /></IconButton>
        )}
        <IconButton
          label={cancels ? `Cancel ${view.fileName}` : `Dismiss ${view.fileName}`} small
          onClick={() => (cancels && view.sentBytes > 0 ? setAsking(true) : remove())}
        >
          <CloseIcon size={16} />
        </IconButton>
      </div>
      {beforeServer && view.phase !== 'failed' && <Meter value={view.size > 0 ? view.sentBytes / view.size : 0} label={`Upload of ${view.fileName}`} />}
      <div className="tray-line" aria-live="off">{line(view)}</div>
      {asking && (
        <div className="tray-ask" role="group" aria-label="Cancel the upload?">
          <span>Throw away the {formatBytes(view.sentBytes)} already sent?</span>
          <Button small autoFocus onClick={() => setAsking(false)}>Keep</Button>
          <Button small look="danger" onClick={remove}>Throw away</Button>
        </div>
      )}
      <NeedsPerson view={view} />
      {view.problem && (
        <ProblemNote problem={view.problem}>
          {view.problem.retryable && (
            <Button small onClick={() => void (view.asset ? task?.retryAsset().catch(toast.fail) : task?.resume())}>Try again</Button>
          )}
        </ProblemNote>
      )}
      {!beforeServer && view.phase !== 'refused' && <Steps steps={steps} />}
    </li>
  );
}

function line(view: TaskView): string {
  const sent = `${formatBytes(view.sentBytes)} of ${formatBytes(view.size)}`;
  const retried = view.retriedParts > 0 ? ` · ${view.retriedParts} ${view.retriedParts === 1 ? 'part' : 'parts'} sent again` : '';
  switch (view.phase) {
    case 'waiting': return `Waiting · ${formatBytes(view.size)}`;
    case 'sending': {
      const left = view.speed > 0 ? ` · ${formatSpeed(view.speed)} · ${formatTimeLeft(view.secondsLeft)}` : '';
      return `${sent}${left}${retried}`;
    }
    case 'offline': return `${sent} · waiting for the connection`;
    case 'paused': return `${sent} · paused`;
    case 'interrupted': return `${sent} · waiting for you to sign in`;
    case 'elsewhere': return 'Another tab is uploading this file';
    case 'needs-file': return `${sent} · the file is needed again`;
    case 'needs-permission': return `${sent} · waiting for your permission`;
    case 'finishing': return `${formatBytes(view.size)} · finishing`;
    case 'verifying': return `${formatBytes(view.size)} · verifying`;
    case 'refused':
    case 'failed': return formatBytes(view.size);
    case 'following':
    case 'done': return doneLine(view);
  }
}

function doneLine(view: TaskView): string {
  const size = formatBytes(view.size);
  if (view.phase === 'done') return view.asset?.state === 'failed' ? size : `${size} · ready`;
  const running = view.asset?.steps.find((step) => step.state === 'running');
  if (!running) return `${size} · in the queue`;
  return `${size} · ${stepUnderWay(running.name)} ${formatRunning(running.progress)}`;
}

function NeedsPerson({ view }: { view: TaskView }) {
  const input = useRef<HTMLInputElement>(null);
  const [wrong, setWrong] = useState(false);
  const task = uploads.task(view.key);
  if (view.phase === 'needs-permission') {
    return <div className="tray-ask"><span>The browser asks before it reads the file again.</span><Button small look="primary" onClick={() => void task?.resume()}>Continue</Button></div>;
  }
  if (view.phase !== 'needs-file') return null;
  const offer = ([picked]: PickedFile[]) => {
    if (picked) setWrong(!(task?.provide(picked.file, picked.handle) ?? false));
  };
  const choose = async () => {
    if (canPickHandles()) offer(await pickWithHandles(false));
    else input.current?.click();
  };
  return (
    <>
      <div className="tray-ask">
        <span>{wrong ? 'That is another file. Choose the one you began with.' : 'Choose the file again; what was sent is not sent twice.'}</span>
        <Button small look="primary" onClick={() => void choose()}>Choose file</Button>
      </div>
      <input ref={input} type="file" className="visually-hidden" tabIndex={-1} aria-hidden="true" data-testid="repick-input" onChange={(event) => offer(filesOf(event.target.files))} />
    </>
  );
}

const STATE_WORDS: Record<TrayStep['state'], string> = { waiting: 'waiting', running: 'running', done: 'done', failed: 'failed', skipped: 'not needed' };

function Steps({ steps }: { steps: TrayStep[] }) {
  return (
    <ol className="steps">
      {steps.filter((step) => step.state !== 'skipped').map((step) => (
        <li key={step.name} className={`step step-${step.state}`}>
          <span className="step-dot">{step.state === 'done' ? <CheckIcon size={12} /> : null}</span>
          <span className="step-label">{step.label}</span>
          <span className="step-progress tabular" aria-hidden="true">{step.state === 'running' ? formatRunning(step.progress) : ''}</span>
          <span className="visually-hidden">, {STATE_WORDS[step.state]}{step.state === 'running' ? ` ${formatRunning(step.progress)}` : ''}</span>
        </li>
      ))}
    </ol>
  );
}
