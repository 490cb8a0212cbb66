// One asset: picture or sound, timeline, transcript, details. Loaded on demand together with hls.js.
import { useCallback, useEffect, useRef, useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { ApiError, asProblem, serverNow } from '../api/client';
import { api } from '../api/endpoints';
import type { Asset } from '../api/types';
import { StateChip } from '../library/state-chip';
import { ImageViewer } from '../player/image-viewer';
import type { PlayerAction } from '../player/keys';
import { KeysSheet } from '../player/keys-sheet';
import { usePlayerKeys, useSingleKeys } from '../player/use-player-keys';
import { usePlayerFor, VideoViewer, type ViewerHandle } from '../player/video-viewer';
import { useLibrary } from '../state/library';
import { NoTranscript, TranscriptPane } from '../transcript/transcript-pane';
import { useTranscript } from '../transcript/use-transcript';
import { Button, IconButton } from '../ui/button';
import { ChevronLeftIcon, ChevronRightIcon } from '../ui/icons';
import { ProblemNote } from '../ui/problem';
import { PageSpinner } from '../ui/small';
import { AssetDetails } from './asset-details';
import { NotReady } from './asset-not-ready';
import { NotFoundScreen } from './plain';
import '../styles/deck.css';
import '../styles/player.css';
import '../styles/transcript.css';

export default function AssetScreen() {
  const { assetId = '' } = useParams();
  const { items, put } = useLibrary();
  const asset = items.find((each) => each.id === assetId) ?? null;
  const [problem, setProblem] = useState<{ title: string; remedy: string; code: string } | null>(null);
  const [missing, setMissing] = useState(false);

  const load = useCallback(() => {
    api.asset(assetId).then(
      (read) => {
        put(read);
        setProblem(null);
      },
      (error: unknown) => (error instanceof ApiError && error.status === 404 ? setMissing(true) : setProblem(asProblem(error))),
    );
  }, [assetId, put]);
  useEffect(() => {
    setMissing(false);
    load();
  }, [load]);

  if (asset) return <Loaded key={asset.id} asset={asset} reload={load} />;
  if (missing) return <NotFoundScreen />;
  if (problem) return <div className="page page-narrow"><ProblemNote problem={problem}><Button small onClick={load}>Try again</Button></ProblemNote></div>;
  return <PageSpinner />;
}

type Tab = 'transcript' | 'details';

function Loaded({ asset, reload }: { asset: Asset; reload: () => void }) {
  const navigate = useNavigate();
  const { items, cursor, loadMore } = useLibrary();
  const [tab, setTab] = useState<Tab>(asset.kind === 'image' ? 'details' : 'transcript');
  const [paneOpen, setPaneOpen] = useState(true);
  const [keysShown, setKeysShown] = useState(false);
  const [singleKeys, setSingleKeys] = useSingleKeys();
  const handle = useRef<ViewerHandle | null>(null);
  const search = useRef<HTMLInputElement>(null);
  const player = usePlayerFor(asset);
  const transcript = useTranscript(asset.id, asset.steps.find((step) => step.name === 'transcript'));
  const setHandle = useCallback((next: ViewerHandle | null) => {
    handle.current = next;
  }, []);
  useFreshPreview(asset, reload);

  const at = items.findIndex((each) => each.id === asset.id);
  const previous = items[at - 1];
  const next = items[at + 1];
  useEffect(() => {
    document.title = `${asset.title} · Strongroom`;
  }, [asset.title]);
  useEffect(() => {
    // "Next" at the end of what was read so far should not be a dead end.
    if (!next && cursor !== null) void loadMore();
  }, [next, cursor, loadMore]);

  const go = (target: Asset | undefined): boolean => {
    if (!target) return false;
    void navigate(`/p/${target.project_id}/a/${target.id}`, { replace: true });
    return true;
  };
  const showTranscript = () => {
    setPaneOpen(true);
    setTab('transcript');
  };
  usePlayerKeys(singleKeys, (action: PlayerAction) => {
    switch (action) {
      case 'keys': setKeysShown(true); return true;
      case 'previous': return go(previous);
      case 'next': return go(next);
      case 'transcript': setPaneOpen(!paneOpen); return true;
      case 'search':
        if (asset.kind === 'image') return false;
        showTranscript();
        // The field may only now come into being.
        requestAnimationFrame(() => search.current?.focus());
        return true;
      default: return handle.current?.act(action) ?? false;
    }
  });

  const playable = asset.preview?.hls && player;
  return (
    <div className={paneOpen ? 'asset' : 'asset asset-wide'}>
      <div className="asset-head">
        <Link to={`/p/${asset.project_id}`} className="button button-quiet button-icon" aria-label="Back to the library" title="Back to the library"><ChevronLeftIcon size={20} /></Link>
        <h1 className="truncate" title={asset.title}>{asset.title}</h1>
        <StateChip asset={asset} />
        <div className="asset-turn">
          <IconButton label="Previous asset" shortcut="[" disabled={!previous} onClick={() => go(previous)}><ChevronLeftIcon /></IconButton>
          <IconButton label="Next asset" shortcut="]" disabled={!next} onClick={() => go(next)}><ChevronRightIcon /></IconButton>
        </div>
      </div>
      {asset.kind === 'image' && asset.preview?.image ? (
        <ImageViewer asset={asset} url={asset.preview.image} onHandle={setHandle} />
      ) : playable ? (
        <VideoViewer asset={asset} player={player} onHandle={setHandle} onKeys={() => setKeysShown(true)} onStale={reload} />
      ) : (
        <NotReady asset={asset} reload={reload} />
      )}
      {paneOpen && (
        <aside className="pane" aria-label="Beside the picture">
          {asset.kind !== 'image' && (
            <div className="pane-tabs" role="tablist" aria-label="Beside the picture">
              <PaneTab tab="transcript" current={tab} onChoose={setTab}>Transcript</PaneTab>
              <PaneTab tab="details" current={tab} onChoose={setTab}>Details</PaneTab>
            </div>
          )}
          <div className="pane-body" role={asset.kind === 'image' ? undefined : 'tabpanel'} id="pane-panel" aria-labelledby={asset.kind === 'image' ? undefined : `pane-${tab}`}>
            {tab === 'details' && <AssetDetails asset={asset} transcript={transcript.transcript} />}
            {tab === 'transcript' && player && <TranscriptPane asset={asset} player={player} view={transcript} search={search} />}
            {tab === 'transcript' && !player && <NoTranscript view={transcript} step={asset.steps.find((step) => step.name === 'transcript')} />}
          </div>
        </aside>
      )}
      {keysShown && <KeysSheet enabled={singleKeys} onEnabled={setSingleKeys} onClose={() => setKeysShown(false)} />}
    </div>
  );
}

function PaneTab({ tab, current, onChoose, children }: { tab: Tab; current: Tab; onChoose: (tab: Tab) => void; children: string }) {
  const other: Tab = tab === 'transcript' ? 'details' : 'transcript';
  return (
    <button
      type="button" role="tab" id={`pane-${tab}`} aria-controls="pane-panel" aria-selected={tab === current} tabIndex={tab === current ? 0 : -1}
      className={tab === current ? 'tab active' : 'tab'} onClick={() => onChoose(tab)}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
        event.preventDefault();
        event.stopPropagation();
        onChoose(other);
        document.getElementById(`pane-${other}`)?.focus();
      }}
    >
      {children}
    </button>
  );
}

const RENEW_AT = 0.8;
const SOONEST_MS = 20_000;

/** Reads the asset again when four fifths of its addresses' life are over, by the appliance's clock, not ours. */
function useFreshPreview(asset: Asset, reload: () => void): void {
  const expiry = asset.preview?.expires_at;
  useEffect(() => {
    if (!expiry) return;
    const left = Date.parse(expiry) - serverNow();
    if (!Number.isFinite(left)) return;
    const wait = Math.min(2 ** 31 - 1, Math.max(SOONEST_MS, left * RENEW_AT));
    const timer = setTimeout(reload, wait);
    return () => clearTimeout(timer);
  }, [expiry, reload]);
}
