// The five steps of a file as the tray shows them: Uploaded, Verified, Playable, Full quality, Transcript.
// Progress is only ever what the server or the transfer reported; nothing is guessed.
import type { Asset, Step, StepName, Upload } from '../api/types';

export interface TrayStep {
  name: 'uploaded' | StepName;
  label: string;
  state: Step['state'];
  progress: number;
}

const LABELS: Record<TrayStep['name'], string> = {
  uploaded: 'Uploaded',
  verified: 'Verified',
  playable: 'Playable',
  ladder: 'Full quality',
  transcript: 'Transcript',
};

const RUNNING: Record<TrayStep['name'], string> = {
  uploaded: 'uploading',
  verified: 'verifying',
  playable: 'making it playable',
  ladder: 'making full quality',
  transcript: 'writing the transcript',
};

/** What is going on, inside a sentence. */
export function stepUnderWay(name: TrayStep['name']): string {
  return RUNNING[name];
}

export function stepLabel(name: TrayStep['name']): string {
  return LABELS[name];
}

const AFTER_UPLOAD: StepName[] = ['verified', 'playable', 'ladder', 'transcript'];

export function traySteps(sentFraction: number, upload: Upload | null, asset: Asset | null): TrayStep[] {
  const sent = upload !== null && upload.state !== 'open';
  const uploaded: TrayStep = {
    name: 'uploaded',
    label: LABELS.uploaded,
    state: sent || asset ? 'done' : sentFraction > 0 ? 'running' : 'waiting',
    progress: sent || asset ? 1 : sentFraction,
  };
  return [uploaded, ...AFTER_UPLOAD.map((name) => stepAfterUpload(name, upload, asset))];
}

function stepAfterUpload(name: StepName, upload: Upload | null, asset: Asset | null): TrayStep {
  const step = asset?.steps.find((each) => each.name === name);
  const label = LABELS[name];
  if (step) return { name, label, state: step.state, progress: step.state === 'done' ? 1 : step.progress };
  if (name === 'verified' && upload) {
    if (upload.state === 'promoted') return { name, label, state: 'done', progress: 1 };
    if (upload.state === 'verifying') return { name, label, state: 'running', progress: upload.progress };
    if (upload.state === 'refused') return { name, label, state: 'failed', progress: upload.progress };
  }
  return { name, label, state: 'waiting', progress: 0 };
}

/** Nothing more will change by itself. */
export function isSettled(asset: Asset): boolean {
  if (asset.state === 'failed') return true;
  return asset.steps.length > 0
    ? asset.steps.every((step) => step.state !== 'waiting' && step.state !== 'running')
    : asset.state === 'ready';
}

/** The step a card or a header should speak of: the first that runs, else the first that waits. */
export function currentStep(steps: readonly Step[]): Step | null {
  return steps.find((step) => step.state === 'running') ?? steps.find((step) => step.state === 'waiting') ?? null;
}

/**
 * Whether there is a transcript to ask for. Before its first word, asking is an error that everybody sees in the
 * browser's console.
 */
export function hasWords(step: Step | undefined): boolean {
  if (!step) return true;
  return step.state === 'done' || step.state === 'failed' || (step.state === 'running' && step.progress > 0);
}
