// Which bytes belong to which part, and which parts are still to send. Pure arithmetic; parts are numbered from 1.
import type { Upload, UploadedPart } from '../api/types';

export interface PartRange {
  number: number;
  from: number;
  /** Exclusive. */
  to: number;
}

export function partRange(number: number, size: number, partSize: number): PartRange {
  const from = (number - 1) * partSize;
  return { number, from, to: Math.min(size, from + partSize) };
}

/** A part counts as sent only if the server holds exactly as many bytes of it as it should have. */
export function isSent(part: UploadedPart, size: number, partSize: number): boolean {
  const range = partRange(part.number, size, partSize);
  return range.to > range.from && part.size === range.to - range.from;
}

export function sentParts(upload: Upload): UploadedPart[] {
  return upload.parts.filter((part) => isSent(part, upload.size, upload.part_size));
}

export function missingParts(upload: Upload): number[] {
  const sent = new Set(sentParts(upload).map((part) => part.number));
  const missing: number[] = [];
  for (let number = 1; number <= upload.part_count; number += 1) if (!sent.has(number)) missing.push(number);
  return missing;
}

export function sentBytes(upload: Upload): number {
  return sentParts(upload).reduce((sum, part) => sum + part.size, 0);
}

export interface FileFacts {
  name: string;
  size: number;
  lastModified: number;
}

/** Tells whether a file picked again is the one begun earlier. Not a content digest: the server verifies content. */
export function fingerprintOf(file: FileFacts): string {
  return `v1/${file.size}/${file.lastModified}/${file.name}`;
}

export function isSameFile(file: FileFacts, upload: Pick<Upload, 'fingerprint' | 'file_name' | 'size'>): boolean {
  if (upload.fingerprint !== null) return fingerprintOf(file) === upload.fingerprint;
  return file.name === upload.file_name && file.size === upload.size;
}
