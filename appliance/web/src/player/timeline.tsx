// The seek bar: a slider for keyboard and screen reader, a scrubber for the pointer, with the picture under the pointer.
import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { loadSprites, spriteAt, type SpriteCue } from '../media/sprites';
import { SpriteView } from '../media/sprite-view';
import { formatPosition, type TimeDisplay } from '../media/timecode';
import type { PlayerController } from './controller';
import { usePlayerState } from './use-player-state';

interface TimelineProps {
  player: PlayerController;
  sprites: string | null;
  display: TimeDisplay;
}

export function Timeline({ player, sprites, display }: TimelineProps) {
  const bar = useRef<HTMLDivElement>(null);
  const [hover, setHover] = useState<number | null>(null);
  const [cues, setCues] = useState<SpriteCue[]>([]);
  const time = usePlayerState(player, (state) => state.time);
  const duration = usePlayerState(player, (state) => state.duration);
  const bufferedTo = usePlayerState(player, (state) => state.bufferedTo);
  const resume = useRef(false);
  const dragging = useRef(false);

  useEffect(() => {
    if (!sprites) return setCues([]);
    let wanted = true;
    void loadSprites(sprites).then((loaded) => wanted && setCues(loaded));
    return () => {
      wanted = false;
    };
  }, [sprites]);

  const fractionAt = (event: PointerEvent) => {
    const box = bar.current?.getBoundingClientRect();
    return box ? Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) : 0;
  };
  const fraction = duration > 0 ? Math.min(1, time / duration) : 0;
  const position = formatPosition(time + 0.001, player.rate, display);
  const cue = hover !== null ? spriteAt(cues, hover * duration) : null;

  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, duration / 20);
    switch (event.key) {
      case 'ArrowRight': if (event.shiftKey) player.seekBy(1); else player.step(1); break;
      case 'ArrowLeft': if (event.shiftKey) player.seekBy(-1); else player.step(-1); break;
      case 'PageUp': player.seekBy(page); break;
      case 'PageDown': player.seekBy(-page); break;
      case 'Home': player.toStart(); break;
      case 'End': player.toEnd(); break;
      default: return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div
      ref={bar} className="timeline" role="slider" tabIndex={0} aria-label="Position" data-testid="timeline"
      aria-valuemin={0} aria-valuemax={Math.round(duration * 1000)} aria-valuenow={Math.round(time * 1000)} aria-valuetext={position}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        resume.current = player.snapshot().playing;
        dragging.current = true;
        player.pause();
        player.seekTo(fractionAt(event) * duration);
        setHover(fractionAt(event));
      }}
      onPointerMove={(event) => {
        setHover(fractionAt(event));
        if (dragging.current) player.seekTo(fractionAt(event) * duration);
      }}
      onPointerUp={(event) => {
        if (dragging.current && resume.current) player.play();
        dragging.current = false;
        if (event.pointerType === 'touch') setHover(null);
      }}
      onPointerCancel={() => {
        dragging.current = false;
        setHover(null);
      }}
      onPointerLeave={() => !dragging.current && setHover(null)}
    >
      <div className="timeline-track">
        <div className="timeline-buffer" style={{ transform: `scaleX(${duration > 0 ? Math.min(1, bufferedTo / duration) : 0})` }} />
        <div className="timeline-fill" style={{ transform: `scaleX(${fraction})` }} />
      </div>
      <div className="timeline-thumb" style={{ left: `${fraction * 100}%` }} />
      {hover !== null && (
        <>
          <div className="timeline-hair" style={{ left: `${hover * 100}%` }} />
          <div className={cue ? 'timeline-tip timeline-tip-picture' : 'timeline-tip'} style={{ left: `clamp(${cue ? 92 : 40}px, ${hover * 100}%, calc(100% - ${cue ? 92 : 40}px))` }}>
            {cue && <SpriteView cue={cue} className="timeline-sprite" />}
            <span>{formatPosition(hover * duration, player.rate, display)}</span>
          </div>
        </>
      )}
    </div>
  );
}
