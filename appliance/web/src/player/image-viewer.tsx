// A still: fits by default, zooms about the pointer, pans by dragging.
import { useCallback, useEffect, useRef, useState, type PointerEvent } from 'react';
import type { Asset } from '../api/types';
import { IconButton } from '../ui/button';
import { FitIcon, PlusIcon } from '../ui/icons';
import type { PlayerAction } from './keys';
import type { ViewerHandle } from './video-viewer';

interface View {
  /** 1 fits the picture into the stage. */
  scale: number;
  x: number;
  y: number;
}

const FIT: View = { scale: 1, x: 0, y: 0 };
const LARGEST = 16;

export function ImageViewer({ asset, url, onHandle }: { asset: Asset; url: string; onHandle: (handle: ViewerHandle | null) => void }) {
  const stage = useRef<HTMLDivElement>(null);
  const image = useRef<HTMLImageElement>(null);
  const [view, setView] = useState(FIT);
  const [natural, setNatural] = useState(1);
  const drag = useRef<{ x: number; y: number } | null>(null);

  const zoom = useCallback((factor: number, at?: { x: number; y: number }) => {
    setView((before) => {
      const scale = Math.min(LARGEST, Math.max(1, before.scale * factor));
      if (scale === 1) return FIT;
      const grow = scale / before.scale;
      // What lies under the pointer stays there.
      const { x, y } = at ?? { x: 0, y: 0 };
      return { scale, x: x - (x - before.x) * grow, y: y - (y - before.y) * grow };
    });
  }, []);

  useEffect(() => {
    const act = (action: PlayerAction): boolean => {
      if (action === 'zoom-in') zoom(1.5);
      else if (action === 'zoom-out') zoom(1 / 1.5);
      else if (action === 'fit') setView(FIT);
      else return false;
      return true;
    };
    onHandle({ act });
    return () => onHandle(null);
  }, [onHandle, zoom]);

  const fromCentre = useCallback((event: { clientX: number; clientY: number }) => {
    const box = stage.current?.getBoundingClientRect();
    return box ? { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 } : { x: 0, y: 0 };
  }, []);

  // React listens to the wheel passively; zooming must keep the page from scrolling.
  useEffect(() => {
    const element = stage.current;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), fromCentre(event));
    };
    element?.addEventListener('wheel', wheel, { passive: false });
    return () => element?.removeEventListener('wheel', wheel);
  }, [zoom, fromCentre]);

  const onPointerMove = (event: PointerEvent) => {
    const from = drag.current;
    if (!from) return;
    setView((before) => (before.scale === 1 ? before : { ...before, x: before.x + event.clientX - from.x, y: before.y + event.clientY - from.y }));
    drag.current = { x: event.clientX, y: event.clientY };
  };
  const measure = () => {
    const element = image.current;
    if (element && element.clientWidth > 0) setNatural(element.clientWidth / (asset.media.width ?? element.naturalWidth));
  };

  return (
    <div className="viewer viewer-image">
      <div
        ref={stage} className={view.scale > 1 ? 'stage stage-pan' : 'stage'}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          drag.current = { x: event.clientX, y: event.clientY };
        }}
        onPointerMove={onPointerMove}
        onPointerUp={() => (drag.current = null)}
        onPointerCancel={() => (drag.current = null)}
        onDoubleClick={(event) => (view.scale > 1 ? setView(FIT) : zoom(1 / natural, fromCentre(event)))}
      >
        <img
          ref={image} src={url} alt={asset.title} draggable={false} className="stage-image" data-testid="image" onLoad={measure}
          style={{ transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})` }}
        />
      </div>
      <div className="deck">
        <div className="controls">
          <div className="controls-group">
            <IconButton label="Fit" shortcut="0" aria-pressed={view.scale === 1} onClick={() => setView(FIT)}><FitIcon /></IconButton>
            <IconButton label="Zoom out" shortcut="−" onClick={() => zoom(1 / 1.5)}><MinusIcon /></IconButton>
            <IconButton label="Zoom in" shortcut="+" onClick={() => zoom(1.5)}><PlusIcon /></IconButton>
          </div>
          <span className="clock-now" aria-live="polite">{Math.round(view.scale * natural * 100)} %</span>
          <div className="controls-end muted small">Wheel to zoom, drag to move, double-click for actual size</div>
        </div>
      </div>
    </div>
  );
}

function MinusIcon() {
  return <svg width={18} height={18} viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" aria-hidden="true"><path d="M4 10h12" /></svg>;
}
