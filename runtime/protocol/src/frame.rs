//! Frames: a length and that many bytes of JSON.

use runtime_diag::{Diagnose, Exit, Retry};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest frame, in bytes without its length.
pub const FRAME_MAX: usize = 8 * 1024 * 1024;
const LENGTH: usize = 4;

/// What is wrong with a stream of frames. None of these can be read past: the stream is over.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The length is 0 or above [`FRAME_MAX`]; nothing of that size is ever reserved.
    #[error("a frame announces {0} bytes, which is none or more than {FRAME_MAX}")]
    Length(u64),
    /// The bytes are not the message that was expected.
    #[error("a frame does not hold a message of this protocol")]
    Message(#[source] serde_json::Error),
}

impl Diagnose for FrameError {
    fn code(&self) -> &'static str {
        match self {
            Self::Length(_) => "engine.frame-length",
            Self::Message(_) => "engine.frame-message",
        }
    }
    fn remedy(&self) -> String {
        "start the engine again; if it happens again, report it with the engine's last words".into()
    }
    fn retry(&self) -> Retry {
        Retry::Later
    }
    fn exit(&self) -> Exit {
        Exit::Schema
    }
}

/// One message as a frame.
///
/// # Errors
/// [`FrameError::Length`] when the message is larger than a frame; [`FrameError::Message`] when it cannot be written as JSON.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; LENGTH];
    serde_json::to_writer(&mut frame, message).map_err(FrameError::Message)?;
    let length = frame.len() - LENGTH;
    let header = u32::try_from(length).ok().filter(|_| length <= FRAME_MAX);
    let header = header.ok_or(FrameError::Length(length as u64))?;
    if let Some(place) = frame.get_mut(..LENGTH) {
        place.copy_from_slice(&header.to_le_bytes());
    }
    Ok(frame)
}

/// The message in the bytes of one frame, as [`FrameDecoder::next_frame`] gives them.
///
/// # Errors
/// [`FrameError::Message`].
pub fn decode<T: DeserializeOwned>(frame: &[u8]) -> Result<T, FrameError> {
    serde_json::from_slice(frame).map_err(FrameError::Message)
}

/// Puts frames together from bytes as they come.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    buffer: Vec<u8>,
    /// Bytes at the start of `buffer` that were already given out.
    taken: usize,
    /// A length was wrong: nothing after it can be understood.
    broken: Option<u64>,
}

impl FrameDecoder {
    /// An empty decoder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes as they came. Call [`Self::next_frame`] until it gives none before pushing more, so that the decoder
    /// holds at most one frame and the last push.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.broken.is_some() {
            return;
        }
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The bytes of the next whole frame, if there is one.
    ///
    /// # Errors
    /// [`FrameError::Length`] as soon as a wrong length is seen, and from then on.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameError> {
        if let Some(length) = self.broken {
            return Err(FrameError::Length(length));
        }
        let rest = self.buffer.get(self.taken..).unwrap_or_default();
        let Some((header, body)) = rest.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let length = u32::from_le_bytes(*header) as usize;
        if length == 0 || length > FRAME_MAX {
            self.broken = Some(length as u64);
            self.buffer = Vec::new();
            return Err(FrameError::Length(length as u64));
        }
        if body.len() < length {
            return Ok(None);
        }
        let start = self.taken + LENGTH;
        self.taken = start + length;
        Ok(self.buffer.get(start..self.taken))
    }

    /// Whether bytes of an unfinished frame are waiting: at the end of a stream, it was cut.
    #[must_use]
    pub fn is_mid_frame(&self) -> bool {
        self.buffer.len() > self.taken
    }
}
