//! A speech model of whisper's architecture with random weights: it loads and decodes, and knows no words.

/// A source of numbers that is the same everywhere (xorshift64*).
struct Numbers(u64);

impl Numbers {
    /// Roughly normal, with this spread.
    fn next(&mut self, spread: f32) -> f32 {
        let mut sum = 0.0;
        for _ in 0..4 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            sum += (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
        }
        sum * spread * 1.7
    }
}

const STATE: u32 = 64;
const VOCAB: u32 = 51_864;
const WORDS: u32 = 300;

/// The file: 64 wide, one encoder and three decoder layers, matrices in 16 bits.
pub(crate) fn ggml() -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, &[0x6767_6d6c, VOCAB, 1500, STATE, 2, 1, 64, STATE, 2, 3, 80, 1]);
    put(&mut out, &[80, 201]);
    for band in 0..80usize {
        // Plain triangles over the spectrum are enough for a model that was never trained.
        floats(&mut out, (0..201usize).map(|bin| (1.0 - (bin as f32 / 2.5 - band as f32).abs()).max(0.0) * 0.02));
    }
    put(&mut out, &[WORDS]);
    for word in 0..WORDS {
        let text = match word {
            0..=255 => vec![word as u8],
            _ => format!(" w{word}").into_bytes(),
        };
        put(&mut out, &[text.len() as u32]);
        out.extend(text);
    }
    let mut numbers = Numbers(42);
    for (name, shape, kind) in tensors() {
        let matrix = matches!(kind, Kind::Weight | Kind::Tokens) && !name.ends_with("positional_embedding");
        put(&mut out, &[shape.len() as u32, name.len() as u32, u32::from(matrix)]);
        put(&mut out, &shape);
        out.extend(name.bytes());
        let count: u32 = shape.iter().product();
        let values = (0..count).map(|i| match kind {
            Kind::One => 1.0,
            Kind::Zero => 0.0,
            // End and time tokens never win: rows past the words are nothing.
            Kind::Tokens if i / STATE >= WORDS => 0.0,
            Kind::Tokens | Kind::Weight => numbers.next(0.1),
        });
        if matrix {
            values.for_each(|value| out.extend(half(value).to_le_bytes()));
        } else {
            floats(&mut out, values);
        }
    }
    out
}

#[derive(Clone, Copy)]
enum Kind {
    Weight,
    Tokens,
    One,
    Zero,
}

fn tensors() -> Vec<(String, Vec<u32>, Kind)> {
    let s = STATE;
    let mut all = vec![
        ("encoder.positional_embedding".to_owned(), vec![s, 1500], Kind::Weight),
        ("encoder.conv1.weight".to_owned(), vec![3, 80, s], Kind::Weight),
        ("encoder.conv1.bias".to_owned(), vec![1, s], Kind::Zero),
        ("encoder.conv2.weight".to_owned(), vec![3, s, s], Kind::Weight),
        ("encoder.conv2.bias".to_owned(), vec![1, s], Kind::Zero),
        ("decoder.positional_embedding".to_owned(), vec![s, 64], Kind::Weight),
        ("decoder.token_embedding.weight".to_owned(), vec![s, VOCAB], Kind::Tokens),
    ];
    let mut vector = |name: String, length: u32, kind: Kind| all.push((name, vec![length], kind));
    let mut norms = vec!["encoder.ln_post".to_owned(), "decoder.ln".to_owned()];
    let mut attentions = Vec::new();
    let mut blocks = Vec::new();
    for (side, layers) in [("encoder", 1), ("decoder", 3)] {
        for layer in 0..layers {
            let block = format!("{side}.blocks.{layer}");
            let parts: &[&str] = if side == "encoder" { &["attn"] } else { &["attn", "cross_attn"] };
            for part in parts {
                norms.push(format!("{block}.{part}_ln"));
                attentions.push(format!("{block}.{part}"));
            }
            norms.push(format!("{block}.mlp_ln"));
            blocks.push(block);
        }
    }
    for norm in norms {
        vector(format!("{norm}.weight"), s, Kind::One);
        vector(format!("{norm}.bias"), s, Kind::Zero);
    }
    for block in &blocks {
        vector(format!("{block}.mlp.0.bias"), 4 * s, Kind::Zero);
        vector(format!("{block}.mlp.2.bias"), s, Kind::Zero);
    }
    for attention in &attentions {
        for part in ["query", "value", "out"] {
            vector(format!("{attention}.{part}.bias"), s, Kind::Zero);
        }
    }
    for attention in attentions {
        for part in ["query", "key", "value", "out"] {
            all.push((format!("{attention}.{part}.weight"), vec![s, s], Kind::Weight));
        }
    }
    for block in blocks {
        all.push((format!("{block}.mlp.0.weight"), vec![s, 4 * s], Kind::Weight));
        all.push((format!("{block}.mlp.2.weight"), vec![4 * s, s], Kind::Weight));
    }
    all
}

fn put(out: &mut Vec<u8>, numbers: &[u32]) {
    numbers.iter().for_each(|n| out.extend(n.to_le_bytes()));
}

fn floats(out: &mut Vec<u8>, values: impl Iterator<Item = f32>) {
    values.for_each(|value| out.extend(value.to_le_bytes()));
}

/// A small number in 16 bits: cut, not rounded; what is too small for a normal number is zero.
fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let exponent = (bits >> 23 & 0xff).saturating_sub(112);
    let sign = (bits >> 16) as u16 & 0x8000;
    if exponent == 0 { sign } else { sign | (exponent.min(30) << 10) as u16 | (bits >> 13) as u16 & 0x3ff }
}
