//! Words from tokens: pieces of bytes put together, with their probability.

use crate::align::Placed;

/// A text token of the decoder.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    /// Its bytes; a character may be spread over several tokens.
    pub(crate) bytes: Vec<u8>,
    /// Probability, 0 to 1.
    pub(crate) p: f32,
    /// Rough start in the window, in frames.
    pub(crate) start: usize,
}

/// A word without exact times.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RawWord {
    /// Without spaces round it.
    pub(crate) text: String,
    /// 0 to 1: the geometric mean of its tokens.
    pub(crate) confidence: f32,
    /// Rough start in the window, in frames.
    pub(crate) start: usize,
}

impl RawWord {
    pub(crate) fn placed(&self, offset: usize) -> Placed {
        Placed { weight: weight(&self.text), hint: Some(self.start.saturating_sub(offset)) }
    }
}

/// How long a word takes to say, in letters: digits are said as words of about four, and every word has an onset.
fn weight(text: &str) -> f32 {
    let letters: f32 = text
        .chars()
        .map(|c| match c {
            c if c.is_numeric() => 4.0,
            c if c.is_alphabetic() && !c.is_ascii() => 1.5,
            c if c.is_alphabetic() => 1.0,
            _ => 0.0,
        })
        .sum();
    1.0 + letters
}

/// Puts tokens together. A word starts at a token that starts with a space; in languages written without spaces, every
/// whole character or group of characters of one token is a word. Marks alone belong to the word before them.
pub(crate) fn words(tokens: &[Token], language: &str) -> Vec<RawWord> {
    let spaceless = matches!(language, "zh" | "ja" | "th" | "lo" | "my" | "km" | "yue" | "bo");
    let mut groups: Vec<(Vec<u8>, Vec<f32>, usize)> = Vec::new();
    for token in tokens {
        let fresh = match groups.last() {
            None => true,
            Some((bytes, ..)) if spaceless => std::str::from_utf8(bytes).is_ok(),
            Some(_) => token.bytes.first() == Some(&b' '),
        };
        match groups.last_mut() {
            Some((bytes, probabilities, _)) if !fresh => {
                bytes.extend_from_slice(&token.bytes);
                probabilities.push(token.p);
            }
            _ => groups.push((token.bytes.clone(), vec![token.p], token.start)),
        }
    }
    let mut out: Vec<RawWord> = Vec::new();
    for (bytes, probabilities, start) in groups {
        let text = String::from_utf8_lossy(&bytes);
        // Control characters have no place in a transcript, whatever a model emits.
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        match out.last_mut() {
            Some(last) if !text.chars().any(char::is_alphanumeric) => {
                if !spaceless && bytes.first() == Some(&b' ') {
                    last.text.push(' ');
                }
                last.text.push_str(text);
            }
            _ => out.push(RawWord { text: text.to_owned(), confidence: geometric_mean(&probabilities), start }),
        }
    }
    out.retain(|word| word.text.chars().any(char::is_alphanumeric));
    out
}

/// What stands between two words of a text in this language.
pub(crate) fn separator(language: &str) -> &'static str {
    if matches!(language, "zh" | "ja" | "th" | "lo" | "my" | "km" | "yue" | "bo") { "" } else { " " }
}

fn geometric_mean(values: &[f32]) -> f32 {
    let sum: f32 = values.iter().map(|p| p.clamp(1e-6, 1.0).ln()).sum();
    let mean = (sum / values.len().max(1) as f32).exp();
    if mean.is_finite() { mean.clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pieces: &[&[u8]], language: &str) -> Vec<String> {
        let tokens: Vec<Token> = pieces.iter().map(|bytes| Token { bytes: bytes.to_vec(), p: 0.5, start: 0 }).collect();
        words(&tokens, language).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn pieces_of_a_word_are_put_together() {
        assert_eq!(texts(&[b" cam", b"era", b" one", b","], "en"), ["camera", "one,"]);
    }

    #[test]
    fn a_character_spread_over_tokens_is_whole_again() {
        assert_eq!(texts(&[b" caf", b"\xc3", b"\xa9"], "fr"), ["café"]);
        assert_eq!(texts(&[b"\xe4\xbd", b"\xa0", b"\xe5\xa5\xbd"], "zh"), ["你", "好"]);
    }

    #[test]
    fn marks_join_the_word_before_and_alone_are_no_word() {
        assert_eq!(texts(&[b" yes", b" -", b" no", b"."], "en"), ["yes -", "no."]);
        assert!(texts(&[b" ...", b" \0", b""], "en").is_empty());
    }

    #[test]
    fn confidence_is_the_mean_of_the_pieces() {
        let tokens = [(b" cam", 0.9), (b"era ", 0.4)].map(|(bytes, p)| Token { bytes: bytes.to_vec(), p, start: 3 });
        let got = words(&tokens, "en");
        assert!((got[0].confidence - 0.6).abs() < 1e-3);
        assert_eq!(got[0].start, 3);
        assert_eq!(geometric_mean(&[f32::NAN]), 0.0);
    }
}
