//! The walk through a whole file: the caller reads what [`Walk::want`] asks for and gives it to [`Walk::give`].
//!
//! Invariants: no read asks for more than [`READ_MAX`] bytes; each step moves forward, so a walk ends after at most
//! (vocabulary / 64 KiB + tensors + 5) reads; weights themselves are stepped over.

use std::collections::BTreeMap;

use super::tensors::{self, Shape};
use super::{HEAD_LEN, Unfit, WhisperHeader, check_header, number_at};

/// The most bytes that one read asks for: the filter bank of 128 bands.
pub const READ_MAX: usize = 128 * FFT as usize * 4;

const FFT: u32 = 201;
const VOCAB_READ: u64 = 64 * 1024;
const TOKEN_MAX: usize = 256;
/// Dimensions, name length, type; up to three sizes; a name of at most 64 bytes.
const TENSOR_READ: u64 = 12 + 12 + NAME_MAX as u64;
const NAME_MAX: usize = 64;

/// What the walk needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Exactly `len` bytes at `offset`.
    Read {
        /// From the start of the file.
        offset: u64,
        /// At most [`READ_MAX`], at least 1, within the file.
        len: usize,
    },
    /// Nothing: the file is fit to be loaded.
    Done(WhisperHeader),
}

/// A walk in progress.
#[derive(Debug)]
pub struct Walk {
    file_len: u64,
    offset: u64,
    step: Step,
}

#[derive(Debug)]
enum Step {
    Head,
    Filters(WhisperHeader),
    FilterBank(WhisperHeader),
    VocabCount(WhisperHeader),
    Vocab { header: WhisperHeader, left: u32, space: bool },
    Tensors { header: WhisperHeader, missing: BTreeMap<String, Shape> },
}

impl Walk {
    /// Starts at the head of a file of this length.
    #[must_use]
    pub fn new(file_len: u64) -> Self {
        Self { file_len, offset: 0, step: Step::Head }
    }

    /// What is needed next.
    ///
    /// # Errors
    /// [`Unfit::Short`] where the file ends too early, [`Unfit::Missing`] where it ends without all tensors.
    pub fn want(&self) -> Result<Want, Unfit> {
        let left = self.file_len - self.offset;
        let (what, least, most) = match &self.step {
            Step::Head => ("the header", HEAD_LEN as u64, HEAD_LEN as u64),
            Step::Filters(_) => ("the size of the filter bank", 8, 8),
            Step::FilterBank(header) => {
                let bytes = u64::from(header.mels) * u64::from(FFT) * 4;
                ("the filter bank", bytes, bytes)
            }
            Step::VocabCount(_) => ("the size of the vocabulary", 4, 4),
            Step::Vocab { .. } => ("a token", 4, VOCAB_READ),
            Step::Tensors { header, missing, .. } if left == 0 => {
                return match missing.keys().next() {
                    None => Ok(Want::Done(*header)),
                    Some(name) => Err(Unfit::Missing { name: name.clone(), count: missing.len() }),
                };
            }
            Step::Tensors { .. } => ("a tensor", 16, TENSOR_READ),
        };
        if left < least {
            return Err(Unfit::Short { what, offset: self.file_len });
        }
        // `most` is at most READ_MAX, so the cast keeps its value.
        Ok(Want::Read { offset: self.offset, len: left.min(most) as usize })
    }

