//! A check of a whisper ggml file, done before the C++ loader sees it.
//!
//! The loader trusts lengths and counts in the file: it resizes to them, indexes by them, and throws across the C
//! boundary where a map lacks an entry. So everything the loader reads is checked here first: magic, dimensions,
//! filter bank, vocabulary, and the directory of tensors, which must be exactly the set that the dimensions imply, each
//! with its shape and type, ending where the file ends. Layout: little-endian, as written by whisper.cpp's converter.
//!
//! Pure: [`Walk`] says which bytes it wants, the caller reads them. Deliberately not here: the values of weights.

use std::fmt;

use runtime_diag::{Diagnose, Exit};

mod tensors;
mod walk;

pub use tensors::TensorType;
pub use walk::{READ_MAX, Walk, Want, check_slice};

/// Bytes of the fixed part: magic and eleven 32-bit numbers.
pub const HEAD_LEN: usize = 48;
const MAGIC: u32 = 0x6767_6d6c;

/// The dimensions of a whisper model, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WhisperHeader {
    /// Tokens: 51864 (English only), 51865 or 51866.
    pub vocab: u32,
    /// Positions of the encoder; always 1500 (30 s).
    pub audio_ctx: u32,
    /// Width of the encoder.
    pub audio_state: u32,
    /// Attention heads of the encoder.
    pub audio_head: u32,
    /// Layers of the encoder.
    pub audio_layer: u32,
    /// Positions of the decoder.
    pub text_ctx: u32,
    /// Width of the decoder, equal to that of the encoder.
    pub text_state: u32,
    /// Attention heads of the decoder.
    pub text_head: u32,
    /// Layers of the decoder.
    pub text_layer: u32,
    /// Mel bands: 80 or 128.
    pub mels: u32,
    /// Type of the large matrices.
    pub weights: TensorType,
}

impl WhisperHeader {
    /// Whether the model knows languages besides English.
    #[must_use]
    pub const fn multilingual(&self) -> bool {
        self.vocab > ENGLISH_VOCAB
    }

    /// Bytes of all tensors together.
    #[must_use]
    pub fn tensor_bytes(&self) -> u64 {
        tensors::expected(self).values().map(tensors::Shape::bytes).sum()
    }

    /// A bound on the working memory of a process that transcribes with this model, in bytes: weights, attention caches
    /// in 16 bit for both decoders' contexts, the encoder's scratch, and a fixed part.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let (state, layers) = (u64::from(self.text_state), u64::from(self.text_layer));
        let positions = u64::from(self.text_ctx) + u64::from(self.audio_ctx);
        let caches = 2 * 2 * state * layers * positions;
        let scratch =
            u64::from(self.audio_ctx) * (u64::from(self.audio_ctx) * u64::from(self.audio_head) + 8 * state) * 4;
        self.tensor_bytes() + caches + scratch + (64 << 20)
    }
}

const ENGLISH_VOCAB: u32 = 51_864;

/// Why a file is not handed to the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It does not start as a ggml file does.
    Magic,
    /// It ends where `what` should be.
    Short {
        /// What should be there.
        what: &'static str,
        /// Where, in bytes from the start.
        offset: u64,
    },
    /// A number lies outside what any whisper model has.
    Dimension {
        /// Which.
        what: &'static str,
        /// As found.
        got: i64,
        /// What it has to be.
        rule: &'static str,
    },
    /// Two decoder layers: the engine takes it for a distilled model and gives no times.
    NoTimes,
    /// The vocabulary breaks a rule of the loader.
    Vocabulary(&'static str),
    /// A tensor is unknown, present twice, or of another shape or type than the dimensions imply.
    Tensor {
        /// Its name, made printable.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// This many tensors are missing.
    Missing {
        /// One of them.
        name: String,
        /// How many.
        count: usize,
    },
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("the weights are not a ggml file"),
            Self::Short { what, offset } => write!(f, "the weights end at byte {offset}, where {what} should be"),
            Self::Dimension { what, got, rule } => write!(f, "the weights give {got} as {what}; it has to be {rule}"),
            Self::NoTimes => f.write_str("the weights have two decoder layers, with which the engine gives no times"),
            Self::Vocabulary(what) => write!(f, "the vocabulary of the weights {what}"),
            Self::Tensor { name, what } => write!(f, "tensor `{name}` of the weights {what}"),
            Self::Missing { name, count } => write!(f, "the weights lack {count} tensors, `{name}` among them"),
        }
    }
}

impl std::error::Error for Unfit {}

