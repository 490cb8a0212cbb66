// Wire types of the HTTP API, version 1. They mirror the server's contract field by field; nothing is renamed.

export type PlatformRole = 'admin' | 'member' | 'viewer';
export type ProjectRole = 'owner' | 'editor' | 'viewer';

export interface User {
  id: string;
  username: string;
  display_name: string;
  role: PlatformRole;
}

export interface Session {
  user: User;
  must_change_password: boolean;
  expires_at: string;
}

export interface Project {
  id: string;
  name: string;
  role: ProjectRole;
  asset_count: number;
  created_at: string;
  updated_at: string;
  cover: string | null;
}

export interface Member {
  user: User;
  role: ProjectRole;
}

/** The body of every refused request (RFC 9457). */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  remedy: string;
  request_id: string;
}

/** A problem kept with an upload, an asset or a job. */
export interface Problem {
  code: string;
  title: string;
  remedy: string;
  retryable: boolean;
}

export interface Rate {
  num: number;
  den: number;
}

export type StepName = 'verified' | 'playable' | 'ladder' | 'transcript';
export type StepState = 'waiting' | 'running' | 'done' | 'failed' | 'skipped';

export interface Step {
  name: StepName;
  state: StepState;
  progress: number;
  note: string | null;
}

export interface Rendition {
  name: string;
  width: number;
  height: number;
  bandwidth: number;
  source: 'copy' | 'encoded';
}

export interface Preview {
  generation: string;
  expires_at: string;
  hls: string | null;
  poster: string | null;
  card: string | null;
  sprites: string | null;
  waveform: string | null;
  captions: string | null;
  image: string | null;
  renditions: Rendition[];
}

export type AssetKind = 'video' | 'audio' | 'image';
export type AssetState = 'processing' | 'playable' | 'ready' | 'failed';

export interface AssetVersion {
  id: string;
  number: number;
  file_name: string;
  size: number;
  sha256: string;
  content_type: string;
  locked_until: string | null;
}

export interface Media {
  duration_ms: number | null;
  width: number | null;
  height: number | null;
  frame_rate: Rate | null;
  frames: number | null;
  video_codec: string | null;
  audio_codec: string | null;
  has_audio: boolean;
}

export interface Asset {
  id: string;
  project_id: string;
  title: string;
  kind: AssetKind;
  state: AssetState;
  created_at: string;
  created_by: { id: string; display_name: string };
  upload_id: string | null;
  version: AssetVersion;
  media: Media;
  steps: Step[];
  preview: Preview | null;
  problem: Problem | null;
}

export interface Word {
  start_ms: number;
  end_ms: number;
  text: string;
  confidence: number;
}

export interface TranscriptSegment {
  id: string;
  start_ms: number;
  end_ms: number;
  text: string;
  words: Word[];
}

export interface Transcript {
  asset_id: string;
  version_id: string;
  state: 'partial' | 'final';
  language: string | null;
  model: { pack: string; version: string; digest: string } | null;
  segments: TranscriptSegment[];
}

export type UploadState = 'open' | 'verifying' | 'refused' | 'promoted' | 'aborted';

export interface UploadedPart {
  number: number;
  size: number;
  etag: string;
}

export interface Upload {
  id: string;
  project_id: string;
  file_name: string;
  size: number;
  part_size: number;
  part_count: number;
  state: UploadState;
  parts: UploadedPart[];
  progress: number;
  asset_id: string | null;
  problem: Problem | null;
  fingerprint: string | null;
  created_at: string;
  expires_at: string;
}

export interface SignedPart {
  number: number;
  url: string;
  expires_at: string;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Items<T> {
  items: T[];
}

/** What the server says over `/ws` about one project. Progress and live segments are not kept; their `seq` is 0. */
export type LiveEvent = { seq: number; project: string } & (
  | { type: 'upload.changed'; data: Upload }
  | { type: 'upload.progress'; data: { upload_id: string; progress: number } }
  | { type: 'asset.changed'; data: { asset_id: string } }
  | { type: 'asset.progress'; data: { asset_id: string; step: StepName; state: StepState; progress: number; note: string | null } }
  | { type: 'transcript.segment'; data: { asset_id: string; segment: TranscriptSegment } }
  | { type: 'transcript.changed'; data: { asset_id: string } }
  | { type: 'project.changed'; data: Record<string, never> }
);
