//! Frame rates as exact fractions.
//!
//! Invariants: a rate is positive and reduced; within 0.1 % of a standard rate it is that rate.

/// Rates that cameras and editors use. 29.97 and 30 lie 0.1 % apart, so the nearest one wins.
const STANDARD: &[(u32, u32)] = &[
    (10, 1),
    (12_000, 1001),
    (12, 1),
    (15_000, 1001),
    (15, 1),
    (20, 1),
    (24_000, 1001),
    (24, 1),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (48_000, 1001),
    (48, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
    (100, 1),
    (120_000, 1001),
    (120, 1),
    (240, 1),
];

/// The standard rate within 0.1 %, or the fraction reduced. `None` for zero, nonsense, or more than 1000 per second.
pub(crate) fn snap(num: u64, den: u64) -> Option<(u32, u32)> {
    if num == 0 || den == 0 || num > den.saturating_mul(1000) {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "only compared to 0.1 %")]
    let value = num as f64 / den as f64;
    let near = STANDARD
        .iter()
        .map(|rate| (*rate, (value / per_second(*rate) - 1.0).abs()))
        .filter(|(_, off)| *off < 0.001)
        .min_by(|left, right| left.1.total_cmp(&right.1));
    if let Some((rate, _)) = near {
        return Some(rate);
    }
    let divisor = gcd(num, den);
    match (u32::try_from(num / divisor), u32::try_from(den / divisor)) {
        (Ok(num), Ok(den)) => Some((num, den)),
        // Beyond 32 bits: a thousandth of a frame per second is as exact as such a file can mean.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 < value <= 1000")]
        _ => Some((((value * 1000.0).round() as u32).max(1), 1000)),
    }
}

/// ffprobe's `30000/1001`.
pub(crate) fn parse(text: &str) -> Option<(u64, u64)> {
    let (num, den) = text.split_once('/')?;
    Some((num.parse().ok()?, den.parse().ok()?)).filter(|(num, den)| *num > 0 && *den > 0)
}

/// As a decimal.
pub(crate) fn per_second((num, den): (u32, u32)) -> f64 {
    f64::from(num) / f64::from(den.max(1))
}

/// Frames in a group of two seconds, at the exact rate.
pub(crate) fn gop_frames((num, den): (u32, u32)) -> u32 {
    let (num, den) = (u64::from(num), u64::from(den.max(1)));
    u32::try_from((2 * num + den / 2) / den).unwrap_or(u32::MAX).max(1)
}

/// Microseconds of two such groups, rounded down: the length of a segment. Rounding down keeps the cut on the key frame
/// that lies at or after it, for any number of segments.
pub(crate) fn segment_us(rate: (u32, u32)) -> u64 {
    2 * u64::from(gop_frames(rate)) * u64::from(rate.1) * 1_000_000 / u64::from(rate.0.max(1))
}

fn gcd(left: u64, right: u64) -> u64 {
    if right == 0 { left } else { gcd(right, left % right) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_snap_to_the_nearest_standard_within_a_thousandth() {
        assert_eq!(snap(2997, 125), Some((24_000, 1001)));
        assert_eq!(snap(30, 1), Some((30, 1)));
        assert_eq!(snap(2_998, 100), Some((30_000, 1001)));
        assert_eq!(snap(19, 1), Some((19, 1)));
        assert_eq!(snap(50_000, 2_000), Some((25, 1)));
        assert_eq!((snap(0, 0), snap(90_000, 1)), (None, None));
    }

    #[test]
    fn a_segment_is_two_groups_of_two_seconds() {
        assert_eq!((gop_frames((24_000, 1001)), segment_us((24_000, 1001))), (48, 4_004_000));
        assert_eq!((gop_frames((30, 1)), segment_us((30, 1))), (60, 4_000_000));
        assert_eq!((gop_frames((60_000, 1001)), segment_us((60_000, 1001))), (120, 4_004_000));
        assert_eq!(gop_frames((1, 10)), 1);
    }
}
