// Reads the transcript of an asset and keeps it current: live segments as they come, then the final text.
import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiError, asProblem } from '../api/client';
import { api } from '../api/endpoints';
import type { Step, Transcript, TranscriptSegment } from '../api/types';
import { live } from '../state/services';
import { mergeSegment, mergeTranscript } from '../state/asset-events';
import { hasWords } from '../upload/steps';

export interface TranscriptView {
  loading: boolean;
  segments: TranscriptSegment[];
  transcript: Transcript | null;
  problem: { title: string; remedy: string; code: string } | null;
  reload: () => void;
}

const NONE: TranscriptSegment[] = [];

export function useTranscript(assetId: string, step: Step | undefined): TranscriptView {
  const finished = !step || step.state === 'done' || step.state === 'failed';
  const mayAsk = useRef(false);
  mayAsk.current = hasWords(step);
  const [transcript, setTranscript] = useState<Transcript | null>(null);
  const [early, setEarly] = useState<TranscriptSegment[]>(NONE);
  const [loading, setLoading] = useState(true);
  const [problem, setProblem] = useState<TranscriptView['problem']>(null);
  const heard = useRef<TranscriptSegment[]>([]);

  const reload = useCallback(async () => {
    try {
      const read = await api.transcript(assetId);
      setTranscript(mergeTranscript(read, heard.current));
      setProblem(null);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) setProblem(asProblem(error));
    }
    setLoading(false);
  }, [assetId]);

  useEffect(() => {
    heard.current = [];
    setEarly(NONE);
    setTranscript(null);
    const undo = [
      live.onReconnect(() => {
        if (mayAsk.current) void reload();
      }),
      live.listen((event) => {
        if (event.type === 'transcript.changed' && event.data.asset_id === assetId) void reload();
        if (event.type !== 'transcript.segment' || event.data.asset_id !== assetId) return;
        const { segment } = event.data;
        heard.current = mergeSegment(heard.current, segment);
        setEarly(heard.current);
        setTranscript((before) => before && (before.state === 'final' ? before : { ...before, segments: mergeSegment(before.segments, segment) }));
      }),
    ];
    return () => undo.forEach((each) => each());
  }, [assetId, reload]);

  // Once on arrival and once at the end; the words between come by themselves.
  useEffect(() => {
    setLoading(mayAsk.current);
    if (mayAsk.current) void reload();
  }, [finished, reload]);

  return { loading: loading && segmentsOf(transcript, early).length === 0, transcript, segments: segmentsOf(transcript, early), problem, reload: () => void reload() };
}

function segmentsOf(transcript: Transcript | null, early: TranscriptSegment[]): TranscriptSegment[] {
  return transcript?.segments ?? early;
}
