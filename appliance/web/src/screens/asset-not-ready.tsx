// In place of the picture: what is still being done, or why there will be no picture.
import { api } from '../api/endpoints';
import type { Asset } from '../api/types';
import { Button } from '../ui/button';
import { formatRunning } from '../ui/format';
import { ProblemNote } from '../ui/problem';
import { Meter, Spinner } from '../ui/small';
import { useToast } from '../ui/toast';
import { currentStep, stepLabel } from '../upload/steps';

export function NotReady({ asset, reload }: { asset: Asset; reload: () => void }) {
  const toast = useToast();
  if (asset.problem) {
    return (
      <div className="viewer">
        <div className="stage stage-note">
          <div className="stage-card">
            <ProblemNote problem={asset.problem}>
              {asset.problem.retryable && <Button small onClick={() => void api.retryAsset(asset.id).then(reload, toast.fail)}>Retry</Button>}
            </ProblemNote>
          </div>
        </div>
      </div>
    );
  }
  const step = currentStep(asset.steps);
  return (
    <div className="viewer">
      <div className="stage stage-note">
        <div className="stage-card" role="status">
          <div className="stage-line"><Spinner label="Working" /><strong>Getting it ready to play</strong></div>
          <p className="muted">{step ? `${step.name === 'playable' ? 'First rendition' : stepLabel(step.name)}: ${step.state === 'running' ? formatRunning(step.progress) : 'in the queue'}.` : 'One moment.'} It starts here by itself.</p>
          {step && <Meter value={step.state === 'running' ? step.progress : 0} label={stepLabel(step.name)} />}
        </div>
      </div>
    </div>
  );
}
