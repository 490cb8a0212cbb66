// Which key does what in the player. Pure, so that the sheet of keys, the tests and the page cannot disagree.

export type PlayerAction =
  | 'toggle' | 'shuttle-back' | 'shuttle-forward' | 'stop' | 'frame-back' | 'frame-forward' | 'second-back'
  | 'second-forward' | 'ten-back' | 'ten-forward' | 'start' | 'end' | 'mute' | 'volume-up' | 'volume-down' | 'captions'
  | 'transcript' | 'fullscreen' | 'loop' | 'display' | 'go-to' | 'previous' | 'next' | 'keys' | 'search'
  | 'zoom-in' | 'zoom-out' | 'fit';

export interface KeyLine {
  keys: string[];
  what: string;
}

/** Written in the order in which the sheet shows it. */
export const KEY_SHEET: { title: string; lines: KeyLine[] }[] = [
  {
    title: 'Play',
    lines: [
      { keys: ['Space'], what: 'Play, pause' },
      { keys: ['J', 'K', 'L'], what: 'Back, stop, forward; J or L again is 2, 4, 8 times as fast' },
      { keys: ['K + L', 'K + J'], what: 'One frame forward, back' },
      { keys: ['→', '←'], what: 'One frame forward, back' },
      { keys: ['Shift →', 'Shift ←'], what: 'One second' },
      { keys: ['Alt →', 'Alt ←'], what: 'Ten frames' },
      { keys: ['Home', 'End'], what: 'First, last frame' },
      { keys: ['Ctrl L'], what: 'Loop' },
    ],
  },
  {
    title: 'See and hear',
    lines: [
      { keys: ['F'], what: 'Full screen' },
      { keys: ['S'], what: 'Captions' },
      { keys: ['Shift S'], what: 'Transcript beside the picture' },
      { keys: ['Shift M'], what: 'Mute' },
      { keys: ['Shift ↑', 'Shift ↓'], what: 'Louder, quieter' },
      { keys: ['+', '−', '0'], what: 'Zoom in, out, fit (images)' },
    ],
  },
  {
    title: 'Find',
    lines: [
      { keys: ['T'], what: 'Timecode, frames, seconds' },
      { keys: ['G'], what: 'Go to a timecode or frame' },
      { keys: ['/'], what: 'Search in the transcript' },
      { keys: ['[', ']'], what: 'Previous, next asset' },
      { keys: ['?'], what: 'This sheet' },
    ],
  },
];

export interface KeyPress {
  key: string;
  shiftKey: boolean;
  altKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
}

/** `kHeld`: K is down, so that J and L step frames as in editing rooms. Null: the key is not ours. */
export function actionOf(press: KeyPress, kHeld: boolean): PlayerAction | null {
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  if (press.ctrlKey || press.metaKey) return key === 'l' && !press.altKey && !press.shiftKey ? 'loop' : null;
  if (press.altKey) return key === 'ArrowRight' ? 'ten-forward' : key === 'ArrowLeft' ? 'ten-back' : null;
  switch (key) {
    case ' ': return press.shiftKey ? null : 'toggle';
    case 'k': return 'stop';
    case 'j': return kHeld ? 'frame-back' : 'shuttle-back';
    case 'l': return kHeld ? 'frame-forward' : 'shuttle-forward';
    case 'ArrowLeft': return press.shiftKey ? 'second-back' : 'frame-back';
    case 'ArrowRight': return press.shiftKey ? 'second-forward' : 'frame-forward';
    case 'ArrowUp': return press.shiftKey ? 'volume-up' : null;
    case 'ArrowDown': return press.shiftKey ? 'volume-down' : null;
    case 'Home': return 'start';
    case 'End': return 'end';
    case 'm': return press.shiftKey ? 'mute' : null;
    case 's': return press.shiftKey ? 'transcript' : 'captions';
    case 'f': return 'fullscreen';
    case 't': return 'display';
    case 'g': return 'go-to';
    case '[': return 'previous';
    case ']': return 'next';
    case '?': return 'keys';
    case '/': return 'search';
    case '+': case '=': return 'zoom-in';
    case '-': case '−': return 'zoom-out';
    case '0': return 'fit';
    default: return null;
  }
}

/** Whether the focus is where keys mean text or belong to the control itself. */
export function keysBelongElsewhere(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest('dialog, [role="menu"]')) return true;
  if (target.isContentEditable || target.matches('textarea, select, input:not([type="range"])')) return true;
  if (target.matches('input[type="range"], [role="slider"]')) return key.startsWith('Arrow') || key === 'Home' || key === 'End';
  // Space presses the focused button or link; taking it away would break the keyboard for everything else.
  return (key === ' ' || key === 'Enter') && target.matches('button, a, summary, [role="tab"]');
}
