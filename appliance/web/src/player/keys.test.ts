// The keys of the player.
import { describe, expect, it } from 'vitest';
import { actionOf, KEY_SHEET, type KeyPress } from './keys';

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({ key, shiftKey: false, altKey: false, ctrlKey: false, metaKey: false, ...more });

describe('player keys', () => {
  it('follow the editing room', () => {
    expect(actionOf(press('l'), false)).toBe('shuttle-forward');
    expect(actionOf(press('j'), false)).toBe('shuttle-back');
    expect(actionOf(press('l'), true)).toBe('frame-forward');
    expect(actionOf(press('j'), true)).toBe('frame-back');
    expect(actionOf(press('K'), false)).toBe('stop');
    expect(actionOf(press('ArrowRight', { shiftKey: true }), false)).toBe('second-forward');
    expect(actionOf(press('ArrowLeft', { altKey: true }), false)).toBe('ten-back');
  });

  it('keep M free for markers; muting needs shift', () => {
    expect(actionOf(press('m'), false)).toBeNull();
    expect(actionOf(press('M', { shiftKey: true }), false)).toBe('mute');
  });

  it('leave the chords of the browser alone', () => {
    for (const key of ['f', 's', 't', 'g', 'r', '0', '+']) {
      expect(actionOf(press(key, { ctrlKey: true }), false)).toBeNull();
      expect(actionOf(press(key, { metaKey: true }), false)).toBeNull();
    }
    expect(actionOf(press('l', { ctrlKey: true }), false)).toBe('loop');
    expect(actionOf(press('ArrowDown'), false)).toBeNull();
  });

  it('are all on the sheet', () => {
    const shown = KEY_SHEET.flatMap((group) => group.lines.flatMap((line) => line.keys));
    for (const key of ['Space', 'J', 'K', 'L', 'F', 'S', 'T', 'G', '[', ']', '?', '/']) expect(shown).toContain(key);
  });
});
