//! Scrub pictures: how many, how far apart, and the WebVTT that names the cell for each time. Pure.
//!
//! Invariants: ten by ten cells to a sheet, every cell the same size, the last cue ends with the media.

use std::fmt::Write as _;

use crate::facts::VideoFacts;

const ACROSS: u64 = 10;
const PER_SHEET: u64 = 100;

/// The grid of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) step_ms: u64,
    pub(crate) cells: u64,
    pub(crate) width: u32,
    pub(crate) height: u32,
    duration_ms: u64,
}

impl Grid {
    /// Steps of a second, or longer so that 400 cells suffice; cells fit into 160 × 90.
    pub(crate) fn new(video: &VideoFacts, duration_ms: u64) -> Self {
        let duration_ms = duration_ms.max(1);
        let step_ms = duration_ms.div_ceil(400).max(1000);
        let (width, height) = (f64::from(video.width.max(1)), f64::from(video.height.max(1)));
        let factor = (160.0 / width).min(90.0 / height);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "2 to 160")]
        let even = |value: f64| ((value / 2.0).round() as u32 * 2).max(2);
        let cells = duration_ms.div_ceil(step_ms);
        Self { step_ms, cells, width: even(width * factor), height: even(height * factor), duration_ms }
    }

    pub(crate) fn sheets(&self) -> u64 {
        self.cells.div_ceil(PER_SHEET)
    }

    /// The cues, with names relative to the file itself.
    pub(crate) fn vtt(&self) -> String {
        let mut text = String::from("WEBVTT\n");
        for cell in 0..self.cells {
            let (start, end) = (cell * self.step_ms, ((cell + 1) * self.step_ms).min(self.duration_ms));
            let (sheet, place) = (cell / PER_SHEET, cell % PER_SHEET);
            let (x, y) = (place % ACROSS * u64::from(self.width), place / ACROSS * u64::from(self.height));
            let _ = write!(
                text,
                "\n{} --> {}\nsprites_{sheet:03}.jpg#xywh={x},{y},{},{}\n",
                clock(start),
                clock(end),
                self.width,
                self.height
            );
        }
        text
    }
}

fn clock(ms: u64) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}
