//! Two sides in turn, and what comes out of it.

use anyhow::Result;
use std::time::{Duration, Instant};

/// One comparison.
#[derive(Debug)]
pub(crate) struct Row {
    what: String,
    other: String,
    ours: Vec<Duration>,
    theirs: Vec<Duration>,
}

/// Runs both sides once unmeasured, then `runs` times in turn.
pub(crate) fn compare(
    what: &str,
    other: &str,
    runs: usize,
    mut ours: impl FnMut() -> Result<()>,
    mut theirs: impl FnMut() -> Result<()>,
) -> Result<Row> {
    eprintln!("{what} beside {other}");
    let mut row = Row { what: what.to_owned(), other: other.to_owned(), ours: Vec::new(), theirs: Vec::new() };
    ours()?;
    theirs()?;
    for _ in 0..runs {
        row.ours.push(timed(&mut ours)?);
        row.theirs.push(timed(&mut theirs)?);
    }
    Ok(row)
}

fn timed(act: &mut impl FnMut() -> Result<()>) -> Result<Duration> {
    let begun = Instant::now();
    act()?;
    Ok(begun.elapsed())
}

/// A Markdown table: medians of both sides, and of the ratio pair by pair with its smallest and largest value.
pub(crate) fn table(rows: &[Row], runs: usize) -> String {
    let mut text = format!(
        "| ours | beside | ours, s | other, s | ratio: median of {runs} (min to max) |\n|---|---|---|---|---|\n"
    );
    for row in rows {
        let mut ratios: Vec<f64> =
            row.ours.iter().zip(&row.theirs).map(|(ours, theirs)| ours.as_secs_f64() / theirs.as_secs_f64()).collect();
        let seconds = |times: &[Duration]| median(&mut times.iter().map(Duration::as_secs_f64).collect::<Vec<_>>());
        let (ours, theirs, ratio) = (seconds(&row.ours), seconds(&row.theirs), median(&mut ratios));
        let (least, most) = (ratios.first().copied().unwrap_or_default(), ratios.last().copied().unwrap_or_default());
        text.push_str(&format!(
            "| {} | {} | {ours:.2} | {theirs:.2} | {ratio:.2} ({least:.2} to {most:.2}) |\n",
            row.what, row.other
        ));
    }
    text
}

/// Sorts, and gives the middle (of the lower half where there are two).
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_the_sorted_values() {
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&mut [4.0, 1.0, 2.0, 3.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(&mut []).abs() < f64::EPSILON);
    }

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        let second = Duration::from_secs;
        let row = Row {
            what: "a".into(),
            other: "b".into(),
            ours: vec![second(2), second(4), second(9)],
            theirs: vec![second(1), second(2), second(3)],
        };
        assert!(table(&[row], 3).contains("| a | b | 4.00 | 2.00 | 2.00 (2.00 to 3.00) |"));
    }
}
