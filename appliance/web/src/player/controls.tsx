// The row of controls beneath the picture.
import type { CSSProperties } from 'react';
import { readSetting, writeSetting } from '../state/theme';
import type { TimeDisplay } from '../media/timecode';
import { IconButton } from '../ui/button';
import {
  CaptionsIcon, ExitFullscreenIcon, FullscreenIcon, KeyboardIcon, LoopIcon, MutedIcon, PauseIcon, PlayIcon, StepBackIcon,
  StepForwardIcon, VolumeIcon,
} from '../ui/icons';
import { Menu, MenuChoice, MenuLabel } from '../ui/menu';
import { ClockText } from './clock-text';
import type { PlayerController } from './controller';
import { AUDIO_ONLY } from './source';
import type { SourceView } from './use-source';
import { usePlayerState } from './use-player-state';

const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];
const VOLUME_KEY = 'strongroom.volume';

export function storedVolume(): number {
  const value = Number.parseFloat(readSetting(VOLUME_KEY) ?? '1');
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 1;
}

interface ControlsProps {
  player: PlayerController;
  source: SourceView;
  display: TimeDisplay;
  onDisplay: () => void;
  captions: boolean | null;
  onCaptions: () => void;
  fullscreen: boolean | null;
  onFullscreen: () => void;
  onKeys: () => void;
}

export function Controls(props: ControlsProps) {
  const { player, source } = props;
  const playing = usePlayerState(player, (state) => state.playing || state.shuttle !== 0);
  const loop = usePlayerState(player, (state) => state.loop);
  return (
    <div className="controls">
      <div className="controls-group">
        <IconButton label={playing ? 'Pause' : 'Play'} shortcut="Space" onClick={() => player.toggle()} data-testid="play">
          {playing ? <PauseIcon size={22} /> : <PlayIcon size={22} />}
        </IconButton>
        {player.rate && (
          <>
            <IconButton label="One frame back" shortcut="←" onClick={() => player.step(-1)} data-testid="frame-back"><StepBackIcon /></IconButton>
            <IconButton label="One frame forward" shortcut="→" onClick={() => player.step(1)} data-testid="frame-forward"><StepForwardIcon /></IconButton>
          </>
        )}
        <span className="wide-only">
          <IconButton label="Loop" shortcut="Ctrl L" aria-pressed={loop} onClick={() => player.toggleLoop()}><LoopIcon /></IconButton>
        </span>
      </div>
      <ClockText player={player} display={props.display} onDisplay={props.onDisplay} />
      <div className="controls-group controls-end">
        <Shuttle player={player} />
        <Volume player={player} />
        <Speed player={player} />
        {props.captions !== null && (
          <IconButton label="Captions" shortcut="S" aria-pressed={props.captions} onClick={props.onCaptions} data-testid="captions"><CaptionsIcon /></IconButton>
        )}
        <Rungs source={source} />
        <span className="wide-only"><IconButton label="Keys" shortcut="?" onClick={props.onKeys}><KeyboardIcon /></IconButton></span>
        {props.fullscreen !== null && (
          <IconButton label={props.fullscreen ? 'Leave full screen' : 'Full screen'} shortcut="F" onClick={props.onFullscreen}>
            {props.fullscreen ? <ExitFullscreenIcon /> : <FullscreenIcon />}
          </IconButton>
        )}
      </div>
    </div>
  );
}

function Shuttle({ player }: { player: PlayerController }) {
  const shuttle = usePlayerState(player, (state) => state.shuttle);
  if (shuttle === 0 || shuttle === 1) return null;
  return <span className="chip chip-plain chip-active tabular" role="status">{shuttle < 0 ? '◀' : '▶'} {Math.abs(shuttle)}×</span>;
}

function Volume({ player }: { player: PlayerController }) {
  const volume = usePlayerState(player, (state) => (state.muted ? 0 : state.volume));
  return (
    <div className="volume">
      <IconButton label={volume === 0 ? 'Unmute' : 'Mute'} shortcut="Shift M" onClick={() => player.toggleMuted()}>
        {volume === 0 ? <MutedIcon /> : <VolumeIcon />}
      </IconButton>
      <input
        type="range" className="range" min={0} max={1} step={0.05} value={volume} aria-label="Volume"
        aria-valuetext={`${Math.round(volume * 100)} %`} style={{ '--value': `${volume * 100}%` } as CSSProperties}
        onChange={(event) => {
          player.setVolume(event.target.valueAsNumber);
          writeSetting(VOLUME_KEY, event.target.value);
        }}
      />
    </div>
  );
}

function Speed({ player }: { player: PlayerController }) {
  const rate = usePlayerState(player, (state) => state.rate);
  return (
    <Menu label="Speed" triggerClass="badge-button" align="end" up trigger={<span className="tabular">{rate}×</span>}>
      <MenuLabel>Speed</MenuLabel>
      {[...SPEEDS].reverse().map((speed) => (
        <MenuChoice key={speed} checked={speed === rate} onSelect={() => player.setRate(speed)}>{speed === 1 ? 'Normal' : `${speed}×`}</MenuChoice>
      ))}
    </Menu>
  );
}

function Rungs({ source }: { source: SourceView }) {
  const { rungs, rung, automatic, choose } = source;
  // Sound has no picture quality to speak of.
  if (!rung || rung.label === AUDIO_ONLY) return null;
  return (
    <Menu label={`Picture quality: ${rung.label}`} triggerClass="badge-button badge-rung" align="end" up trigger={<span data-testid="rung">{rung.label}</span>}>
      <MenuLabel>Picture quality</MenuLabel>
      <MenuChoice checked={automatic} onSelect={() => choose(-1)}>Automatic</MenuChoice>
      {[...rungs].reverse().map((each) => (
        <MenuChoice key={each.index} checked={!automatic && each.index === rung.index} onSelect={() => choose(each.index)}>
          {each.label}
        </MenuChoice>
      ))}
    </Menu>
  );
}
