// Whether nobody has moved for a while; in full screen the controls then step aside.
import { useEffect, useState } from 'react';

const AFTER_MS = 2500;

export function useIdle(watching: boolean): boolean {
  const [idle, setIdle] = useState(false);
  useEffect(() => {
    setIdle(false);
    if (!watching) return;
    let timer = setTimeout(setIdle, AFTER_MS, true);
    const stir = () => {
      setIdle(false);
      clearTimeout(timer);
      timer = setTimeout(setIdle, AFTER_MS, true);
    };
    const events = ['pointermove', 'pointerdown', 'keydown'] as const;
    for (const name of events) window.addEventListener(name, stir);
    return () => {
      clearTimeout(timer);
      for (const name of events) window.removeEventListener(name, stir);
    };
  }, [watching]);
  return idle;
}
