// Every route the app uses, typed. Screens call these and never build paths themselves.
import { call } from './client';
import type {
  Asset, Items, Member, Page, PlatformRole, Project, ProjectRole, Session, SignedPart, Transcript, Upload, User,
} from './types';

const id = encodeURIComponent;

export const api = {
  session: (signal?: AbortSignal) => call<Session>('GET', '/api/v1/session', signal ? { signal } : {}),
  signIn: (username: string, password: string) =>
    call<Session>('POST', '/api/v1/session', { body: { username, password } }),
  signOut: () => call<void>('DELETE', '/api/v1/session'),
  changePassword: (current_password: string, new_password: string) =>
    call<void>('POST', '/api/v1/account/password', { body: { current_password, new_password } }),

  users: () => call<Items<User>>('GET', '/api/v1/users'),
  createUser: (user: { username: string; display_name: string; role: PlatformRole }) =>
    call<{ user: User; one_time_password: string }>('POST', '/api/v1/users', { body: user }),

  projects: () => call<Items<Project>>('GET', '/api/v1/projects'),
  project: (project: string) => call<Project>('GET', `/api/v1/projects/${id(project)}`),
  createProject: (name: string) => call<Project>('POST', '/api/v1/projects', { body: { name } }),
  members: (project: string) => call<Items<Member>>('GET', `/api/v1/projects/${id(project)}/members`),
  setMember: (project: string, user: string, role: ProjectRole) =>
    call<void>('PUT', `/api/v1/projects/${id(project)}/members/${id(user)}`, { body: { role } }),
  addMember: (project: string, username: string, role: ProjectRole) =>
    call<Member>('POST', `/api/v1/projects/${id(project)}/members`, { body: { username, role } }),
  removeMember: (project: string, user: string) =>
    call<void>('DELETE', `/api/v1/projects/${id(project)}/members/${id(user)}`),

  assets: (project: string, cursor: string | null, limit = 50) =>
    call<Page<Asset>>(
      'GET',
      `/api/v1/projects/${id(project)}/assets?limit=${limit}${cursor ? `&cursor=${id(cursor)}` : ''}`,
    ),
  asset: (asset: string) => call<Asset>('GET', `/api/v1/assets/${id(asset)}`),
  transcript: (asset: string) => call<Transcript>('GET', `/api/v1/assets/${id(asset)}/transcript`),
  retryAsset: (asset: string) => call<void>('POST', `/api/v1/assets/${id(asset)}/retry`),

  openUpload: (project: string, file: { file_name: string; size: number; fingerprint: string | null; sha256: null }) =>
    call<Upload>('POST', `/api/v1/projects/${id(project)}/uploads`, { body: file }),
  activeUploads: (project: string) =>
    call<Items<Upload>>('GET', `/api/v1/projects/${id(project)}/uploads?state=active`),
  upload: (upload: string) => call<Upload>('GET', `/api/v1/uploads/${id(upload)}`),
  signParts: (upload: string, numbers: number[]) =>
    call<{ parts: SignedPart[] }>('POST', `/api/v1/uploads/${id(upload)}/parts`, { body: { numbers } }),
  completeUpload: (upload: string, parts: { number: number; etag: string }[], idempotencyKey: string) =>
    call<Upload>('POST', `/api/v1/uploads/${id(upload)}/complete`, {
      body: { parts },
      headers: { 'Idempotency-Key': idempotencyKey },
    }),
  deleteUpload: (upload: string) => call<void>('DELETE', `/api/v1/uploads/${id(upload)}`),
};

export type Api = typeof api;
