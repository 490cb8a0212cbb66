//! Writes one volume: its frames are read, checked and compressed by several threads and written in order.
//!
//! Invariants: a frame depends on its content and the level alone, so the number of threads changes nothing; at most
//! `BATCH` frames per thread are held at once; what is compressed is compared with the digests of the manifest.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use bundler_format::volumes::{VolumeFacts, encode_frame, seal_volume};
use bundler_format::{Digest, Frame, FrameKind, Release, Volume, frames, tar_header};

use crate::error::Failure;

/// Frames that a thread compresses before its results are written.
const BATCH: usize = 4;

/// A volume to write.
pub(super) struct Job<'a> {
    pub(super) release: &'a Release,
    pub(super) volume: &'a Volume,
    pub(super) sources: &'a BTreeMap<Digest, &'a Path>,
    pub(super) level: i32,
    pub(super) threads: usize,
}

impl Job<'_> {
    /// Writes the volume; reports the bytes of blobs as they go in.
    pub(super) fn write(&self, path: &Path, report: &mut dyn FnMut(u64)) -> Result<VolumeFacts, Failure> {
        let file = File::create_new(path).map_err(Failure::io("made", path))?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let frames = frames(self.release, self.volume);
        let mut failure = None;
        let mut batches = frames.chunks(self.threads * BATCH);
        let mut ready: std::vec::IntoIter<(u64, Vec<u8>)> = Vec::new().into_iter();
        let stream = std::iter::from_fn(|| {
            loop {
                if let Some((length, frame)) = ready.next() {
                    report(length);
                    return Some(Ok(frame));
                }
                match self.batch(batches.next()?) {
                    Ok(batch) => ready = batch.into_iter(),
                    Err(error) => {
                        // Carried around the writer, which only knows errors of its own kind.
                        failure = Some(error);
                        return Some(Err(io::Error::other("compression stopped")));
                    }
                }
            }
        });
        let sealed = seal_volume(&mut out, stream);
        if let Some(failure) = failure {
            return Err(failure);
        }
        let facts = sealed.map_err(Failure::io("written", path))?;
        out.get_ref().sync_all().map_err(Failure::io("written", path))?;
        Ok(facts)
    }

    /// Compresses a run of frames, in order, with the bytes of blobs in each.
    fn batch(&self, frames: &[Frame]) -> Result<Vec<(u64, Vec<u8>)>, Failure> {
        let threads = self.threads.min(frames.len()).max(1);
        let parts: Vec<Result<Vec<_>, Failure>> = std::thread::scope(|scope| {
            let work = |first: usize| {
                frames
                    .iter()
                    .enumerate()
                    .skip(first)
                    .step_by(threads)
                    .map(|(n, frame)| Ok((n, self.compress(frame)?)))
                    .collect()
            };
            let others: Vec<_> = (1..threads).map(|first| scope.spawn(move || work(first))).collect();
            let own = work(0);
            let stopped = || Failure::Program { program: "a thread".to_owned(), problem: "it stopped".to_owned() };
            std::iter::once(own)
                .chain(others.into_iter().map(|other| other.join().unwrap_or_else(|_| Err(stopped()))))
                .collect()
        });
        let mut all = parts.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
        all.sort_by_key(|(n, _)| *n);
        Ok(all.into_iter().map(|(_, frame)| frame).collect())
    }

    fn compress(&self, frame: &Frame) -> Result<(u64, Vec<u8>), Failure> {
        let (content, source) = self.content(frame)?;
        let path = source.unwrap_or_else(|| PathBuf::from(self.volume.name.as_str()));
        let bytes = encode_frame(&content, self.level).map_err(Failure::io("compressed", &path))?;
        let of_blobs = if matches!(frame.kind, FrameKind::Chunk { .. }) { frame.length } else { 0 };
        Ok((of_blobs, bytes))
    }

    fn content(&self, frame: &Frame) -> Result<(Vec<u8>, Option<PathBuf>), Failure> {
        let length = usize::try_from(frame.length).unwrap_or(0);
        let mut content = vec![0; length];
        match &frame.kind {
            FrameKind::Header { entry, padding } => {
                if let Some(entry) = self.volume.entries.get(*entry) {
                    content.truncate(usize::try_from(*padding).unwrap_or(0));
                    content.extend_from_slice(&tar_header(&entry.name, entry.length, self.release.created));
                }
                Ok((content, None))
            }
            FrameKind::Chunk { chunk, .. } => {
                let path = self.sources.get(&chunk.blob).copied().unwrap_or(Path::new("?"));
                let file = File::open(path).map_err(Failure::io("opened", path))?;
                file.read_exact_at(&mut content, chunk.range.start).map_err(Failure::io("read", path))?;
                chunk.check(&content).map_err(|_| Failure::Changed { path: path.to_owned() })?;
                Ok((content, Some(path.to_owned())))
            }
            FrameKind::End { .. } => Ok((content, None)),
        }
    }
}
