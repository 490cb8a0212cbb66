//! Seconds matter: the copied rung plays while the ladder is still being made, and what plays goes on playing.

use crate::edge::first_segment;
use crate::setup::{alone, clips, folder, real};
use serde_json::Value;
use std::time::Duration;
use tests_kit::client::text;
use tests_kit::{Appliance, upload};

fn renditions(asset: &Value) -> Vec<&str> {
    let all = asset["preview"]["renditions"].as_array().into_iter().flatten();
    all.filter_map(|rendition| rendition["name"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_copied_rung_plays_before_the_low_one_is_made() {
    let _alone = alone().await;
    let Some(real) = real() else { return };
    let place = folder();
    let appliance = Appliance::start(&real.executable(), &place.path().join("root"), None).await.unwrap();
    let client = appliance.admin(&tests_kit::random_word().unwrap()).await.unwrap();
    let project = client.project("Rushes").await.unwrap();
    let clip = clips().join("scene-02-camera-one.mp4");
    let asset = upload::asset_of(&client, &project, &clip).await.unwrap();

    let limit = Duration::from_secs(240);
    let early = client.asset_until(&asset, limit, |a| !a["preview"].is_null()).await.unwrap();
    assert_eq!(early["state"], "playable", "{early}");
    assert_eq!(renditions(&early), ["copy", "a128"], "{early}");
    let ladder = early["steps"].as_array().unwrap().iter().find(|step| step["name"] == "ladder").unwrap();
    assert!(["waiting", "running"].contains(&ladder["state"].as_str().unwrap()), "{ladder}");
    let segment = first_segment(&client, &text(&early["preview"], "hls").unwrap()).await;
    let before = client.bytes(&segment).await.unwrap();

    let late = client.asset_until(&asset, limit, |a| a["state"] == "ready").await.unwrap();
    let names = renditions(&late);
    assert!(["copy", "v540", "v360", "a128"].iter().all(|name| names.contains(name)), "{late}");
    assert_ne!(early["preview"]["generation"], late["preview"]["generation"]);
    // Whoever began on the first generation goes on with it.
    assert_eq!(client.bytes(&segment).await.unwrap(), before);
    appliance.stop().unwrap();
}
