//! The tensors that a whisper model of given dimensions has: names, shapes, types.

use std::collections::BTreeMap;

use super::WhisperHeader;

/// Element types that a model file may use, with ggml's block sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // ggml's own names say all there is to say
pub enum TensorType {
    F32,
    F16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
}

impl TensorType {
    /// The type that the header's `ftype` stands for; thousands are the version of the quantised formats.
    pub(super) fn of_file_type(ftype: u32) -> Option<Self> {
        let kind = match ftype % 1000 {
            // 0, all in 32 bits, loads but ends the process in its first convolution.
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            7 => Self::Q8_0,
            8 => Self::Q5_0,
            9 => Self::Q5_1,
            10 => Self::Q2K,
            11 => Self::Q3K,
            12 => Self::Q4K,
            13 => Self::Q5K,
            14 => Self::Q6K,
            _ => return None,
        };
        let version = ftype / 1000;
        // Version 1 laid blocks out differently; the loader would take its bytes for version 2.
        (version == 2 || (version == 0 && kind.block() == 1)).then_some(kind)
    }

    /// The number that a tensor's own header carries.
    pub(super) const fn code(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
            Self::Q2K => 10,
            Self::Q3K => 11,
            Self::Q4K => 12,
            Self::Q5K => 13,
            Self::Q6K => 14,
        }
    }

    /// Elements per block; a row is a whole number of blocks.
    pub(super) const fn block(self) -> u32 {
        match self {
            Self::F32 | Self::F16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Q2K | Self::Q3K | Self::Q4K | Self::Q5K | Self::Q6K => 256,
        }
    }

    /// Bytes per block.
    const fn block_bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q2K => 84,
            Self::Q3K => 110,
            Self::Q4K => 144,
            Self::Q5K => 176,
            Self::Q6K => 210,
        }
    }
}

/// Shape in ggml order (fastest first, padded with 1) and type of one tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) ne: [u32; 3],
    pub(super) kind: TensorType,
}

impl Shape {
    pub(super) fn bytes(&self) -> u64 {
        let elements: u64 = self.ne.iter().map(|n| u64::from(*n)).product();
        elements / u64::from(self.kind.block()) * self.kind.block_bytes()
    }
}

/// Every tensor of a model with these dimensions. The loader refuses a file that lacks one of them only after it has
/// read all others, and takes a file with none for a test model; both are refused here.
pub(super) fn expected(header: &WhisperHeader) -> BTreeMap<String, Shape> {
    let state = header.audio_state;
    let mut all = Tensors { all: BTreeMap::new(), state, weights: header.weights };
    all.plain("encoder.positional_embedding", [state, header.audio_ctx, 1]);
    all.add("encoder.conv1.weight", [3, header.mels, state], TensorType::F16);
    all.plain("encoder.conv1.bias", [1, state, 1]);
    all.add("encoder.conv2.weight", [3, state, state], TensorType::F16);
    all.plain("encoder.conv2.bias", [1, state, 1]);
    all.norm("encoder.ln_post");
    all.plain("decoder.positional_embedding", [state, header.text_ctx, 1]);
    all.add("decoder.token_embedding.weight", [state, header.vocab, 1], header.weights);
    all.norm("decoder.ln");
    for layer in 0..header.audio_layer {
        all.block(&format!("encoder.blocks.{layer}"), &["attn"]);
    }
    for layer in 0..header.text_layer {
        all.block(&format!("decoder.blocks.{layer}"), &["attn", "cross_attn"]);
    }
    all.all
}

struct Tensors {
    all: BTreeMap<String, Shape>,
    state: u32,
    weights: TensorType,
}

impl Tensors {
    fn add(&mut self, name: &str, ne: [u32; 3], kind: TensorType) {
        self.all.insert(name.to_owned(), Shape { ne, kind });
    }

    fn plain(&mut self, name: &str, ne: [u32; 3]) {
        self.add(name, ne, TensorType::F32);
    }

    fn vector(&mut self, name: &str, length: u32) {
        self.plain(name, [length, 1, 1]);
    }

    fn norm(&mut self, name: &str) {
        self.vector(&format!("{name}.weight"), self.state);
        self.vector(&format!("{name}.bias"), self.state);
    }

    fn block(&mut self, name: &str, attentions: &[&str]) {
        let (state, weights) = (self.state, self.weights);
        for attention in attentions {
            self.norm(&format!("{name}.{attention}_ln"));
            for part in ["query", "key", "value", "out"] {
                self.add(&format!("{name}.{attention}.{part}.weight"), [state, state, 1], weights);
                if part != "key" {
                    self.vector(&format!("{name}.{attention}.{part}.bias"), state);
                }
            }
        }
        self.norm(&format!("{name}.mlp_ln"));
        self.add(&format!("{name}.mlp.0.weight"), [state, 4 * state, 1], weights);
        self.vector(&format!("{name}.mlp.0.bias"), 4 * state);
        self.add(&format!("{name}.mlp.2.weight"), [4 * state, state, 1], weights);
        self.vector(&format!("{name}.mlp.2.bias"), state);
    }
}
