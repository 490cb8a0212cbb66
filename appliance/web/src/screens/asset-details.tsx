// The facts of an asset: what was uploaded, what it is, how long it is locked, how far its preparation is.
import type { ReactNode } from 'react';
import type { Asset, Transcript } from '../api/types';
import { formatDuration, formatRate, isUsableRate } from '../media/timecode';
import { formatBytes, formatDay, formatMoment, formatRunning } from '../ui/format';
import { LockIcon } from '../ui/icons';
import { Meter } from '../ui/small';
import { stepLabel } from '../upload/steps';
import { CopyButton } from './add-member';

const STEP_WORDS = { waiting: 'waiting', running: '', done: 'done', failed: 'failed', skipped: 'not needed' };

export function AssetDetails({ asset, transcript }: { asset: Asset; transcript: Transcript | null }) {
  const { version, media } = asset;
  return (
    <div className="details">
      <Group title="File">
        <Fact name="Name">{version.file_name}</Fact>
        <Fact name="Size">{formatBytes(version.size)} <span className="muted">({version.size.toLocaleString('en-GB')} bytes)</span></Fact>
        <Fact name="Type">{version.content_type}</Fact>
        <Fact name="SHA-256">
          <span className="details-digest"><code title={version.sha256}>{version.sha256.slice(0, 8)}…{version.sha256.slice(-8)}</code><CopyButton text={version.sha256} label="Copy" small /></span>
        </Fact>
        <Fact name="Original">
          <span className="details-lock"><LockIcon size={16} />{version.locked_until ? `locked until ${formatDay(version.locked_until)}` : 'kept unchanged'}</span>
        </Fact>
        <Fact name="Version">{version.number}</Fact>
        <Fact name="Uploaded">{formatMoment(asset.created_at)} by {asset.created_by.display_name}</Fact>
      </Group>
      <Group title="Media">
        {media.duration_ms !== null && asset.kind !== 'image' && <Fact name="Duration">{formatDuration(media.duration_ms)}</Fact>}
        {media.width !== null && media.height !== null && <Fact name="Picture">{media.width} × {media.height}{media.video_codec && `, ${media.video_codec}`}</Fact>}
        {isUsableRate(media.frame_rate) && <Fact name="Frames">{media.frames !== null && `${media.frames} at `}{formatRate(media.frame_rate)}</Fact>}
        {asset.kind !== 'image' && <Fact name="Sound">{media.has_audio ? (media.audio_codec ?? 'yes') : 'none'}</Fact>}
        {asset.preview && asset.preview.renditions.length > 0 && (
          <Fact name="Renditions">{asset.preview.renditions.map((each) => `${each.source === 'copy' ? 'copy ' : ''}${each.height}p`).join(', ')}</Fact>
        )}
      </Group>
      {transcript && (
        <Group title="Transcript">
          {transcript.language && <Fact name="Language">{languageName(transcript.language)}</Fact>}
          {transcript.model && <Fact name="Model">{transcript.model.pack} {transcript.model.version}</Fact>}
          <Fact name="State">{transcript.state === 'final' ? 'complete' : 'in the making'}</Fact>
        </Group>
      )}
      <Group title="Preparation">
        {asset.steps.map((step) => (
          <Fact key={step.name} name={stepLabel(step.name)}>
            {step.state === 'running' ? <span className="details-step"><Meter value={step.progress} label={stepLabel(step.name)} /><span className="tabular">{formatRunning(step.progress)}</span></span> : STEP_WORDS[step.state]}
            {step.note && <span className="muted details-note">{step.note}</span>}
          </Fact>
        ))}
      </Group>
    </div>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return <section><h3>{title}</h3><dl>{children}</dl></section>;
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return <div className="fact"><dt>{name}</dt><dd>{children}</dd></div>;
}

function languageName(code: string): string {
  try {
    return new Intl.DisplayNames('en', { type: 'language' }).of(code) ?? code;
  } catch {
    return code;
  }
}
