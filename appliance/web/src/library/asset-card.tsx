// One asset in the grid. Moving over a video shows what is in it; arrow keys do the same when the card has the focus.
import { useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { Link } from 'react-router';
import { api } from '../api/endpoints';
import type { Asset } from '../api/types';
import { loadSprites, spriteAt, type SpriteCue } from '../media/sprites';
import { SpriteView } from '../media/sprite-view';
import { formatDuration } from '../media/timecode';
import { useLibrary } from '../state/library';
import { Button } from '../ui/button';
import { formatDay } from '../ui/format';
import { AlertIcon, AudioIcon, ImageIcon, VideoIcon } from '../ui/icons';
import { Meter } from '../ui/small';
import { useToast } from '../ui/toast';
import { Words } from '../ui/words';
import { currentStep } from '../upload/steps';
import { CardWave } from './card-wave';
import { StateChip } from './state-chip';

const KINDS = { video: { Icon: VideoIcon, word: 'Video' }, audio: { Icon: AudioIcon, word: 'Audio' }, image: { Icon: ImageIcon, word: 'Image' } };

export function AssetCard({ asset }: { asset: Asset }) {
  const { refresh } = useLibrary();
  const toast = useToast();
  const scrub = useScrub(asset);
  const { Icon, word } = KINDS[asset.kind];
  const duration = asset.media.duration_ms;
  const step = currentStep(asset.steps);
  const openable = asset.preview !== null || asset.state !== 'processing';

  const wave = asset.kind === 'audio' ? (asset.preview?.waveform ?? null) : null;
  const to = `/p/${asset.project_id}/a/${asset.id}`;

  const body = (
    <span className={asset.preview?.card ? 'card-picture' : 'card-picture card-picture-blank'} {...scrub.handlers}>
      {asset.preview?.card ? (
        <img src={asset.preview.card} alt="" loading="lazy" decoding="async" className={asset.kind === 'image' ? 'card-image' : ''} />
      ) : wave ? (
        <CardWave url={wave} />
      ) : (
        <span className={`card-blank card-blank-${asset.kind}`}>{asset.state === 'failed' ? <AlertIcon size={32} /> : <Icon size={32} />}</span>
      )}
      {scrub.cue && <SpriteView cue={scrub.cue} className="card-sprite" />}
      {scrub.fraction !== null && <span className="card-playhead" style={{ left: `${scrub.fraction * 100}%` }} />}
      {(asset.preview?.card || wave) && <span className="card-kind" title={word}><Icon size={16} /></span>}
      {duration !== null && asset.kind !== 'image' && (
        <span className="card-duration tabular">
          {scrub.fraction !== null ? formatDuration(scrub.fraction * duration) : formatDuration(duration)}
        </span>
      )}
    </span>
  );

  return (
    <article className="card" data-testid="asset-card" data-asset={asset.id} data-state={asset.state}>
      {openable ? (
        <Link to={to} className="card-link" aria-label={`${asset.title}, ${word.toLowerCase()}`} onKeyDown={scrub.onKeyDown} onBlur={scrub.end}>{body}</Link>
      ) : (
        <div className="card-link">{body}</div>
      )}
      {asset.state === 'processing' && step && <Meter value={step.state === 'running' ? step.progress : 0} label={`Processing of ${asset.title}`} />}
      <div className="card-text">
        <div className="card-title truncate" title={asset.title}>
          {/* For the pointer only: with the keyboard the picture is the one stop of the card. */}
          {openable ? <Link to={to} tabIndex={-1} aria-hidden="true">{asset.title}</Link> : asset.title}
        </div>
        <div className="card-meta">
          <StateChip asset={asset} />
          <span className="muted small truncate">{formatDay(asset.created_at)}</span>
        </div>
        {asset.state === 'failed' && asset.problem && (
          <div className="card-problem" data-testid="problem">
            <p><Words text={asset.problem.title} /> <span className="muted"><Words text={asset.problem.remedy} /></span></p>
            {asset.problem.retryable && (
              <Button small onClick={() => void api.retryAsset(asset.id).then(() => refresh(asset.id), toast.fail)}>Retry</Button>
            )}
          </div>
        )}
      </div>
    </article>
  );
}

const KEY_STEP = 1 / 24;

function useScrub(asset: Asset) {
  const [fraction, setFraction] = useState<number | null>(null);
  const [cues, setCues] = useState<SpriteCue[]>([]);
  const asked = useRef<string | null>(null);
  const sprites = asset.preview?.sprites ?? null;
  const duration = asset.media.duration_ms ?? 0;
  const usable = asset.kind === 'video' && sprites !== null && duration > 0;

  const show = (next: number) => {
    setFraction(Math.min(1, Math.max(0, next)));
    if (sprites && asked.current !== sprites) {
      asked.current = sprites;
      void loadSprites(sprites).then(setCues);
    }
  };
  const end = () => setFraction(null);
  const handlers = usable
    ? {
        onPointerMove: (event: PointerEvent) => {
          if (event.pointerType === 'touch') return;
          const box = event.currentTarget.getBoundingClientRect();
          show((event.clientX - box.left) / box.width);
        },
        onPointerLeave: end,
      }
    : {};
  const onKeyDown = (event: KeyboardEvent) => {
    if (!usable || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'ArrowRight') show((fraction ?? -KEY_STEP) + KEY_STEP);
    else if (event.key === 'ArrowLeft') show((fraction ?? 1 + KEY_STEP) - KEY_STEP);
    else if (event.key === 'Escape') return end();
    else return;
    event.preventDefault();
  };
  const cue = fraction !== null && usable ? spriteAt(cues, (fraction * duration) / 1000) : null;
  return { fraction, cue, handlers, onKeyDown, end };
}
