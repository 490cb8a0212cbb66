// One picture cut from a sprite sheet, scaled to fill its place.
import { useEffect, useRef, useState } from 'react';
import type { SpriteCue } from './sprites';

export function SpriteView({ cue, className = '' }: { cue: SpriteCue; className?: string }) {
  const ref = useRef<HTMLSpanElement>(null);
  const [scale, setScale] = useState(0);
  useEffect(() => {
    const box = ref.current?.getBoundingClientRect();
    if (box) setScale(Math.min(box.width / cue.w, box.height / cue.h));
  }, [cue.w, cue.h]);
  return (
    <span ref={ref} className={`sprite ${className}`} aria-hidden="true">
      <span
        className="sprite-cut"
        style={{
          width: cue.w, height: cue.h, backgroundImage: `url("${cue.url}")`,
          backgroundPosition: `-${cue.x}px -${cue.y}px`, transform: `translate(-50%, -50%) scale(${scale})`,
        }}
      />
    </span>
  );
}
