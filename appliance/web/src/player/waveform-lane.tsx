// The sound as a picture: beneath the seek bar for video, as the picture itself for audio. Click or drag to seek.
import { useEffect, useRef, useState, type PointerEvent } from 'react';
import { gainOf, loadWaveform, reducePeaks, type Waveform } from '../media/waveform';
import { onThemeChange } from '../state/theme';
import type { PlayerController } from './controller';
import { usePlayerState } from './use-player-state';

interface WaveformLaneProps {
  player: PlayerController;
  url: string;
  large?: boolean;
}

export function WaveformLane({ player, url, large = false }: WaveformLaneProps) {
  const box = useRef<HTMLDivElement>(null);
  const quiet = useRef<HTMLCanvasElement>(null);
  const played = useRef<HTMLCanvasElement>(null);
  const [wave, setWave] = useState<Waveform | null>(null);
  const duration = usePlayerState(player, (state) => state.duration);
  const time = usePlayerState(player, (state) => state.time);
  const fraction = duration > 0 ? Math.min(1, time / duration) : 0;

  useEffect(() => {
    const loading = new AbortController();
    void loadWaveform(url, loading.signal).then((loaded) => loaded && setWave(loaded));
    return () => loading.abort();
  }, [url]);

  useEffect(() => {
    const element = box.current;
    if (!element || !wave) return;
    const draw = () => {
      const style = getComputedStyle(element);
      paint(quiet.current, wave, duration, style.getPropertyValue('--wave'));
      paint(played.current, wave, duration, style.getPropertyValue('--wave-played'));
    };
    const observer = new ResizeObserver(draw);
    observer.observe(element);
    const undo = onThemeChange(() => requestAnimationFrame(draw));
    return () => {
      observer.disconnect();
      undo();
    };
  }, [wave, duration]);

  const seek = (event: PointerEvent) => {
    const area = box.current?.getBoundingClientRect();
    if (area) player.seekTo(Math.min(1, Math.max(0, (event.clientX - area.left) / area.width)) * duration);
  };
  return (
    <div
      ref={box} className={large ? 'wave wave-large' : 'wave'} aria-hidden="true" data-testid="waveform" data-loaded={wave !== null}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        seek(event);
      }}
      onPointerMove={(event) => event.buttons === 1 && seek(event)}
    >
      <canvas ref={quiet} />
      <canvas ref={played} style={{ clipPath: `inset(0 ${(1 - fraction) * 100}% 0 0)` }} />
      <div className="wave-playhead" style={{ left: `${fraction * 100}%` }} />
    </div>
  );
}

// Bars of two pixels with one between them: readable at any width, and never thinner than a pixel.
const BAR = 2;
const GAP = 1;

function paint(canvas: HTMLCanvasElement | null, wave: Waveform, duration: number, colour: string): void {
  if (!canvas || duration <= 0) return;
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d');
  if (!context || width === 0) return;
  context.scale(ratio, ratio);
  context.fillStyle = colour;
  const columns = Math.floor(width / (BAR + GAP));
  const peaks = reducePeaks(wave, columns, duration);
  const gain = gainOf(wave);
  const middle = height / 2;
  for (let column = 0; column < columns; column += 1) {
    const low = (peaks[column * 2] ?? 0) * gain;
    const high = (peaks[column * 2 + 1] ?? 0) * gain;
    const top = middle - high * (middle - 1);
    const tall = Math.max(1, (high - low) * (middle - 1));
    context.fillRect((column * width) / columns, top, BAR, tall);
  }
}
