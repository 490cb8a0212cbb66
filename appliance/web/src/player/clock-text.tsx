// The position as text: timecode, frame or seconds. A click changes the form; "go to" types a position.
import { useState, type FormEvent } from 'react';
import { formatPosition, isUsableRate, parsePosition, type TimeDisplay } from '../media/timecode';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { Field } from '../ui/field';
import type { PlayerController } from './controller';
import { usePlayerState } from './use-player-state';

export const DISPLAYS: TimeDisplay[] = ['timecode', 'frames', 'seconds'];

interface ClockTextProps {
  player: PlayerController;
  display: TimeDisplay;
  onDisplay: () => void;
}

export function ClockText({ player, display, onDisplay }: ClockTextProps) {
  const rate = player.rate;
  const frame = usePlayerState(player, (state) => state.frame);
  const time = usePlayerState(player, (state) => (rate ? 0 : Math.floor(state.time * 20) / 20));
  const duration = usePlayerState(player, (state) => state.duration);
  // The centre of the frame, so that no rounding can show its neighbour.
  const at = rate && frame !== null ? ((frame + 0.5) * rate.den) / rate.num : time;
  const end = rate ? ((player.lastFrame + 0.5) * rate.den) / rate.num : duration;
  return (
    <button type="button" className="clock" onClick={onDisplay} title="Timecode, frames or seconds (T)" disabled={!rate} data-testid="timecode" data-frame={frame ?? ''}>
      <span className="clock-now">{formatPosition(at, rate, display)}</span>
      <span className="clock-end">/ {formatPosition(end, rate, display)}</span>
      {rate && display === 'timecode' && <span className="clock-frame">frame {frame ?? 0}</span>}
    </button>
  );
}

export function GoToDialog({ player, onClose }: { player: PlayerController; onClose: () => void }) {
  const rate = player.rate;
  const { frame } = player.snapshot();
  const [text, setText] = useState(isUsableRate(rate) && frame !== null ? formatPosition(((frame + 0.5) * rate.den) / rate.num, rate, 'timecode') : '');
  const [wrong, setWrong] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const target = rate ? parsePosition(text, rate) : null;
    if (target === null) return setWrong(true);
    player.pause();
    player.seekToFrame(target);
    onClose();
  };
  return (
    <Dialog title="Go to" onClose={onClose}>
      <form className="form" onSubmit={submit}>
        <Field
          label="Timecode or frame number" value={text} autoFocus inputMode="text" autoComplete="off" aria-invalid={wrong}
          onFocus={(event) => event.target.select()}
          onChange={(event) => {
            setText(event.target.value);
            setWrong(false);
          }}
          hint={wrong ? 'Neither a timecode (00:01:02:03) nor a whole number.' : 'For example 00:01:02:03, 1:02:03 or 1550.'}
        />
        <div className="form-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary">Go</Button>
        </div>
      </form>
    </Dialog>
  );
}
