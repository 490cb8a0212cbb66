//! What a speech model makes up: words over silence, and loops.
//!
//! Rules are few and blunt on purpose; a rule that also withholds what was really said is worse than none. Pure.

use std::ops::Range;

/// A phrase of one word has to come this often in a row to be a loop, a longer one [`PHRASE_LOOP`] times.
const WORD_LOOP: usize = 8;
const PHRASE_LOOP: usize = 4;
/// The longest phrase looked at.
const PHRASE: usize = 8;
/// Identical segments in a row that are believed.
const SAME_SEGMENTS: usize = 2;
/// Words per second that nobody says.
const PACE: f32 = 9.0;

/// The words to keep: all, or those before the second round of a loop and those after its last.
#[must_use]
pub fn without_loops(words: &[&str]) -> Vec<Range<usize>> {
    let plain: Vec<String> = words.iter().map(|word| normal(word)).collect();
    let mut keep: Vec<Range<usize>> = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < plain.len() {
        match loop_at(plain.get(at..).unwrap_or_default()) {
            Some((phrase, rounds)) => {
                keep.push(start..at + phrase);
                at += phrase * rounds;
                start = at;
            }
            None => at += 1,
        }
    }
    keep.push(start..plain.len());
    keep.retain(|range| !range.is_empty());
    keep
}

/// Length and rounds of a loop that starts with the first word.
fn loop_at(words: &[String]) -> Option<(usize, usize)> {
    (1..=PHRASE).find_map(|phrase| {
        let first = words.get(..phrase)?;
        let rounds = words.chunks_exact(phrase).take_while(|chunk| *chunk == first).count();
        let enough = if phrase == 1 { WORD_LOOP } else { PHRASE_LOOP };
        (rounds >= enough).then_some((phrase, rounds))
    })
}

fn normal(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What is known of a segment before it is believed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Words in it.
    pub words: usize,
    /// Its length.
    pub seconds: f32,
    /// Share of its frames that are loud enough for speech.
    pub voiced: f32,
    /// The model's own probability that nobody speaks.
    pub no_speech: f32,
    /// Mean log probability of its tokens.
    pub mean_log_p: f32,
}

/// Whether a segment is believed.
#[must_use]
pub fn believable(evidence: &Evidence) -> bool {
    let silent = evidence.voiced < 0.05;
    let doubtful = evidence.no_speech > 0.6 && evidence.mean_log_p < -1.0;
    let hurried = evidence.words > 3 && evidence.words as f32 > PACE * evidence.seconds;
    !(silent || doubtful || hurried)
}

/// Remembers the last segments of a transcript.
#[derive(Debug, Default)]
pub struct Repeats {
    last: String,
    times: usize,
}

impl Repeats {
    /// Whether a segment with this text is one too many of the same. One-word answers may repeat.
    pub fn too_many(&mut self, text: &str) -> bool {
        let text = text.split_whitespace().map(normal).collect::<Vec<_>>().join(" ");
        if text == self.last {
            self.times += 1;
        } else {
            self.last = text;
            self.times = 1;
        }
        self.times > SAME_SEGMENTS && self.last.split(' ').count() > 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> String {
        let words: Vec<&str> = text.split_whitespace().collect();
        without_loops(&words).into_iter().flat_map(|range| words[range].to_vec()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_people_really_repeat_is_kept() {
        for text in [
            "no no no no",
            "camera one camera two camera one",
            "take one take one take one",
            "zero zero zero zero zero",
        ] {
            assert_eq!(kept(text), text);
        }
    }

    #[test]
    fn a_loop_is_heard_once() {
        assert_eq!(
            kept("so I said thank you thank you Thank you, thank you. thank you and left"),
            "so I said thank you and left"
        );
        assert_eq!(kept(&"oh ".repeat(20)), "oh");
    }

    #[test]
    fn segments_over_silence_or_too_fast_are_not_believed() {
        let good = Evidence { words: 6, seconds: 2.0, voiced: 0.7, no_speech: 0.1, mean_log_p: -0.3 };
        assert!(believable(&good));
        assert!(!believable(&Evidence { voiced: 0.01, ..good }));
        assert!(!believable(&Evidence { no_speech: 0.9, mean_log_p: -1.5, ..good }));
        assert!(believable(&Evidence { no_speech: 0.9, ..good }));
        assert!(!believable(&Evidence { words: 40, ..good }));
    }

    #[test]
    fn the_third_identical_sentence_in_a_row_is_withheld() {
        let mut repeats = Repeats::default();
        let got: Vec<bool> = (0..4).map(|_| repeats.too_many("Thanks for watching everybody.")).collect();
        assert_eq!(got, [false, false, true, true]);
        assert!(!repeats.too_many("something else"));
        assert!(!(0..9).any(|_| repeats.too_many("yes")));
    }
}
