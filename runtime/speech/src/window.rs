//! Windows for the decoder, packed from regions.
//!
//! The decoder always pays for 30 s, so regions are put together until `fill` frames are full ([`WINDOW`] for models whose
//! encoder is what costs), with at most a second of the silence between them. What was left out makes window time differ from sound time: [`Window::to_source`] maps back, piece by
//! piece. A region longer than a window is cut at its quietest moment.
//!
//! Invariants: windows are in order, none longer than [`WINDOW`] frames; every frame of every region is in exactly one
//! window; pieces do not overlap. Pure.

use std::ops::Range;

use crate::activity::Region;

/// Frames of a window at most (28 s).
pub const WINDOW: usize = 2800;
/// A cut is looked for from here on (14 s).
const CUT_FROM: usize = 1400;
/// Silence kept between two regions (1 s).
const GAP: usize = 100;

/// What is decoded at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Stretches of the sound, in frames, in order.
    pub pieces: Vec<Range<usize>>,
}

impl Window {
    /// Frames in all.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.pieces.iter().map(ExactSizeIterator::len).sum()
    }

    /// The frame of the sound that a frame of the window is. The end of the window is the end of its last piece.
    #[must_use]
    pub fn to_source(&self, frame: usize) -> usize {
        let mut before = 0;
        for piece in &self.pieces {
            if frame < before + piece.len() {
                return piece.start + frame - before;
            }
            before += piece.len();
        }
        self.pieces.last().map_or(0, |piece| piece.end)
    }

    /// The end in the sound of a stretch that ends before `frame` of the window: unlike a start, it belongs to the piece
    /// before a seam.
    #[must_use]
    pub fn to_source_end(&self, frame: usize) -> usize {
        if frame == 0 { self.to_source(0) } else { (self.to_source(frame - 1) + 1).min(self.end()) }
    }

    /// The end of the last piece.
    #[must_use]
    pub fn end(&self) -> usize {
        self.pieces.last().map_or(0, |piece| piece.end)
    }
}

/// Packs regions into windows. Regions share a window up to `fill` frames; a longer one has its own.
#[must_use]
pub fn windows(regions: &[Region], envelope: &[f32], fill: usize) -> Vec<Window> {
    let mut out: Vec<Window> = Vec::new();
    let mut pieces: Vec<Range<usize>> = Vec::new();
    for region in regions.iter().flat_map(|region| cut(region.clone(), envelope)) {
        let frames: usize = pieces.iter().map(ExactSizeIterator::len).sum();
        let silence = pieces.last().map_or(0, |last| region.start - last.end);
        let kept = silence.min(GAP);
        if !pieces.is_empty() && frames + kept + region.len() > fill.min(WINDOW) {
            out.push(Window { pieces: std::mem::take(&mut pieces) });
        }
        match pieces.last_mut() {
            Some(last) if silence <= GAP => last.end = region.end,
            Some(last) => {
                // Half of the kept silence on each side of the seam.
                last.end += kept / 2;
                pieces.push(region.start - (kept - kept / 2)..region.end);
            }
            None => pieces.push(region.clone()),
        }
    }
    if !pieces.is_empty() {
        out.push(Window { pieces });
    }
    out
}

/// A region in parts that fit a window, cut where it is quietest for 200 ms.
fn cut(region: Region, envelope: &[f32]) -> Vec<Region> {
    const RUN: usize = 20;
    let mut parts = Vec::new();
    let mut rest = region;
    while rest.len() > WINDOW {
        let search = rest.start + CUT_FROM..rest.start + WINDOW - RUN;
        let quietest = search.min_by(|a, b| loudness(envelope, *a, RUN).total_cmp(&loudness(envelope, *b, RUN)));
        let at = quietest.unwrap_or(rest.start + CUT_FROM) + RUN / 2;
        parts.push(rest.start..at);
        rest.start = at;
    }
    parts.push(rest);
    parts
}

fn loudness(envelope: &[f32], at: usize, run: usize) -> f32 {
    envelope.get(at..at + run).map_or(0.0, |frames| frames.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn regions_share_a_window_and_long_silence_is_left_out() {
        let got = windows(&[100..300, 350..600, 2000..2500], &[0.0; 3000], WINDOW);
        assert_eq!(got, vec![Window { pieces: vec![100..650, 1950..2500] }]);
        let window = &got[0];
        assert_eq!((window.to_source(0), window.to_source(549), window.to_source(550)), (100, 649, 1950));
        assert_eq!((window.to_source_end(550), window.to_source_end(551)), (650, 1951));
        assert_eq!((window.to_source(window.frames()), window.to_source_end(window.frames())), (2500, 2500));
    }

    #[test]
    fn without_room_to_share_each_region_has_its_own_window() {
        let got = windows(&[100..300, 350..600], &[0.0; 700], 0);
        assert_eq!(got, [100..300, 350..600].map(|piece| Window { pieces: Vec::from_iter([piece]) }));
    }

    #[test]
    fn a_long_region_is_cut_where_it_is_quiet() {
        let mut envelope = vec![-20.0; 5000];
        envelope[2000..2030].fill(-50.0);
        let region = 0..4000;
        let got = windows(std::slice::from_ref(&region), &envelope, WINDOW);
        assert_eq!(got.len(), 2);
        assert!((2000..2030).contains(&got[0].end()), "{got:?}");
        assert_eq!(got[1].pieces[0].start, got[0].end());
    }

    proptest! {
        #[test]
        fn every_speech_frame_is_in_exactly_one_window(
            lengths in prop::collection::vec((1usize..6000, 1usize..900), 0..12),
            fill in 0usize..4000,
        ) {
            let mut at = 0;
            let regions: Vec<Region> = lengths.iter().map(|(length, gap)| {
                let start = at + gap;
                at = start + length;
                start..at
            }).collect();
            let envelope = vec![-20.0; at];
            let mut seen = vec![0u8; at];
            for window in windows(&regions, &envelope, fill) {
                prop_assert!(window.frames() <= WINDOW && window.frames() > 0);
                for frame in window.pieces.iter().cloned().flatten() {
                    seen[frame] += 1;
                }
            }
            prop_assert!(seen.iter().all(|count| *count <= 1));
            prop_assert!(regions.iter().cloned().flatten().all(|frame| seen[frame] == 1));
        }
    }
}
