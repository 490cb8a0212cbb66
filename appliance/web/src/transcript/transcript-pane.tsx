// What was said, beside the picture: follows the playhead, is searched, and grows while it is being made.
import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent, type RefObject } from 'react';
import type { Asset } from '../api/types';
import type { PlayerController } from '../player/controller';
import { usePlayerState } from '../player/use-player-state';
import { Button, IconButton } from '../ui/button';
import { formatRunning } from '../ui/format';
import { ChevronDownIcon, ChevronUpIcon, CloseIcon, SearchIcon, TranscriptIcon } from '../ui/icons';
import { ProblemNote } from '../ui/problem';
import { Spinner } from '../ui/small';
import { findHits, segmentAt, type Hit } from './find';
import { SegmentLine } from './segment-line';
import type { TranscriptView } from './use-transcript';

interface TranscriptPaneProps {
  asset: Asset;
  player: PlayerController;
  view: TranscriptView;
  search: RefObject<HTMLInputElement | null>;
}

const NO_HITS: Hit[] = [];

export function TranscriptPane({ asset, player, view, search }: TranscriptPaneProps) {
  const { segments } = view;
  const list = useRef<HTMLOListElement>(null);
  const [query, setQuery] = useState('');
  const [chosen, setChosen] = useState(0);
  const [following, setFollowing] = useState(true);
  const active = usePlayerState(player, (state) => segmentAt(segments, state.time * 1000 + 1));

  const hits = useMemo(() => findHits(segments, query), [segments, query]);
  const bySegment = useMemo(() => {
    const map = new Map<number, Hit[]>();
    for (const hit of hits) map.set(hit.segment, [...(map.get(hit.segment) ?? []), hit]);
    return map;
  }, [hits]);
  const current = hits[Math.min(chosen, hits.length - 1)] ?? null;

  const show = useCallback((index: number) => {
    const line = list.current?.children[index];
    const scroller = list.current?.parentElement;
    if (!(line instanceof HTMLElement) || !scroller) return;
    // A third down: what was said before stays in sight, and so does what comes.
    scroller.scrollTo({ top: line.offsetTop - scroller.clientHeight / 3, behavior: 'smooth' });
  }, []);

  useEffect(() => {
    if (following && active >= 0 && query === '') show(active);
  }, [active, following, query, show]);
  useEffect(() => {
    if (current) show(current.segment);
  }, [current, show]);

  const seek = useCallback((ms: number) => {
    player.seekTo(ms / 1000 + 0.001);
    setFollowing(true);
  }, [player]);
  const jump = (by: number) => {
    if (hits.length > 0) setChosen((Math.min(chosen, hits.length - 1) + by + hits.length) % hits.length);
  };
  const onSearchKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter') {
      event.preventDefault();
      jump(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape') {
      setQuery('');
      search.current?.blur();
    }
  };

  const step = asset.steps.find((each) => each.name === 'transcript');
  if (segments.length === 0) return <NoTranscript view={view} step={step} />;
  return (
    <div className="transcript">
      <div className="transcript-search">
        <SearchIcon size={16} />
        <input
          ref={search} type="text" inputMode="search" placeholder="Search in this transcript" aria-label="Search in this transcript" value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setChosen(0);
          }}
          onKeyDown={onSearchKey} data-testid="transcript-search"
        />
        {query !== '' && (
          <>
            <span className="small muted tabular" role="status">{hits.length === 0 ? 'none' : `${Math.min(chosen, hits.length - 1) + 1} of ${hits.length}`}</span>
            <IconButton label="Previous hit" shortcut="Shift Enter" small disabled={hits.length === 0} onClick={() => jump(-1)}><ChevronUpIcon size={16} /></IconButton>
            <IconButton label="Next hit" shortcut="Enter" small disabled={hits.length === 0} onClick={() => jump(1)}><ChevronDownIcon size={16} /></IconButton>
            <IconButton label="Clear the search" small onClick={() => setQuery('')}><CloseIcon size={16} /></IconButton>
          </>
        )}
      </div>
      <div
        className="transcript-scroll" tabIndex={0} role="region" aria-label="Transcript"
        onWheel={() => setFollowing(false)} onTouchMove={() => setFollowing(false)}
      >
        <ol ref={list} lang={view.transcript?.language ?? undefined}>
          {segments.map((segment, index) => (
            <SegmentLine
              key={segment.id} segment={segment} player={player} active={index === active} hits={bySegment.get(index) ?? NO_HITS}
              currentHit={current?.segment === index ? current : null} onSeek={seek}
            />
          ))}
        </ol>
        {step?.state === 'running' && (
          <div className="transcript-live" role="status"><Spinner label="Transcribing" /><span>Transcribing, {formatRunning(step.progress)}</span></div>
        )}
      </div>
      {!following && query === '' && <div className="transcript-follow"><Button small onClick={() => setFollowing(true)}>Follow the picture</Button></div>}
    </div>
  );
}

/** Why there is nothing to read, or nothing yet. */
export function NoTranscript({ view, step }: { view: TranscriptView; step: Asset['steps'][number] | undefined }) {
  if (view.problem) return <div className="pane-note"><ProblemNote problem={view.problem}><Button small onClick={view.reload}>Try again</Button></ProblemNote></div>;
  if (view.loading) return <div className="pane-note" aria-busy="true">{[92, 78, 85, 60].map((width) => <div key={width} className="skeleton line-skeleton" style={{ width: `${width}%` }} />)}</div>;
  const words = wordsFor(step);
  return (
    <div className="pane-empty">
      <TranscriptIcon size={28} />
      <p><strong>{words.title}</strong></p>
      <p className="muted">{words.detail}</p>
    </div>
  );
}

function wordsFor(step: Asset['steps'][number] | undefined): { title: string; detail: string } {
  switch (step?.state) {
    case 'waiting': return { title: 'The transcript comes next', detail: 'Words appear here as they are recognised.' };
    case 'running': return { title: `Listening, ${formatRunning(step.progress)}`, detail: 'The first words appear here in a moment.' };
    case 'failed': return { title: 'The transcript could not be made', detail: step.note ?? 'Your administrator can see why in the log.' };
    case 'done': return { title: 'No speech was found', detail: 'There is nothing to read in this recording.' };
    default: return { title: 'There is no transcript', detail: step?.note ?? 'This recording has no sound, or no speech model is installed.' };
  }
}
