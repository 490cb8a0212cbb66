//! The whole way: a signed bundle on a medium, installed, started; a person in a browser; a picture that moves, words.

use crate::refusals::bad_files;
use crate::setup::{alone, clips, folder, real};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tests_kit::parts::{Part, need};
use tests_kit::{Appliance, process};

#[tokio::test(flavor = "multi_thread")]
async fn from_a_signed_bundle_to_a_moving_picture_and_words_in_the_browser() {
    let Some([node, chromium, playwright]) = need([Part::Node, Part::Chromium, Part::Playwright]) else { return };
    let _alone = alone().await;
    let Some(real) = real() else { return };
    let place = folder();
    let root = place.path().join("root");
    // The very slot that the installer wrote: the medium again, into a root of its own.
    real.medium.apply(&real.keys, &root).unwrap().ok().unwrap();
    let appliance = Appliance::start_installed(&root, None).await.unwrap();
    let first = appliance.first_start().expect("a first start tells the one-time password");

    let bad = bad_files(place.path());
    let config = json!({
        "playwright": playwright,
        "chromium": chromium,
        "base": appliance.base(),
        "username": first.user,
        "oneTimePassword": first.one_time_password,
        "password": tests_kit::random_word().unwrap(),
        "project": "Evening news",
        "good": spoken_clip(),
        "bad": bad.iter().map(|bad| bad.path.clone()).collect::<Vec<_>>(),
        "spoken": true,
        "shots": std::env::var("STRONGROOM_SHOTS").ok(),
    });
    let path = place.path().join("journey.json");
    std::fs::write(&path, config.to_string()).unwrap();
    let mut command = Command::new(node);
    command.arg(tests_kit::checkout().join("tests/e2e/browser/journey.mjs")).arg(&path);
    let said = process::run(&mut command, Duration::from_secs(600)).unwrap();
    assert_eq!(said.code, Some(0), "{}\n{}\nthe appliance said:\n{}", said.stdout, said.stderr, appliance.text());
    let seen: Value = serde_json::from_str(said.stdout.trim()).unwrap();

    for bad in &bad {
        let told = seen["refused"][bad.name()].as_str().unwrap_or_default();
        assert!(told.split_whitespace().count() >= 4, "no plain sentence for `{}`: {told:?}", bad.name());
    }
    assert_eq!(seen["cards"], 1, "what was refused became an asset: {seen}");
    let video = &seen["video"];
    assert!(video["currentTime"].as_f64().unwrap() > 1.0, "it does not play: {seen}");
    assert!(video["readyState"].as_u64().unwrap() >= 2 && video["width"].as_u64().unwrap() > 0, "no frame: {seen}");
    assert!(video["colours"].as_u64().unwrap() > 8, "the picture has one colour: {seen}");
    let words: Vec<&str> = seen["segments"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(words.iter().any(|text| text.chars().any(char::is_alphabetic)), "no words: {seen}");
    assert_eq!(seen["outside"], json!([]), "the browser was sent elsewhere");
    assert_eq!(seen["errors"], json!([]), "the browser app failed");
    eprintln!("playable after {} ms; words: {words:?}", seen["playableAfterMs"]);
    appliance.stop().unwrap();
}

/// The sample clip with a voice and a picture: the first video whose name says so, else the first.
fn spoken_clip() -> PathBuf {
    let mut videos: Vec<PathBuf> = tests_kit::bundle::files_below(clips())
        .unwrap()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "mp4" || end == "mov"))
        .collect();
    videos.sort();
    let spoken = videos.iter().find(|path| {
        let name = path.file_name().unwrap().to_string_lossy().to_lowercase();
        ["spe", "spoken", "voice", "talk", "count"].iter().any(|word| name.contains(word))
    });
    spoken.or(videos.first()).expect("a sample clip").clone()
}
