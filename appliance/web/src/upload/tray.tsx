// The upload tray: stays over all pages. A panel in the corner on wide screens, a sheet at the bottom on phones.
import { useEffect, useState, useSyncExternalStore } from 'react';
import { useMatch } from 'react-router';
import { uploads } from '../state/services';
import { Button, IconButton } from '../ui/button';
import { formatPercent, plural } from '../ui/format';
import { ChevronDownIcon, ChevronUpIcon } from '../ui/icons';
import { Meter } from '../ui/small';
import type { TaskView } from './task';
import { TrayItem } from './tray-item';

export function useUploads(): readonly TaskView[] {
  return useSyncExternalStore(uploads.subscribe, uploads.views);
}

const SENDING: readonly TaskView['phase'][] = ['waiting', 'sending', 'offline', 'finishing'];
const NEEDS_HELP: readonly TaskView['phase'][] = ['needs-file', 'needs-permission', 'failed', 'refused'];

export function Tray() {
  const views = useUploads();
  const [open, setOpen] = useState(true);
  const count = views.length;
  // A file just added is shown, also when the tray was folded away.
  useEffect(() => setOpen(true), [count]);
  // Beside a picture it makes room: the words under it are what people came for.
  const onAsset = useMatch('/p/:projectId/a/:assetId') !== null;
  useEffect(() => {
    if (onAsset) setOpen(false);
  }, [onAsset]);
  if (count === 0) return null;

  const sending = views.filter((view) => SENDING.includes(view.phase));
  const bytes = sending.reduce((sum, view) => sum + view.sentBytes, 0);
  const size = sending.reduce((sum, view) => sum + view.size, 0);
  const fraction = size > 0 ? bytes / size : 0;
  const finished = views.filter((view) => view.phase === 'done').length;
  return (
    <section className={open ? 'tray' : 'tray tray-folded'} aria-label="Uploads" data-testid="tray">
      <div className="tray-head">
        <button type="button" className="tray-title" aria-expanded={open} onClick={() => setOpen(!open)}>
          {summary(views, sending.length, fraction)}
        </button>
        {finished > 1 && open && <Button look="quiet" small onClick={() => uploads.clearFinished()}>Clear finished</Button>}
        <IconButton label={open ? 'Fold the uploads' : 'Show the uploads'} small onClick={() => setOpen(!open)}>
          {open ? <ChevronDownIcon /> : <ChevronUpIcon />}
        </IconButton>
      </div>
      {!open && sending.length > 0 && <Meter value={fraction} label="All uploads" />}
      {open && <ul className="tray-list">{[...views].reverse().map((view) => <TrayItem key={view.key} view={view} />)}</ul>}
    </section>
  );
}

function summary(views: readonly TaskView[], sending: number, fraction: number): string {
  const help = views.filter((view) => NEEDS_HELP.includes(view.phase)).length;
  if (sending > 0) return `Uploading ${plural(sending, 'file')} · ${formatPercent(fraction)}`;
  if (help > 0) return `${plural(help, 'upload')} ${help === 1 ? 'needs' : 'need'} you`;
  const open = views.filter((view) => view.phase === 'verifying' || view.phase === 'following').length;
  if (open > 0) return `Preparing ${plural(open, 'file')}`;
  const paused = views.filter((view) => view.phase !== 'done').length;
  return paused > 0 ? `${plural(paused, 'upload')} paused` : `${plural(views.length, 'upload')} finished`;
}
