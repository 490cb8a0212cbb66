// What live events do to assets and transcripts already on screen. Pure; tested without a browser.
import type { Asset, StepName, StepState, Transcript, TranscriptSegment } from '../api/types';

export interface StepProgress {
  asset_id: string;
  step: StepName;
  state: StepState;
  progress: number;
  note: string | null;
}

/** Applies one progress report. Reports may overtake each other: a running step never goes back. */
export function patchStep(asset: Asset, report: StepProgress): Asset {
  if (asset.id !== report.asset_id) return asset;
  let known = false;
  const steps = asset.steps.map((step) => {
    if (step.name !== report.step) return step;
    known = true;
    if (step.state === 'done' && report.state === 'running') return step;
    const progress =
      step.state === 'running' && report.state === 'running' ? Math.max(step.progress, report.progress) : report.progress;
    return { ...step, state: report.state, progress, note: report.note };
  });
  if (!known) steps.push({ name: report.step, state: report.state, progress: report.progress, note: report.note });
  return { ...asset, steps };
}

/** Puts a live segment where it belongs in time; a segment seen before is replaced by its newer text. */
export function mergeSegment(segments: readonly TranscriptSegment[], segment: TranscriptSegment): TranscriptSegment[] {
  const others = segments.filter((each) => each.id !== segment.id);
  let at = others.length;
  while (at > 0 && (others[at - 1] as TranscriptSegment).start_ms > segment.start_ms) at -= 1;
  return [...others.slice(0, at), segment, ...others.slice(at)];
}

/** The transcript read from the server, with live segments that came while it was on its way. */
export function mergeTranscript(read: Transcript, live: readonly TranscriptSegment[]): Transcript {
  if (read.state === 'final') return read;
  return { ...read, segments: live.reduce(mergeSegment, read.segments) };
}
