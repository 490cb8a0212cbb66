// Keeps the media element fed with the best generation there is. A fuller generation replaces a lesser one at once
// while paused, and at the next pause or seek while playing; the last frame stays on screen meanwhile.
import { useCallback, useEffect, useRef, useState, type RefObject } from 'react';
import type { Preview } from '../api/types';
import type { PlayerController } from './controller';
import { Source, type Rung } from './source';

export interface SourceView {
  rungs: Rung[];
  rung: Rung | null;
  automatic: boolean;
  choose: (index: number) => void;
  /** A fuller generation waits for a quiet moment; calling it switches now. */
  switchNow: (() => void) | null;
  unplayable: boolean;
  lost: boolean;
  retry: () => void;
}

const LOST_RETRIES = 3;

export function useSource(
  player: PlayerController,
  video: RefObject<HTMLVideoElement | null>,
  freeze: RefObject<HTMLCanvasElement | null>,
  preview: Preview | null,
  askForFreshPreview: () => void,
): SourceView {
  const hls = preview?.hls ?? null;
  const generation = preview?.generation ?? '';
  const [active, setActive] = useState<{ generation: string; attempt: number } | null>(null);
  const [rungs, setRungs] = useState<Rung[]>([]);
  const [rung, setRung] = useState<Rung | null>(null);
  const [automatic, setAutomatic] = useState(true);
  const [unplayable, setUnplayable] = useState(false);
  const [lost, setLost] = useState(false);
  const source = useRef<Source | null>(null);
  const latest = useRef(preview);
  latest.current = preview;
  const failures = useRef(0);
  const ask = useRef(askForFreshPreview);
  ask.current = askForFreshPreview;

  const activate = useCallback(() => {
    const next = latest.current;
    if (next?.hls) setActive((before) => (before?.generation === next.generation ? before : { generation: next.generation, attempt: 0 }));
  }, []);

  // Decide when a new generation becomes the active one.
  const pending = hls !== null && active !== null && generation !== active.generation;
  useEffect(() => {
    if (hls === null) return;
    if (active === null || (pending && !player.snapshot().playing)) return activate();
    if (!pending) return;
    player.onQuietMoment = () => queueMicrotask(activate);
    return () => {
      player.onQuietMoment = null;
    };
  }, [hls, pending, active, player, activate]);

  // Fresh addresses of the active generation.
  useEffect(() => {
    if (hls && active?.generation === generation) source.current?.renew(hls);
  }, [hls, generation, active]);

  useEffect(() => {
    const element = video.current;
    const now = latest.current;
    if (!element || !now?.hls || active === null) return;
    const canvas = freeze.current;
    const thaw = holdPicture(element, canvas);
    setUnplayable(false);
    setLost(false);
    setAutomatic(true);
    const made = new Source(element, now.hls, player.snapshot().time, now.renditions, {
      onRungs: setRungs,
      onRung: (next) => {
        setRung(next);
        player.showAgain();
      },
      onUnplayable: () => setUnplayable(true),
      onLost: () => {
        failures.current += 1;
        ask.current();
        if (failures.current > LOST_RETRIES) return setLost(true);
        setTimeout(() => setActive((before) => before && { generation: latest.current?.generation ?? before.generation, attempt: before.attempt + 1 }), 800 * failures.current);
      },
    });
    source.current = made;
    player.onEndMissing = () => made.declareEnd();
    const resume = () => {
      failures.current = 0;
      if (!player.rate && player.snapshot().time <= 0) thaw();
      player.sourceReady();
    };
    element.addEventListener('loadedmetadata', resume, { once: true });
    element.addEventListener('seeked', thaw, { once: true });
    return () => {
      element.removeEventListener('loadedmetadata', resume);
      element.removeEventListener('seeked', thaw);
      player.onEndMissing = null;
      player.holdForSource();
      holdPicture(element, canvas);
      made.destroy();
      source.current = null;
    };
  }, [active, player, video, freeze]);

  return {
    rungs, rung, automatic, unplayable, lost,
    choose: (index) => {
      source.current?.choose(index);
      setAutomatic(index < 0);
    },
    switchNow: pending ? activate : null,
    retry: () => {
      failures.current = 0;
      setActive((before) => before && { generation: latest.current?.generation ?? before.generation, attempt: before.attempt + 1 });
    },
  };
}

/** Draws the current picture over the element; the returned function takes it away. */
function holdPicture(video: HTMLVideoElement, canvas: HTMLCanvasElement | null): () => void {
  const thaw = () => canvas?.classList.remove('freeze-on');
  if (canvas && video.videoWidth > 0 && video.readyState >= 2) {
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext('2d')?.drawImage(video, 0, 0);
    canvas.classList.add('freeze-on');
  }
  return thaw;
}
