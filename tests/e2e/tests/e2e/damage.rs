//! A medium with one wrong bit, two hundred times: refused each time, with the place, and nothing of it in a slot.

use crate::setup::{Small, built, seed};
use std::path::Path;
use tests_kit::bundle::{Random, files_below};

const FLIPS: u64 = 200;

#[test]
fn two_hundred_flipped_bits_are_two_hundred_refusals_that_name_the_place() {
    built();
    let small = Small::cut();
    let files = small.medium.files().unwrap();
    let mut random = Random::new(seed());
    for flip in 0..FLIPS {
        // Half of them anywhere by bytes (mostly volumes), half by file (so that small ones get their share).
        let file = if flip % 2 == 0 {
            &files[random.below(files.len() as u64) as usize]
        } else {
            by_bytes(&files, &mut random)
        };
        let name = file.strip_prefix(&small.medium.folder).unwrap().display().to_string();
        let whole = std::fs::read(file).unwrap();
        let (at, bit) = (random.below(whole.len() as u64), random.below(8));
        let mut broken = whole.clone();
        broken[at as usize] ^= 1 << bit;
        replace(file, &broken);
        let root = small.path(&format!("root-{flip}"));
        let said = small.medium.apply(&small.keys, &root).unwrap();
        replace(file, &whole);

        let what = format!("bit {bit} of byte {at} of `{name}`: code {:?}\n{}", said.code, said.stderr);
        assert!(matches!(said.code, Some(20..=32 | 51)), "not refused: {what}");
        let short = file.file_name().unwrap().to_string_lossy();
        assert!(
            said.stderr.contains(&*short) || names_the_release(&short, &said.stderr),
            "the place is not named: {what}"
        );
        assert!(said.stderr.contains("remedy:"), "no remedy: {what}");
        assert!(!root.join("opt/strongroom/current").exists(), "something was switched to: {what}");
        let slots = root.join("opt/strongroom/slots");
        let written = if slots.exists() { files_below(&slots).unwrap() } else { Vec::new() };
        assert!(written.is_empty(), "a slot was written: {what}\n{written:?}");
        if root.exists() {
            std::fs::remove_dir_all(&root).unwrap();
        }
    }
    small.medium.apply(&small.keys, &small.path("root")).unwrap().ok().unwrap();
}

/// The manifest and the signature over it are one thing: what does not hold is said of either.
fn names_the_release(file: &str, said: &str) -> bool {
    (file == "release.json" || file.ends_with(".sigstore.json"))
        && (said.contains("release.json") || said.contains(".sigstore.json"))
}

fn by_bytes<'a>(files: &'a [std::path::PathBuf], random: &mut Random) -> &'a std::path::PathBuf {
    let size = |file: &Path| std::fs::metadata(file).unwrap().len();
    let mut at = random.below(files.iter().map(|file| size(file)).sum());
    files
        .iter()
        .find(|file| {
            let here = size(file);
            let found = at < here;
            at = at.saturating_sub(here);
            found
        })
        .unwrap()
}

fn replace(file: &Path, bytes: &[u8]) {
    std::fs::write(file, bytes).unwrap();
}
