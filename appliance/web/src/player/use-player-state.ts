// Reads one thing from the player without drawing again for all the others; a frame counter changes 60 times a second.
import { useRef, useSyncExternalStore } from 'react';
import type { PlayerController, PlayerState } from './controller';

export function usePlayerState<T>(player: PlayerController, select: (state: PlayerState) => T): T {
  const chosen = useRef(select);
  chosen.current = select;
  return useSyncExternalStore(player.subscribe, () => chosen.current(player.snapshot()));
}
