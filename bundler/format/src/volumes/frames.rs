//! Decompresses a volume frame by frame, each to exactly the length that the layout says.
//!
//! Invariants: never reads more than the signed size plus one byte; never holds more output than asked for plus one
//! byte; grants no window above `limits::ZSTD_WINDOW_LOG_MAX`; takes no skippable frame, no dictionary, no legacy format.
//! Deliberately not here: what the bytes mean.

use std::io::{self, Read};

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation as _, OutBuffer};

use crate::{Digest, Hasher, limits};

/// A step of reading failed.
#[derive(Debug)]
pub(super) enum FrameError {
    /// The reader failed at this byte.
    Read(u64, io::Error),
    /// The reader ended after this many bytes, inside a frame.
    End(u64),
    /// The frame is not one of ours; the text is for people.
    Bad(String),
    /// The decompressor could not be reset.
    SetUp(io::Error),
}

const BUFFER: usize = 128 << 10;
/// Magic number and frame header descriptor.
const FRAME_START: usize = 5;

pub(super) struct FrameReader<R> {
    read: R,
    decoder: Decoder<'static>,
    hash: Hasher,
    buffer: Box<[u8]>,
    /// The unread part of `buffer`.
    start: usize,
    end: usize,
    /// Bytes taken from `read`.
    taken: u64,
    size: u64,
}

impl<R: Read> FrameReader<R> {
    /// Over a volume whose signed size is `size`.
    pub(super) fn new(read: R, size: u64) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(limits::ZSTD_WINDOW_LOG_MAX))?;
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Ok(Self { read, decoder, hash: Hasher::new(), buffer, start: 0, end: 0, taken: 0, size })
    }

    /// Bytes of the volume used so far.
    pub(super) fn position(&self) -> u64 {
        self.taken - (self.end - self.start) as u64
    }

    fn pending(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads more, up to the signed size; `false` at the end.
    fn fill(&mut self) -> Result<bool, FrameError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let room = usize::try_from(self.size - self.taken).unwrap_or(BUFFER).min(BUFFER - self.end);
        let Some(space) = self.buffer.get_mut(self.end..self.end + room) else { return Ok(false) };
        loop {
            match self.read.read(space) {
                Ok(count) => {
                    let count = count.min(room);
                    self.hash.update(space.get(..count).unwrap_or_default());
                    self.end += count;
                    self.taken += count as u64;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(FrameError::Read(self.taken, error)),
            }
        }
    }

    /// Decompresses the next frame into `out`, which then has exactly `length` bytes.
    pub(super) fn frame(&mut self, length: u64, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let bad = |text: &str| Err(FrameError::Bad(text.to_owned()));
        while self.end - self.start < FRAME_START {
            if !self.fill()? {
                return Err(FrameError::End(self.taken));
            }
        }
        // RFC 8878 §3.1.1: the magic number; then no dictionary (bits 0-1), reserved and unused bits zero (bits 3-4).
        match self.pending() {
            [0x28, 0xb5, 0x2f, 0xfd, descriptor, ..] if descriptor & 0b0001_1011 == 0 => {}
            [0x28, 0xb5, 0x2f, 0xfd, ..] => return bad("the frame header asks for what this format does not use"),
            _ => return bad("no zstd frame begins here"),
        }
        self.decoder.reinit().map_err(FrameError::SetUp)?;
        let length = usize::try_from(length.min(limits::CHUNK + 2 * crate::layout::BLOCK)).unwrap_or(0);
        // One byte more than allowed, so that a frame that is too long shows itself.
        out.resize(length + 1, 0);
        let mut written = 0;
        loop {
            let mut input = InBuffer::around(self.buffer.get(self.start..self.end).unwrap_or_default());
            let mut output = OutBuffer::around_pos(out.as_mut_slice(), written);
            let hint = self.decoder.run(&mut input, &mut output).map_err(|e| FrameError::Bad(e.to_string()))?;
            let (used, now) = (input.pos(), output.pos());
            let moved = used > 0 || now > written;
            self.start += used;
            written = now;
            if written > length {
                return bad("the frame is longer than the manifest says");
            }
            if hint == 0 {
                break;
            }
            if self.start == self.end {
                if !self.fill()? && !moved {
                    return Err(FrameError::End(self.taken));
                }
            } else if !moved {
                return bad("the frame does not end");
            }
        }
        out.truncate(written);
        if written == length { Ok(()) } else { bad("the frame is shorter than the manifest says") }
    }

    /// After the last frame: reads what is left. Gives the bytes after the archive, whether the file goes on after its
    /// signed size, how many bytes there were, and their digest.
    pub(super) fn finish(mut self) -> Result<Tail, FrameError> {
        let after_end = self.position();
        while self.taken < self.size {
            self.start = self.end;
            if !self.fill()? {
                break;
            }
        }
        let mut one = [0u8; 1];
        let goes_on = loop {
            if self.taken < self.size {
                break false;
            }
            match self.read.read(&mut one) {
                Ok(count) => break count > 0,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(FrameError::Read(self.taken, error)),
            }
        };
        Ok(Tail { archive_end: after_end, taken: self.taken, goes_on, digest: self.hash.finish() })
    }

    /// Reads to the end without decompressing, to tell a short file from a damaged one.
    pub(super) fn drain(mut self) -> Result<u64, FrameError> {
        while self.taken < self.size {
            self.start = self.end;
            if !self.fill()? {
                break;
            }
        }
        Ok(self.taken)
    }
}

/// What lies after the last frame.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) archive_end: u64,
    pub(super) taken: u64,
    pub(super) goes_on: bool,
    pub(super) digest: Digest,
}
