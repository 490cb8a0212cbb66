//! Which stretches of sound may be speech, from loudness alone.
//!
//! The floor is what the quietest moments of the surrounding twenty seconds measure, so it follows a room or a change of
//! scene; a stretch opens well above the floor and closes a little above it (hysteresis), so that soft ends of words are
//! kept. Invariants: regions are in order, do not touch, lie within the sound, and each holds at least 80 ms of sound above
//! the opening threshold; steady noise and silence give none. Pure.

use std::ops::Range;

/// A stretch that may be speech, in frames of 10 ms.
pub type Region = Range<usize>;

/// Frames per block of the floor.
const BLOCK: usize = 100;
/// Blocks looked at to each side.
const REACH: usize = 10;
/// A silence shorter than this does not end a region.
const HANG: usize = 35;
/// A region needs this many frames above the opening threshold.
const LEAST: usize = 8;
/// Added before and after, as far as there is room.
const PAD_BEFORE: usize = 20;
const PAD_AFTER: usize = 25;
/// Below this, nothing is speech.
const QUIET_DB: f32 = -58.0;

/// Opening and closing thresholds, in dB, of one block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Above it, a region opens.
    pub open: f32,
    /// Below it for long enough, the region closes.
    pub close: f32,
}

/// The thresholds at every frame of a sound.
#[derive(Debug)]
pub struct Floor {
    blocks: Vec<Thresholds>,
}

impl Floor {
    /// Learns the floor from the loudness of a whole sound.
    #[must_use]
    pub fn of(envelope: &[f32]) -> Self {
        // Per block: the quietest 50 ms, and what nine tenths of the frames stay under.
        let extremes: Vec<(f32, f32)> = envelope.chunks(BLOCK).map(extremes).collect();
        let blocks = (0..extremes.len())
            .map(|block| {
                let near = extremes
                    .get(block.saturating_sub(REACH)..(block + REACH + 1).min(extremes.len()))
                    .unwrap_or_default();
                let mut lows: Vec<f32> = near.iter().map(|(low, _)| *low).collect();
                let mut highs: Vec<f32> = near.iter().map(|(_, high)| *high).collect();
                let floor = percentile(&mut lows, 0.2);
                let level = percentile(&mut highs, 0.9);
                let rise = (0.4 * (level - floor)).clamp(6.0, 12.0);
                Thresholds { open: (floor + rise).max(QUIET_DB), close: (floor + 0.55 * rise).max(QUIET_DB - 4.0) }
            })
            .collect();
        Self { blocks }
    }

    /// The thresholds at a frame.
    #[must_use]
    pub fn at(&self, frame: usize) -> Thresholds {
        let last = Thresholds { open: QUIET_DB, close: QUIET_DB };
        self.blocks.get(frame / BLOCK).or(self.blocks.last()).copied().unwrap_or(last)
    }

    /// How much a frame of this loudness counts as speech: 0 to 1, one half at the closing threshold.
    #[must_use]
    pub fn voiced(&self, frame: usize, db: f32) -> f32 {
        let over = (db - self.at(frame).close) / 3.0;
        1.0 / (1.0 + (-over).exp())
    }
}

fn extremes(block: &[f32]) -> (f32, f32) {
    const RUN: usize = 5;
    let low = block.windows(RUN.min(block.len())).map(mean).fold(f32::INFINITY, f32::min);
    let mut sorted = block.to_vec();
    (low, percentile(&mut sorted, 0.9))
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

/// The value that this share of the values does not exceed; silence for none.
fn percentile(values: &mut [f32], share: f32) -> f32 {
    values.sort_by(f32::total_cmp);
    let at = (share * values.len().saturating_sub(1) as f32).round() as usize;
    values.get(at).copied().unwrap_or(crate::audio::SILENCE_DB)
}

/// The stretches of a sound that may be speech.
#[must_use]
pub fn regions(envelope: &[f32], floor: &Floor) -> Vec<Region> {
    let mut raw: Vec<Region> = Vec::new();
    let mut open: Option<(usize, usize, usize)> = None; // start, last frame above closing, frames above opening
    for (frame, db) in envelope.iter().enumerate() {
        let thresholds = floor.at(frame);
        let (above_open, above_close) = (*db > thresholds.open, *db > thresholds.close);
        open = match open {
            None if above_open => Some((frame, frame, 1)),
            None => None,
            Some((start, _, count)) if above_close => Some((start, frame, count + usize::from(above_open))),
            Some((start, last, count)) if frame - last >= HANG => {
                raw.extend((count >= LEAST).then_some(start..last + 1));
                None
            }
            going => going,
        };
    }
    if let Some((start, last, count)) = open {
        raw.extend((count >= LEAST).then_some(start..last + 1));
    }
    pad(&raw, envelope.len())
}

/// Widens regions into the silence round them; two neighbours share it.
fn pad(raw: &[Region], end: usize) -> Vec<Region> {
    let mut out: Vec<Region> = Vec::with_capacity(raw.len());
    for (i, region) in raw.iter().enumerate() {
        let next = raw.get(i + 1).map_or(end, |next| region.end + (next.start - region.end) / 2);
        let before = out.last().map_or(0, |last| last.end);
        let start = region.start.saturating_sub(PAD_BEFORE).max(before);
        out.push(start..(region.end + PAD_AFTER).min(next));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn find(envelope: &[f32]) -> Vec<Region> {
        regions(envelope, &Floor::of(envelope))
    }

    /// Seconds of loudness, with the flutter of a real measurement.
    fn sound(parts: &[(f32, f32)]) -> Vec<f32> {
        let mut out = Vec::new();
        for (seconds, db) in parts {
            out.extend((0..(seconds * 100.0) as usize).map(|i| db + if i % 7 < 3 { 0.7 } else { -0.7 }));
        }
        out
    }

    #[test]
    fn silence_and_steady_noise_are_not_speech() {
        for db in [-90.0, -60.0, -40.0, -20.0] {
            assert_eq!(find(&sound(&[(20.0, db)])), vec![], "{db}");
        }
        assert_eq!(find(&[]), vec![]);
    }

    #[test]
    fn speech_between_silences_is_found_with_room_round_it() {
        let got = find(&sound(&[(2.0, -70.0), (1.0, -25.0), (2.0, -70.0), (1.5, -30.0), (2.0, -70.0)]));
        assert_eq!(got, vec![180..325, 480..675]);
    }

    #[test]
    fn a_short_pause_does_not_cut_and_a_click_is_not_speech() {
        let got = find(&sound(&[
            (2.0, -70.0),
            (1.0, -25.0),
            (0.2, -70.0),
            (1.0, -25.0),
            (2.0, -70.0),
            (0.05, -10.0),
            (2.0, -70.0),
        ]));
        assert_eq!(got.len(), 1);
    }

    #[test]
    fn the_floor_follows_a_room_that_becomes_loud() {
        let got =
            find(&sound(&[(30.0, -70.0), (1.0, -40.0), (30.0, -70.0), (30.0, -35.0), (1.0, -12.0), (30.0, -35.0)]));
        assert!(got.iter().any(|region| region.start >= 2970 && region.end <= 3140), "{got:?}");
        assert!(got.iter().any(|region| region.start >= 9070 && region.end <= 9250), "{got:?}");
    }

    proptest! {
        #[test]
        fn regions_are_in_order_apart_and_inside(envelope in prop::collection::vec(-120.0f32..0.0, 0..2000)) {
            let got = find(&envelope);
            let mut last = 0;
            for region in got {
                prop_assert!(region.start >= last && region.start < region.end && region.end <= envelope.len());
                last = region.end;
            }
        }
    }
}
