// The assets of one project as far as they are known: pages read, then kept current by events. Pure.
import type { Asset, Page, Preview } from '../api/types';
import { patchStep, type StepProgress } from './asset-events';

export interface Library {
  /** Newest first, as the server lists them. */
  items: Asset[];
  cursor: string | null;
  loaded: boolean;
}

export const emptyLibrary: Library = { items: [], cursor: null, loaded: false };

export type LibraryAction =
  | { type: 'first-page'; page: Page<Asset> }
  | { type: 'next-page'; page: Page<Asset> }
  | { type: 'asset'; asset: Asset }
  | { type: 'gone'; id: string }
  | { type: 'progress'; report: StepProgress };

export function libraryReducer(library: Library, action: LibraryAction): Library {
  switch (action.type) {
    case 'first-page':
      return firstPage(library, action.page);
    case 'next-page': {
      const fresh = new Map(action.page.items.map((asset) => [asset.id, asset]));
      const kept = library.items.filter((asset) => !fresh.has(asset.id));
      return { items: [...kept, ...action.page.items], cursor: action.page.next_cursor, loaded: true };
    }
    case 'asset': {
      const known = library.items.some((asset) => asset.id === action.asset.id);
      const items = known
        ? library.items.map((asset) => (asset.id === action.asset.id ? { ...action.asset, preview: steadyPreview(asset.preview, action.asset.preview) } : asset))
        : insertNewestFirst(library.items, action.asset);
      return { ...library, items };
    }
    case 'gone':
      return { ...library, items: library.items.filter((asset) => asset.id !== action.id) };
    case 'progress': {
      const items = library.items.map((asset) => patchStep(asset, action.report));
      return items.some((asset, index) => asset !== library.items[index]) ? { ...library, items } : library;
    }
  }
}

// After a reconnection only the first page is read again. What lies beyond it stays, so that the scroll position does.
function firstPage(library: Library, page: Page<Asset>): Library {
  const last = page.items[page.items.length - 1];
  if (!library.loaded || page.next_cursor === null || !last) return { items: page.items, cursor: page.next_cursor, loaded: true };
  const fresh = new Set(page.items.map((asset) => asset.id));
  const beyond = library.items.filter((asset) => !fresh.has(asset.id) && asset.created_at < last.created_at);
  if (beyond.length === 0) return { items: page.items, cursor: page.next_cursor, loaded: true };
  return { items: [...page.items, ...beyond], cursor: library.cursor, loaded: true };
}

const NOT_WORTH_RENEWING_MS = 15 * 60_000;

/**
 * Each reading signs new addresses. Where nothing else changed, the old ones stay, or every progress event would make
 * the browser load all pictures again.
 */
export function steadyPreview(before: Preview | null, after: Preview | null): Preview | null {
  if (!before || !after || before.generation !== after.generation) return after;
  if (!(Date.parse(after.expires_at) - Date.parse(before.expires_at) < NOT_WORTH_RENEWING_MS)) return after;
  const parts = ['hls', 'poster', 'card', 'sprites', 'waveform', 'captions', 'image'] as const;
  const same = parts.every((part) => placeOf(before[part]) === placeOf(after[part])) && before.renditions.length === after.renditions.length;
  return same ? before : after;
}

/** An address without its token: what it names, whoever may read it. Captions get a new name as they grow. */
export function placeOf(url: string | null): string | null {
  return url === null ? null : url.replace(/^\/m\/[^/]+\//, '');
}

function insertNewestFirst(items: readonly Asset[], asset: Asset): Asset[] {
  const at = items.findIndex((each) => each.created_at <= asset.created_at);
  return at < 0 ? [...items, asset] : [...items.slice(0, at), asset, ...items.slice(at)];
}