impl Diagnose for Unfit {
    fn code(&self) -> &'static str {
        match self {
            Self::NoTimes => "models.weights-without-times",
            Self::Magic
            | Self::Short { .. }
            | Self::Dimension { .. }
            | Self::Vocabulary(_)
            | Self::Tensor { .. }
            | Self::Missing { .. } => "models.weights-unfit",
        }
    }
    fn remedy(&self) -> String {
        match self {
            Self::NoTimes => "use a model that is not distilled to two decoder layers".into(),
            Self::Short { .. } => "copy the model pack again from its bundle; the file is cut short".into(),
            Self::Magic | Self::Dimension { .. } | Self::Vocabulary(_) | Self::Tensor { .. } | Self::Missing { .. } => {
                "install the model pack again from its bundle, or have the pack rebuilt from a whisper ggml file".into()
            }
        }
    }
    fn exit(&self) -> Exit {
        match self {
            Self::Short { .. } => Exit::Missing,
            Self::NoTimes
            | Self::Magic
            | Self::Dimension { .. }
            | Self::Vocabulary(_)
            | Self::Tensor { .. }
            | Self::Missing { .. } => Exit::Schema,
        }
    }
}

/// Checks the fixed part of a file: `head` is its first [`HEAD_LEN`] bytes or more, `file_len` its whole length.
///
/// # Errors
/// [`Unfit`] with the first rule that does not hold.
pub fn check_header(head: &[u8], file_len: u64) -> Result<WhisperHeader, Unfit> {
    let mut numbers = [0u32; HEAD_LEN / 4];
    for (i, number) in numbers.iter_mut().enumerate() {
        *number = number_at(head, 4 * i).ok_or(Unfit::Short { what: "the header", offset: head.len() as u64 })?;
    }
    let [
        magic,
        vocab,
        audio_ctx,
        audio_state,
        audio_head,
        audio_layer,
        text_ctx,
        text_state,
        text_head,
        text_layer,
        mels,
        ftype,
    ] = numbers;
    if magic != MAGIC {
        return Err(Unfit::Magic);
    }
    let rule = |holds: bool, what: &'static str, got: u32, rule: &'static str| {
        // The loader reads signed numbers: show what it would have seen.
        if holds { Ok(()) } else { Err(Unfit::Dimension { what, got: i64::from(got.cast_signed()), rule }) }
    };
    // More than 100 languages, and the loader builds a string from a null pointer.
    rule((ENGLISH_VOCAB..=51_866).contains(&vocab), "the number of tokens", vocab, "51864, 51865 or 51866")?;
    rule(audio_ctx == 1500, "the encoder's positions", audio_ctx, "1500")?;
    let width = (16..=2048).contains(&audio_state) && audio_state.is_multiple_of(16);
    rule(width, "the encoder's width", audio_state, "a multiple of 16 between 16 and 2048")?;
    rule(text_state == audio_state, "the decoder's width", text_state, "that of the encoder")?;
    let heads = |n: u32| (1..=64).contains(&n) && audio_state.is_multiple_of(n) && (audio_state / n).is_multiple_of(8);
    rule(
        heads(audio_head),
        "the encoder's heads",
        audio_head,
        "a divisor of the width, with heads a multiple of 8 wide",
    )?;
    rule(
        heads(text_head),
        "the decoder's heads",
        text_head,
        "a divisor of the width, with heads a multiple of 8 wide",
    )?;
    rule((1..=48).contains(&audio_layer), "the encoder's layers", audio_layer, "between 1 and 48")?;
    rule((1..=48).contains(&text_layer), "the decoder's layers", text_layer, "between 1 and 48")?;
    rule((64..=448).contains(&text_ctx), "the decoder's positions", text_ctx, "between 64 and 448")?;
    rule(mels == 80 || mels == 128, "the mel bands", mels, "80 or 128")?;
    let weights = TensorType::of_file_type(ftype).ok_or(Unfit::Dimension {
        what: "the type of the weights",
        got: i64::from(ftype.cast_signed()),
        rule: "16 bit, or a quantised type in version 2",
    })?;
    rule(
        audio_state.is_multiple_of(weights.block()),
        "the encoder's width",
        audio_state,
        "a multiple of the type's block",
    )?;
    if text_layer == 2 {
        return Err(Unfit::NoTimes);
    }
    let header = WhisperHeader {
        vocab,
        audio_ctx,
        audio_state,
        audio_head,
        audio_layer,
        text_ctx,
        text_state,
        text_head,
        text_layer,
        mels,
        weights,
    };
    if header.tensor_bytes() > file_len {
        return Err(Unfit::Short { what: "the last tensor", offset: file_len });
    }
    Ok(header)
}

/// The little-endian number at `offset`, if the bytes reach that far.
fn number_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let four = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

#[cfg(test)]
mod tests;
