// Picture (or, for audio, the waveform), timeline and controls around one media element.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Asset } from '../api/types';
import type { TimeDisplay } from '../media/timecode';
import { placeOf } from '../state/library-reducer';
import { readSetting, writeSetting } from '../state/theme';
import { Button } from '../ui/button';
import { ProblemNote } from '../ui/problem';
import { Spinner } from '../ui/small';
import { DISPLAYS, GoToDialog } from './clock-text';
import { PlayerController } from './controller';
import { Controls, storedVolume } from './controls';
import type { PlayerAction } from './keys';
import { Timeline } from './timeline';
import { useFullscreen } from './use-fullscreen';
import { useIdle } from './use-idle';
import { usePlayerState } from './use-player-state';
import { useSource } from './use-source';
import { WaveformLane } from './waveform-lane';

const DISPLAY_KEY = 'strongroom.time-display';
const CAPTIONS_KEY = 'strongroom.captions';

export interface ViewerHandle {
  act: (action: PlayerAction) => boolean;
}

interface VideoViewerProps {
  asset: Asset;
  player: PlayerController;
  onHandle: (handle: ViewerHandle | null) => void;
  onKeys: () => void;
  onStale: () => void;
}

export function usePlayerFor(asset: Asset | null): PlayerController | null {
  const id = asset?.version.id ?? null;
  const media = asset?.media;
  const known = media?.duration_ms != null || asset?.preview != null;
  // One controller per version; media facts are known as soon as there is anything to play.
  return useMemo(
    () => (id && media && known ? new PlayerController({ frameRate: asset.kind === 'video' ? media.frame_rate : null, frames: media.frames, durationSeconds: (media.duration_ms ?? 0) / 1000 }) : null),
    [id, known],
  );
}

export function VideoViewer({ asset, player, onHandle, onKeys, onStale }: VideoViewerProps) {
  const frame = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const freeze = useRef<HTMLCanvasElement>(null);
  const preview = asset.preview;
  const [display, setDisplay] = useState<TimeDisplay>(() => DISPLAYS.find((each) => each === readSetting(DISPLAY_KEY)) ?? 'timecode');
  const [captions, setCaptions] = useState(() => readSetting(CAPTIONS_KEY) === 'on');
  const [goingTo, setGoingTo] = useState(false);
  const fullscreen = useFullscreen(frame, video);
  const playing = usePlayerState(player, (state) => state.playing);
  const idle = useIdle(fullscreen.active && playing);
  const isAudio = asset.kind === 'audio';

  useEffect(() => {
    if (video.current) return player.attach(video.current, storedVolume(), false);
  }, [player]);
  const source = useSource(player, video, freeze, preview, onStale);

  // A new token is no reason to load the captions again; a new name is: they grow while the transcript is made.
  const captionsPlace = placeOf(preview?.captions ?? null);
  const captionsUrl = useMemo(() => preview?.captions ?? null, [captionsPlace]);
  useEffect(() => {
    const track = video.current?.textTracks[0];
    if (track) track.mode = captions ? 'showing' : 'hidden';
  }, [captions, captionsUrl]);

  const changeDisplay = useCallback(() => {
    setDisplay((before) => {
      const next = DISPLAYS[(DISPLAYS.indexOf(before) + 1) % DISPLAYS.length] as TimeDisplay;
      writeSetting(DISPLAY_KEY, next);
      return next;
    });
  }, []);
  const changeCaptions = useCallback(() => {
    setCaptions((before) => {
      writeSetting(CAPTIONS_KEY, before ? 'off' : 'on');
      return !before;
    });
  }, []);
  const toggleFullscreen = fullscreen.toggle;

  useEffect(() => {
    const act = (action: PlayerAction): boolean => {
      switch (action) {
        case 'toggle': player.toggle(); return true;
        case 'stop': player.pause(); return true;
        case 'shuttle-back': player.shuttle(-1); return true;
        case 'shuttle-forward': player.shuttle(1); return true;
        case 'frame-back': player.step(-1); return true;
        case 'frame-forward': player.step(1); return true;
        case 'ten-back': player.step(-10); return true;
        case 'ten-forward': player.step(10); return true;
        case 'second-back': player.seekBy(-1); return true;
        case 'second-forward': player.seekBy(1); return true;
        case 'start': player.toStart(); return true;
        case 'end': player.toEnd(); return true;
        case 'mute': player.toggleMuted(); return true;
        case 'volume-up': player.setVolume(player.snapshot().volume + 0.1); return true;
        case 'volume-down': player.setVolume(player.snapshot().volume - 0.1); return true;
        case 'captions': changeCaptions(); return true;
        case 'fullscreen': toggleFullscreen(); return true;
        case 'loop': player.toggleLoop(); return true;
        case 'display': changeDisplay(); return true;
        case 'go-to': setGoingTo(player.rate !== null); return player.rate !== null;
        default: return false;
      }
    };
    onHandle({ act });
    return () => onHandle(null);
  }, [player, onHandle, changeCaptions, changeDisplay, toggleFullscreen]);

  return (
    <div className={`viewer${isAudio ? ' viewer-audio' : ''}${fullscreen.active ? ' viewer-full' : ''}${idle ? ' viewer-idle' : ''}`} ref={frame}>
      <div className="stage">
        <video
          ref={video} className={isAudio ? 'stage-sound' : 'stage-video'} data-testid="player" playsInline preload="auto"
          poster={preview?.poster ?? undefined} onClick={() => player.toggle()} aria-label={asset.title} tabIndex={-1}
        >
          {captionsUrl && <track key={captionsUrl} kind="captions" src={captionsUrl} label="Captions" srcLang="und" />}
        </video>
        <canvas ref={freeze} className="freeze" aria-hidden="true" />
        {isAudio && preview?.waveform && <WaveformLane player={player} url={preview.waveform} large />}
        <Waiting player={player} />
        {source.switchNow && (
          <div className="stage-offer" role="status">
            <span>Fuller quality is ready.</span>
            <Button small look="primary" onClick={source.switchNow}>Switch now</Button>
          </div>
        )}
        {(source.unplayable || source.lost) && (
          <div className="stage-problem">
            <ProblemNote
              problem={source.unplayable
                ? { title: 'This browser cannot play this file.', remedy: 'Use a current Chrome, Edge, Firefox or Safari.' }
                : { title: 'The picture cannot be loaded.', remedy: 'Check the connection to the appliance, then try again.' }}
            >
              <Button small onClick={source.retry}>Try again</Button>
            </ProblemNote>
          </div>
        )}
      </div>
      <div className="deck">
        <Timeline player={player} sprites={preview?.sprites ?? null} display={display} />
        {!isAudio && preview?.waveform && asset.media.has_audio && <WaveformLane player={player} url={preview.waveform} />}
        <Controls
          player={player} source={source} display={display} onDisplay={changeDisplay}
          captions={captionsUrl && !isAudio ? captions : null} onCaptions={changeCaptions}
          fullscreen={isAudio || !fullscreen.possible ? null : fullscreen.active} onFullscreen={toggleFullscreen} onKeys={onKeys}
        />
      </div>
      {goingTo && <GoToDialog player={player} onClose={() => setGoingTo(false)} />}
    </div>
  );
}

function Waiting({ player }: { player: PlayerController }) {
  const waiting = usePlayerState(player, (state) => state.waiting);
  return waiting ? <div className="stage-wait"><Spinner label="Loading" /></div> : null;
}
