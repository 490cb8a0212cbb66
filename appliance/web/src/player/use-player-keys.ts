// Listens to the keyboard for the whole asset page. Off while typing, in menus and dialogs, or when switched off.
import { useCallback, useEffect, useRef, useState } from 'react';
import { readSetting, writeSetting } from '../state/theme';
import { actionOf, keysBelongElsewhere, type PlayerAction } from './keys';

const KEY = 'strongroom.single-keys';

export function useSingleKeys(): [boolean, (enabled: boolean) => void] {
  const [enabled, setEnabled] = useState(() => readSetting(KEY) !== 'off');
  const change = useCallback((next: boolean) => {
    setEnabled(next);
    writeSetting(KEY, next ? 'on' : 'off');
  }, []);
  return [enabled, change];
}

/** `act` returns whether it did something; only then the browser's own meaning of the key is prevented. */
export function usePlayerKeys(enabled: boolean, act: (action: PlayerAction) => boolean): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    if (!enabled) return;
    let kHeld = false;
    const down = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || keysBelongElsewhere(event.target, event.key)) return;
      const action = actionOf(event, kHeld);
      if (event.key.toLowerCase() === 'k') kHeld = true;
      if (action !== null && latest.current(action)) event.preventDefault();
    };
    const up = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === 'k') kHeld = false;
    };
    const blur = () => {
      kHeld = false;
    };
    window.addEventListener('keydown', down);
    window.addEventListener('keyup', up);
    window.addEventListener('blur', blur);
    return () => {
      window.removeEventListener('keydown', down);
      window.removeEventListener('keyup', up);
      window.removeEventListener('blur', blur);
    };
  }, [enabled]);
}
