// The icon set: one stroke weight, drawn on a 20 px grid, always decorative (the control around it carries the name).
import type { ReactNode } from 'react';

function icon(paths: ReactNode, fill = false) {
  return function Icon({ size = 18 }: { size?: number }) {
    return (
      <svg
        width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false"
        fill={fill ? 'currentColor' : 'none'} stroke={fill ? 'none' : 'currentColor'}
        strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round"
      >
        {paths}
      </svg>
    );
  };
}

export const PlayIcon = icon(<path d="M6 3.9v12.2a.7.7 0 0 0 1.06.6l9.9-6.1a.7.7 0 0 0 0-1.2l-9.9-6.1A.7.7 0 0 0 6 3.9Z" />, true);
export const PauseIcon = icon(<path d="M5.5 4h3v12h-3zM11.5 4h3v12h-3z" />, true);
export const StepBackIcon = icon(<><path d="M12.5 5 7 10l5.5 5z" /><path d="M4.5 5v10" /></>);
export const StepForwardIcon = icon(<><path d="M7.5 5 13 10l-5.5 5z" /><path d="M15.5 5v10" /></>);
export const VolumeIcon = icon(<><path d="M3 8v4h2.8L10 15.5v-11L5.8 8z" /><path d="M13 7.4a3.7 3.7 0 0 1 0 5.2M15.2 5a7 7 0 0 1 0 10" /></>);
export const MutedIcon = icon(<><path d="M3 8v4h2.8L10 15.5v-11L5.8 8z" /><path d="m13 8 4 4m0-4-4 4" /></>);
export const CaptionsIcon = icon(<><rect x="2.5" y="4.5" width="15" height="11" rx="2" /><path d="M8.8 9a1.7 1.7 0 1 0 0 2M14.3 9a1.7 1.7 0 1 0 0 2" /></>);
export const FullscreenIcon = icon(<path d="M3.5 7.5v-4h4m5 0h4v4m0 5v4h-4m-5 0h-4v-4" />);
export const ExitFullscreenIcon = icon(<path d="M7.5 3.5v4h-4m9-4v4h4m-4 9v-4h4m-9 4v-4h-4" />);
export const LoopIcon = icon(<><path d="M4 10V9a3 3 0 0 1 3-3h9" /><path d="m13.5 3.5 2.5 2.5-2.5 2.5M16 10v1a3 3 0 0 1-3 3H4" /><path d="M6.5 16.5 4 14l2.5-2.5" /></>);
export const KeyboardIcon = icon(<><rect x="2" y="5" width="16" height="10" rx="2" /><path d="M5 8h.01M8 8h.01M11 8h.01M14 8h.01M6.5 12h7" /></>);
export const ChevronLeftIcon = icon(<path d="m12 5-5 5 5 5" />);
export const ChevronRightIcon = icon(<path d="m8 5 5 5-5 5" />);
export const ChevronDownIcon = icon(<path d="m5 8 5 5 5-5" />);
export const ChevronUpIcon = icon(<path d="m5 12 5-5 5 5" />);
export const CloseIcon = icon(<path d="m5 5 10 10M15 5 5 15" />);
export const CheckIcon = icon(<path d="m4 10.5 4 4 8-9" />);
export const PlusIcon = icon(<path d="M10 4v12M4 10h12" />);
export const UploadIcon = icon(<path d="M10 13V4m0 0L6.5 7.5M10 4l3.5 3.5M3.5 13v2a1.5 1.5 0 0 0 1.5 1.5h10a1.5 1.5 0 0 0 1.5-1.5v-2" />);
export const AlertIcon = icon(<><circle cx="10" cy="10" r="7.2" /><path d="M10 6.5v4.2M10 13.4v.01" /></>);
export const RetryIcon = icon(<><path d="M16 10a6 6 0 1 1-1.8-4.3" /><path d="M16.2 3v3.2H13" /></>);
export const SearchIcon = icon(<><circle cx="9" cy="9" r="5.2" /><path d="m13 13 3.5 3.5" /></>);
export const CopyIcon = icon(<><rect x="7" y="7" width="9.5" height="9.5" rx="1.8" /><path d="M13 7V5.2A1.7 1.7 0 0 0 11.3 3.500H5.200A1.7 1.7 0 0 0 3.5 5.200v6.100A1.7 1.7 0 0 0 5.2 13H7" /></>);
export const LockIcon = icon(<><rect x="4" y="9" width="12" height="8" rx="1.8" /><path d="M6.8 9V6.600a3.2 3.2 0 0 1 6.4 0V9" /></>);
export const VideoIcon = icon(<><rect x="2.5" y="5" width="10.5" height="10" rx="1.8" /><path d="m13 9 4.5-2.500v7L13 11" /></>);
export const AudioIcon = icon(<path d="M3.5 8v4M6.8 5.500v9M10 3.500v13M13.2 6.500v7M16.5 8.500v3" />);
export const ImageIcon = icon(<><rect x="3" y="3.5" width="14" height="13" rx="1.8" /><circle cx="7.5" cy="8" r="1.4" /><path d="m3.5 14.5 4-3.5 3 2.5 3-3 3 3" /></>);
export const FolderIcon = icon(<path d="M3 6a1.5 1.5 0 0 1 1.5-1.500h3L9.5 7h6A1.5 1.5 0 0 1 17 8.500v6a1.5 1.5 0 0 1-1.5 1.500h-11A1.5 1.5 0 0 1 3 14.500z" />);
export const PeopleIcon = icon(<><circle cx="7.5" cy="7" r="2.8" /><path d="M2.5 16a5 5 0 0 1 10 0M13 4.600a2.8 2.8 0 0 1 0 4.800M14.7 11.900a5 5 0 0 1 2.8 4.1" /></>);
export const SunIcon = icon(<><circle cx="10" cy="10" r="3.2" /><path d="M10 2.500v1.800M10 15.700v1.800M2.5 10h1.800M15.7 10h1.800M4.7 4.7 6 6M14 14l1.3 1.300M15.3 4.7 14 6M6 14l-1.3 1.3" /></>);
export const MoonIcon = icon(<path d="M16.5 11.800A7 7 0 0 1 8.2 3.500a7 7 0 1 0 8.3 8.300Z" />);
export const SystemIcon = icon(<><rect x="2.5" y="4" width="15" height="9.5" rx="1.8" /><path d="M7 16.800h6" /></>);
export const SignOutIcon = icon(<path d="M8 3.500H5A1.5 1.5 0 0 0 3.5 5v10A1.5 1.5 0 0 0 5 16.500h3M12.5 13.5 16 10l-3.5-3.500M16 10H8" />);
export const OfflineIcon = icon(<path d="M3 3l14 14M5.8 11.200A6 6 0 0 1 8.3 9.700M3 8.300a10 10 0 0 1 3.3-2.100M11.7 5.600A10 10 0 0 1 17 8.300M14.2 11.200a6 6 0 0 0-1.4-1M8.5 13.800a2.2 2.2 0 0 1 3 0M10 16.200v.01" />);
export const TrashIcon = icon(<path d="M3.5 5.500h13M8 5.500V3.800h4v1.700M5.2 5.500l.6 9.600A1.5 1.5 0 0 0 7.3 16.500h5.400a1.5 1.5 0 0 0 1.5-1.400l.6-9.6" />);
export const FitIcon = icon(<><rect x="2.5" y="4.5" width="15" height="11" rx="1.8" /><path d="M6 9V8h1.500M14 9V8h-1.500M6 11v1h1.500M14 11v1h-1.5" /></>);
export const TranscriptIcon = icon(<path d="M4 5h12M4 8.400h8M4 11.700h12M4 15h6" />);
export const MoreIcon = icon(<><circle cx="5" cy="10" r="1.4" /><circle cx="10" cy="10" r="1.4" /><circle cx="15" cy="10" r="1.4" /></>, true);
