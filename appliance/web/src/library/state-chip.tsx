// The state of an asset in a word or two.
import type { Asset } from '../api/types';
import { currentStep, stepLabel } from '../upload/steps';
import { formatRunning } from '../ui/format';

export function StateChip({ asset }: { asset: Asset }) {
  const step = currentStep(asset.steps);
  const percent = step?.state === 'running' ? ` ${formatRunning(step.progress)}` : '';
  switch (asset.state) {
    case 'failed': return <span className="chip chip-danger" data-state="failed">Failed</span>;
    case 'ready': return <span className="chip chip-ok" data-state="ready">Ready</span>;
    case 'processing': return <span className="chip chip-active" data-state="processing">Processing{percent}</span>;
    case 'playable': {
      const next = step?.state === 'running' && <span className="chip-more">· {stepLabel(step.name).toLowerCase()}{percent}</span>;
      return <span className="chip chip-active" data-state="playable">Playable{next}</span>;
    }
  }
}
