//! Peaks of the sound for the waveform lane, from 8 kHz mono samples as they come.
//!
//! The document is audiowaveform's JSON (version 2, 8 bits, minimum and maximum in turn), which common players read.
//! Invariants: memory is bounded for any length: beyond 32 768 pixels two become one and the scale doubles.

use serde::Serialize;

const RATE: u32 = 8000;
const FINEST: u32 = 256;
const MOST_PIXELS: usize = 32_768;

/// Gathers peaks from little-endian 16-bit samples.
#[derive(Debug)]
pub(crate) struct Peaks {
    samples_per_pixel: u32,
    pixels: Vec<(i8, i8)>,
    current: Option<(i8, i8)>,
    filled: u32,
    odd: Option<u8>,
}

#[derive(Serialize)]
struct Document {
    version: u32,
    channels: u32,
    sample_rate: u32,
    samples_per_pixel: u32,
    bits: u32,
    length: usize,
    data: Vec<i8>,
}

impl Peaks {
    pub(crate) fn new() -> Self {
        Self { samples_per_pixel: FINEST, pixels: Vec::new(), current: None, filled: 0, odd: None }
    }

    /// Takes bytes in pieces of any size.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match self.odd.take() {
                None => self.odd = Some(*byte),
                // The high byte of a 16-bit sample is the sample at 8 bits.
                Some(_low) => self.sample(byte.cast_signed()),
            }
        }
    }

    fn sample(&mut self, value: i8) {
        let (low, high) = self.current.unwrap_or((value, value));
        self.current = Some((low.min(value), high.max(value)));
        self.filled += 1;
        if self.filled >= self.samples_per_pixel {
            self.close();
        }
    }

    fn close(&mut self) {
        self.filled = 0;
        self.pixels.extend(self.current.take());
        if self.pixels.len() >= MOST_PIXELS {
            self.pixels = self
                .pixels
                .chunks(2)
                .filter_map(|pair| {
                    pair.iter().copied().reduce(|left, right| (left.0.min(right.0), left.1.max(right.1)))
                })
                .collect();
            self.samples_per_pixel *= 2;
        }
    }

    /// Seconds of sound taken so far.
    pub(crate) fn seconds(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "at most 32 768 pixels")]
        let pixels = self.pixels.len() as f64;
        pixels * f64::from(self.samples_per_pixel) / f64::from(RATE)
    }

    /// The JSON document. Silence of no length is one pixel of zero, so that readers have something to draw.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, serde_json::Error> {
        if self.filled > 0 {
            self.close();
        }
        if self.pixels.is_empty() {
            self.pixels.push((0, 0));
        }
        serde_json::to_vec(&Document {
            version: 2,
            channels: 1,
            sample_rate: RATE,
            samples_per_pixel: self.samples_per_pixel,
            bits: 8,
            length: self.pixels.len(),
            data: self.pixels.iter().flat_map(|(low, high)| [*low, *high]).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_the_extremes_of_each_pixel_whatever_the_pieces() {
        let samples: Vec<u8> = (0..512_i32).flat_map(|n| ((n * 100 - 20_000) as i16).to_le_bytes()).collect();
        let mut whole = Peaks::new();
        whole.push(&samples);
        let mut pieces = Peaks::new();
        samples.chunks(7).for_each(|piece| pieces.push(piece));
        let document: serde_json::Value = serde_json::from_slice(&whole.finish().unwrap()).unwrap();
        assert_eq!(document, serde_json::from_slice::<serde_json::Value>(&pieces.finish().unwrap()).unwrap());
        assert_eq!(document["length"], 2);
        assert_eq!(document["data"], serde_json::json!([-79, 21, 21, 121]));
    }

    #[test]
    fn a_long_track_is_drawn_with_wider_pixels() {
        let mut peaks = Peaks::new();
        for _ in 0..(MOST_PIXELS as u32 + 100) {
            peaks.push(&[0; 512]);
        }
        assert_eq!(peaks.samples_per_pixel, 512);
        assert!(peaks.pixels.len() < MOST_PIXELS);
    }
}
