// One segment: its time (a button, for the keyboard) and its words (each can be clicked).
import { memo, type MouseEvent, type ReactNode } from 'react';
import type { TranscriptSegment, Word } from '../api/types';
import { formatDuration } from '../media/timecode';
import type { PlayerController } from '../player/controller';
import { usePlayerState } from '../player/use-player-state';
import { wordAt, wordsOf, type Hit } from './find';

const UNSURE_BELOW = 0.5;

interface SegmentLineProps {
  segment: TranscriptSegment;
  player: PlayerController;
  active: boolean;
  hits: readonly Hit[];
  currentHit: Hit | null;
  onSeek: (ms: number) => void;
}

export const SegmentLine = memo(function SegmentLine({ segment, player, active, hits, currentHit, onSeek }: SegmentLineProps) {
  const onClick = (event: MouseEvent) => {
    // Selecting text to copy it is not a wish to seek.
    if (window.getSelection()?.isCollapsed === false) return;
    const start = (event.target as HTMLElement).closest<HTMLElement>('[data-start]')?.dataset['start'];
    onSeek(start ? Number(start) : segment.start_ms);
  };
  return (
    <li className={active ? 'segment segment-active' : 'segment'} data-testid="transcript-segment" data-start-ms={segment.start_ms} aria-current={active || undefined}>
      <button type="button" className="segment-time tabular" onClick={() => onSeek(segment.start_ms)} aria-label={`Go to ${formatDuration(segment.start_ms)}`}>
        {formatDuration(segment.start_ms)}
      </button>
      <p className="segment-text" onClick={onClick}>
        {active ? <SpokenWords segment={segment} player={player} hits={hits} currentHit={currentHit} /> : render(wordsOf(segment), hits, currentHit, -1)}
      </p>
    </li>
  );
});

// Only the segment being spoken follows the clock; the thousands of others are never drawn again.
function SpokenWords({ segment, player, hits, currentHit }: Pick<SegmentLineProps, 'segment' | 'player' | 'hits' | 'currentHit'>) {
  const words = wordsOf(segment);
  const spoken = usePlayerState(player, (state) => wordAt(words, state.time * 1000 + 1));
  return <>{render(words, hits, currentHit, words.length > 1 ? spoken : -1)}</>;
}

function render(words: readonly Word[], hits: readonly Hit[], currentHit: Hit | null, spoken: number): ReactNode {
  return words.map((word, index) => {
    const hit = hits.find((each) => each.first <= index && index <= each.last);
    const names = [
      'word',
      index === spoken && 'word-spoken',
      word.confidence < UNSURE_BELOW && 'word-unsure',
      hit && (hit === currentHit ? 'word-hit word-hit-current' : 'word-hit'),
    ];
    return (
      <span key={index}>
        <span className={names.filter(Boolean).join(' ')} data-start={word.start_ms} title={word.confidence < UNSURE_BELOW ? 'Heard with little certainty' : undefined}>{word.text.trim()}</span>
        {' '}
      </span>
    );
  });
}
