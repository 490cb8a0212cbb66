//! Where in a stretch of sound each of its words is.
//!
//! The decoder's own word times are rough (a third of a second off in the middle), its order and its segment ends are good.
//! So words are laid over the loudness of their segment anew: a semi-Markov path in which each word is about as long as its
//! letters suggest, loud frames belong to words, quiet ones to the pauses between them, and borders prefer dips.
//! The decoder's times only break ties. Invariants: as many ranges as words, in order, apart, not empty, inside the sound
//! whenever it has at least two frames per word. Pure.

use std::ops::Range;

/// A word to be placed.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Expected share of the sound, in any unit.
    pub weight: f32,
    /// Where the decoder thinks it starts, in frames.
    pub hint: Option<usize>,
}

/// Sound to lay words over, one value per 10 ms.
#[derive(Clone, Copy, Debug)]
pub struct Sound<'a> {
    /// Loudness in dB.
    pub envelope: &'a [f32],
    /// How much the frame counts as speech, 0 to 1. As long as `envelope`.
    pub voiced: &'a [f32],
}

/// Cost of a quiet frame in a word, of a loud frame in a pause, of a border at full loudness, of a start 100 ms off the hint.
const QUIET_IN_WORD: f32 = 0.05;
const LOUD_IN_PAUSE: f32 = 0.3;
const BORDER: f32 = 1.0;
const OFF_HINT: f32 = 0.05;
/// A word is no longer than this (2 s).
const LONGEST: usize = 200;
/// A word is no shorter than this (60 ms) if there is room.
const SHORTEST: usize = 6;

/// The frames of each word.
#[must_use]
pub fn align(words: &[Placed], sound: Sound<'_>) -> Vec<Range<usize>> {
    let frames = sound.envelope.len().min(sound.voiced.len());
    let shortest = SHORTEST.min(frames / words.len().max(1));
    if words.is_empty() || shortest == 0 {
        // Fewer frames than words: every word is the whole stretch.
        return words.iter().map(|_| 0..frames).collect();
    }
    let placed = Path::over(words, sound, frames, shortest).and_then(|path| path.ranges());
    let mut ranges = placed.unwrap_or_else(|| spread(words, frames));
    tighten(&mut ranges, sound.voiced, shortest);
    ranges
}

/// Words one after another, each as long as its weight: what is left when no path fits.
fn spread(words: &[Placed], frames: usize) -> Vec<Range<usize>> {
    let total: f32 = words.iter().map(|word| word.weight).sum::<f32>().max(f32::MIN_POSITIVE);
    let slack = (frames - words.len()) as f32;
    let (mut sum, mut start) = (0.0, 0);
    let range = |(i, word): (usize, &Placed)| {
        sum += word.weight;
        // One frame for each word, the rest by weight: never empty, never past the end.
        let end = (i + 1 + (slack * (sum / total).min(1.0)) as usize).min(frames);
        let range = start..end;
        start = end;
        range
    };
    words.iter().enumerate().map(range).collect()
}

/// Takes quiet frames off both ends of each word.
fn tighten(ranges: &mut [Range<usize>], voiced: &[f32], shortest: usize) {
    let quiet = |frame: usize| voiced.get(frame).is_some_and(|v| *v < 0.4);
    for range in ranges {
        while range.len() > shortest && quiet(range.start) {
            range.start += 1;
        }
        while range.len() > shortest && quiet(range.end - 1) {
            range.end -= 1;
        }
    }
}

/// The cheapest way to each border, for every word. Row `w` holds, per frame, the cost of having placed the words before
/// `w` and being in the pause before it, and where the word before `w` then ended and how long it was.
struct Path {
    frames: usize,
    rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Copy)]
struct Cell {
    cost: f32,
    /// End of the word before.
    end: u32,
    /// Length of the word before.
    length: u32,
}

const NOWHERE: Cell = Cell { cost: f32::INFINITY, end: 0, length: 0 };

impl Path {
    fn over(words: &[Placed], sound: Sound<'_>, frames: usize, shortest: usize) -> Option<Self> {
        let voiced: Vec<f32> = std::iter::once(0.0)
            .chain(sound.voiced.iter().scan(0.0, |sum, v| {
                *sum += v;
                Some(*sum)
            }))
            .collect();
        let level = levels(sound.envelope.get(..frames)?);
        let mass =
            |from: usize, to: usize| voiced.get(to).copied().unwrap_or(0.0) - voiced.get(from).copied().unwrap_or(0.0);
        let border = |frame: usize| BORDER * level.get(frame).copied().unwrap_or(0.0);
        let total: f32 = words.iter().map(|word| word.weight).sum::<f32>().max(f32::MIN_POSITIVE);
        let spoken = mass(0, frames).max((words.len() * SHORTEST) as f32);

        // Before the first word there is only a pause.
        let first = (0..=frames).map(|frame| Cell { cost: LOUD_IN_PAUSE * mass(0, frame), ..NOWHERE }).collect();
        let mut rows: Vec<Vec<Cell>> = vec![first];
        for word in words {
            let expected = spoken * word.weight / total;
            let spread = 0.35 * expected + 3.0;
            let longest = (3.0 * expected + 30.0).min(LONGEST as f32) as usize;
            let before = rows.last()?;
            let mut row = vec![NOWHERE; frames + 1];
            for end in shortest..=frames {
                let mut best = NOWHERE;
                for length in shortest..=longest.min(end) {
                    let start = end - length;
                    let from = before.get(start)?.cost;
                    if from >= best.cost {
                        continue;
                    }
                    let loud = mass(start, end);
                    let quiet = length as f32 - loud;
                    let off = (loud + 0.5 * quiet - expected) / spread;
                    let hint = word.hint.map_or(0.0, |hint| OFF_HINT * (hint.abs_diff(start) as f32 / 10.0).min(10.0));
                    let cost = from + off * off + QUIET_IN_WORD * quiet + border(start) + hint;
                    if cost < best.cost {
                        best = Cell { cost, end: end as u32, length: length as u32 };
                    }
                }
                best.cost += border(end);
                // Either the word ends here, or the pause after it goes on.
                let going = *row.get(end - 1)?;
                let going = Cell { cost: going.cost + LOUD_IN_PAUSE * mass(end - 1, end), ..going };
                *row.get_mut(end)? = if best.cost <= going.cost { best } else { going };
            }
            rows.push(row);
        }
        Some(Self { frames, rows })
    }

