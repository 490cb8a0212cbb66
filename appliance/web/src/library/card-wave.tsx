// A recording's sound as the picture on its card. Drawn as SVG: the theme colours it without anything being redrawn.
import { useEffect, useState } from 'react';
import { loadWaveformPath } from '../media/waveform';
import { placeOf } from '../state/library-reducer';

export function CardWave({ url }: { url: string }) {
  const [path, setPath] = useState<string | null>(null);
  const place = placeOf(url) ?? url;
  useEffect(() => {
    let current = true;
    void loadWaveformPath(place, url).then((loaded) => current && setPath(loaded));
    return () => {
      current = false;
    };
    // Another token is no reason to load the same sound again.
  }, [place]);
  return (
    <svg className="card-wave" viewBox="0 0 72 2" preserveAspectRatio="none" aria-hidden="true" data-testid="card-wave" data-loaded={path !== null}>
      {path && <path d={path} />}
    </svg>
  );
}