    /// Takes the bytes of the last [`Want::Read`].
    ///
    /// # Errors
    /// [`Unfit`] with the first rule that does not hold. The walk is over then.
    pub fn give(&mut self, bytes: &[u8]) -> Result<(), Unfit> {
        let short = |what| Unfit::Short { what, offset: self.offset + bytes.len() as u64 };
        let number = |at: usize| number_at(bytes, at).ok_or(short("a number"));
        match &mut self.step {
            Step::Head => {
                let header = check_header(bytes, self.file_len)?;
                self.step = Step::Filters(header);
                self.offset += HEAD_LEN as u64;
            }
            Step::Filters(header) => {
                let (mels, fft) = (number(0)?, number(4)?);
                dimension(mels == header.mels, "the bands of the filter bank", mels, "the mel bands")?;
                dimension(fft == FFT, "the width of the filter bank", fft, "201")?;
                self.step = Step::FilterBank(*header);
                self.offset += 8;
            }
            Step::FilterBank(header) => {
                let expected = header.mels as usize * FFT as usize * 4;
                let whole = bytes.get(..expected).ok_or(short("the filter bank"))?;
                let (values, _) = whole.as_chunks::<4>();
                if !values.iter().all(|value| f32::from_le_bytes(*value).is_finite()) {
                    return Err(Unfit::Tensor { name: "filter bank".into(), what: "holds what is not a number" });
                }
                self.step = Step::VocabCount(*header);
                self.offset += expected as u64;
            }
            Step::VocabCount(header) => {
                let count = number(0)?;
                let holds = (1..=header.vocab).contains(&count);
                dimension(holds, "the size of the vocabulary", count, "between 1 and the number of tokens")?;
                self.step = Step::Vocab { header: *header, left: count, space: false };
                self.offset += 4;
            }
            Step::Vocab { header, left, space } => {
                let mut at = 0;
                while *left > 0 {
                    let Some(length) = number_at(bytes, at) else { break };
                    let length = length as usize;
                    if length > TOKEN_MAX {
                        return Err(Unfit::Vocabulary("has a token of more than 256 bytes"));
                    }
                    let Some(token) = bytes.get(at + 4..at + 4 + length) else { break };
                    *space |= token == b" ";
                    *left -= 1;
                    at += 4 + length;
                }
                if at == 0 {
                    return Err(short("a token"));
                }
                self.offset += at as u64;
                if *left == 0 {
                    // The loader looks this token up without asking whether it is there.
                    if !*space {
                        return Err(Unfit::Vocabulary("has no token for a space"));
                    }
                    let header = *header;
                    self.step = Step::Tensors { header, missing: tensors::expected(&header) };
                }
            }
            Step::Tensors { missing, .. } => {
                let (length, data) = tensor(bytes, missing).map_err(|unfit| unfit.unwrap_or(short("a tensor")))?;
                let end = self.offset + length as u64;
                if self.file_len - end < data {
                    return Err(Unfit::Short { what: "the data of a tensor", offset: self.file_len });
                }
                self.offset = end + data;
            }
        }
        Ok(())
    }
}

fn dimension(holds: bool, what: &'static str, got: u32, rule: &'static str) -> Result<(), Unfit> {
    if holds { Ok(()) } else { Err(Unfit::Dimension { what, got: i64::from(got.cast_signed()), rule }) }
}

/// Reads one tensor's header and takes it off the list: (bytes of the header, bytes of the data). `Err(None)` means that
/// the bytes end within the header.
fn tensor(bytes: &[u8], missing: &mut BTreeMap<String, Shape>) -> Result<(usize, u64), Option<Unfit>> {
    let number = |at: usize| number_at(bytes, at).ok_or(None);
    let (dims, name_len, kind) = (number(0)?, number(4)? as usize, number(8)?);
    let unfit = |name: &str, what| Err(Some(Unfit::Tensor { name: name.to_owned(), what }));
    if !(1..=3).contains(&dims) {
        return unfit("?", "has less than one or more than three dimensions");
    }
    if !(1..=NAME_MAX).contains(&name_len) {
        return unfit("?", "has a name of more than 64 bytes, or none");
    }
    let mut ne = [1u32; 3];
    for (i, size) in ne.iter_mut().take(dims as usize).enumerate() {
        *size = number(12 + 4 * i)?;
    }
    let start = 12 + 4 * dims as usize;
    let raw = bytes.get(start..start + name_len).ok_or(None)?;
    let name: String = raw.iter().map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '?' }).collect();
    let Some(shape) = missing.remove(&name) else {
        return unfit(&name, "is not part of such a model, or is there twice");
    };
    if ne != shape.ne {
        return unfit(&name, "has another shape than the dimensions imply");
    }
    if kind != shape.kind.code() {
        return unfit(&name, "has another type than the header announces");
    }
    Ok((start + name_len, shape.bytes()))
}

/// Walks through a file that is in memory as a whole.
///
/// # Errors
/// As [`Walk::give`].
pub fn check_slice(file: &[u8]) -> Result<WhisperHeader, Unfit> {
    let mut walk = Walk::new(file.len() as u64);
    loop {
        match walk.want()? {
            Want::Done(header) => return Ok(header),
            Want::Read { offset, len } => {
                // Offsets lie within the file, which is in memory: the cast keeps their value.
                let start = offset as usize;
                let bytes = file.get(start..start + len).ok_or(Unfit::Short { what: "a read", offset })?;
                walk.give(bytes)?;
            }
        }
    }
}