    fn ranges(&self) -> Option<Vec<Range<usize>>> {
        let mut at = self.frames;
        let mut out = Vec::with_capacity(self.rows.len());
        for row in self.rows.iter().skip(1).rev() {
            let cell = row.get(at).filter(|cell| cell.cost.is_finite())?;
            let end = cell.end as usize;
            at = end - cell.length as usize;
            out.push(at..end);
        }
        out.reverse();
        Some(out)
    }
}

/// Loudness smoothed over 30 ms and scaled to 0 to 1 between the quiet and the loud of the stretch.
fn levels(envelope: &[f32]) -> Vec<f32> {
    let smooth: Vec<f32> = (0..envelope.len())
        .map(|i| {
            let near = envelope.get(i.saturating_sub(1)..(i + 2).min(envelope.len())).unwrap_or_default();
            near.iter().sum::<f32>() / near.len().max(1) as f32
        })
        .collect();
    let mut sorted = smooth.clone();
    sorted.sort_by(f32::total_cmp);
    let at =
        |share: f32| sorted.get((share * (sorted.len().saturating_sub(1)) as f32) as usize).copied().unwrap_or(0.0);
    let (low, high) = (at(0.05), at(0.95));
    let span = (high - low).max(6.0);
    smooth.iter().map(|db| ((db - low) / span).clamp(0.0, 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Lays `words` over loud stretches in quiet.
    fn place(weights: &[f32], loud: &[Range<usize>], frames: usize) -> Vec<Range<usize>> {
        let mut envelope = vec![-70.0; frames];
        let mut voiced = vec![0.0; frames];
        for frame in loud.iter().cloned().flatten() {
            envelope[frame] = -20.0;
            voiced[frame] = 1.0;
        }
        let words: Vec<Placed> = weights.iter().map(|weight| Placed { weight: *weight, hint: None }).collect();
        align(&words, Sound { envelope: &envelope, voiced: &voiced })
    }

    #[test]
    fn words_with_pauses_between_them_lie_on_the_sound() {
        let loud = [20..50, 70..130, 160..200];
        assert_eq!(place(&[3.0, 6.0, 4.0], &loud, 240), loud);
    }

    #[test]
    fn two_words_in_one_breath_share_it_by_their_letters() {
        let got = place(&[2.0, 6.0, 4.0], &[10..90, 120..160], 200);
        assert_eq!((got[0].start, got[1].end, got[2].clone()), (10, 90, 120..160));
        assert!((26..36).contains(&got[0].end), "{got:?}");
    }

    #[test]
    fn a_short_silence_within_a_word_does_not_cut_it() {
        let got = place(&[5.0, 5.0], &[10..25, 32..50, 80..115], 140);
        assert_eq!(got, [10..50, 80..115]);
    }

    #[test]
    fn more_words_than_frames_does_not_fail() {
        assert_eq!(place(&[1.0; 5], &[0..1, 2..3], 3).len(), 5);
        assert_eq!(place(&[], &[0..1, 2..3], 3), Vec::<Range<usize>>::new());
        assert_eq!(place(&[1.0], &[], 0), vec![0..0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn words_are_in_order_apart_and_inside(
            weights in prop::collection::vec(0.0f32..20.0, 1..12),
            sound in prop::collection::vec((-90.0f32..0.0, 0.0f32..1.0), 12..300),
        ) {
            let (envelope, voiced): (Vec<f32>, Vec<f32>) = sound.iter().copied().unzip();
            let words: Vec<Placed> = weights.iter().map(|weight| Placed { weight: *weight, hint: Some(7) }).collect();
            prop_assume!(words.len() * 2 <= envelope.len());
            let got = align(&words, Sound { envelope: &envelope, voiced: &voiced });
            prop_assert_eq!(got.len(), words.len());
            let mut last = 0;
            for range in got {
                prop_assert!(range.start >= last && range.start < range.end && range.end <= envelope.len());
                last = range.end;
            }
        }
    }
}
