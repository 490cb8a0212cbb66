//! What the packets of a stream tell: key-frame distances, closed groups, steady rate, a cut-off end. Pure.
//!
//! Invariants: any text is accepted, lines that are not packets are skipped; times are microseconds.

use crate::rate;

/// One packet as ffprobe prints it with `packet=pts_time,dts_time,duration_time,flags`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) pts: i64,
    pub(crate) duration: i64,
    pub(crate) key: bool,
    /// Decoded but not shown (before an edit list's start).
    pub(crate) discarded: bool,
}

/// Reads lines of `csv=p=0`.
pub(crate) fn parse(text: &str) -> Vec<Packet> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(',');
            let (pts, dts, duration, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
            Some(Packet {
                pts: micros(pts).or_else(|| micros(dts))?,
                duration: micros(duration).unwrap_or(0),
                key: flags.contains('K'),
                discarded: flags.contains('D'),
            })
        })
        .collect()
}

/// `12.345678` seconds as microseconds; also used for the times of streams and formats.
pub(crate) fn micros(text: &str) -> Option<i64> {
    let seconds: f64 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
    (seconds.abs() < 1e9).then(|| (seconds * 1e6).round() as i64)
}

/// What one uninterrupted run of packets shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Findings {
    /// Starts at a key frame, and no picture before a key frame (in time) comes after it (in the file).
    pub(crate) closed: bool,
    pub(crate) max_gop_us: i64,
    pub(crate) any_discarded: bool,
    pub(crate) first_us: i64,
    pub(crate) end_us: i64,
}

pub(crate) fn findings(packets: &[Packet]) -> Option<Findings> {
    let first = packets.first()?;
    let first_us = packets.iter().map(|packet| packet.pts).min()?;
    let end_us = packets.iter().map(|packet| packet.pts.saturating_add(packet.duration.max(0))).max()?;
    let mut closed = first.key;
    let mut max_gop_us = 0;
    let mut key = first.pts;
    for packet in packets {
        if packet.key {
            max_gop_us = max_gop_us.max(packet.pts - key);
            key = packet.pts;
        } else if packet.pts < key {
            closed = false;
        }
    }
    max_gop_us = max_gop_us.max(end_us - key);
    let any_discarded = packets.iter().any(|packet| packet.discarded);
    Some(Findings { closed, max_gop_us, any_discarded, first_us, end_us })
}

/// Whether every picture lies within half a frame of the grid of `rate` that begins at the first one. Then, and only
/// then, is "picture n" the same as "time n / rate", on which every comment rests.
pub(crate) fn on_grid(packets: &[Packet], frame_rate: (u32, u32)) -> bool {
    let mut times: Vec<i64> = packets.iter().map(|packet| packet.pts).collect();
    times.sort_unstable();
    let Some(first) = times.first().copied() else { return false };
    let frame = 1e6 / rate::per_second(frame_rate);
    #[expect(clippy::cast_precision_loss, reason = "microseconds of media fit a double exactly")]
    times.iter().enumerate().all(|(n, pts)| ((pts - first) as f64 - n as f64 * frame).abs() < frame * 0.5)
}

/// The mean rate, from first to last picture.
pub(crate) fn mean_rate(packets: &[Packet]) -> Option<(u32, u32)> {
    let first = packets.iter().map(|packet| packet.pts).min()?;
    let last = packets.iter().map(|packet| packet.pts).max()?;
    let span = u64::try_from(last - first).ok().filter(|span| *span > 0)?;
    rate::snap((packets.len() as u64 - 1).saturating_mul(1_000_000), span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(pattern: &[(i64, bool)]) -> Vec<Packet> {
        pattern
            .iter()
            .map(|(frame, key)| Packet { pts: frame * 40_000, duration: 40_000, key: *key, discarded: false })
            .collect()
    }

    #[test]
    fn lines_of_the_tool_become_packets_and_others_are_skipped() {
        let text = "0.000000,-0.080000,0.040000,K__\nN/A,0.040000,N/A,_D_\n\ngarbage\n1e400,x,y,K\n";
        let read = parse(text);
        assert_eq!(read.len(), 2);
        assert_eq!(read[1], Packet { pts: 40_000, duration: 0, key: false, discarded: true });
    }

    #[test]
    fn leading_pictures_mean_an_open_group() {
        let closed = packets(&[(0, true), (2, false), (1, false), (3, true), (5, false), (4, false)]);
        assert!(findings(&closed).unwrap().closed);
        assert_eq!(findings(&closed).unwrap().max_gop_us, 120_000);
        let open = packets(&[(0, true), (1, false), (4, true), (3, false), (2, false)]);
        assert!(!findings(&open).unwrap().closed);
        assert!(!findings(&packets(&[(0, false), (1, true)])).unwrap().closed);
        assert_eq!(findings(&[]), None);
    }

    #[test]
    fn a_missing_picture_means_a_varying_rate() {
        assert!(on_grid(&packets(&[(0, true), (2, false), (1, false), (3, false)]), (25, 1)));
        assert!(!on_grid(&packets(&[(0, true), (1, false), (3, false), (4, false)]), (25, 1)));
        assert_eq!(mean_rate(&packets(&[(0, true), (1, false), (2, false)])), Some((25, 1)));
    }
}
