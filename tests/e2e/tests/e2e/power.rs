//! The appliance loses its power again and again while files arrive and previews are made. What it had taken over is
//! there afterwards, each job ended once, and nothing is half published.

use crate::setup::{alone, folder, kills, real, seed, video};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tests_kit::appliance::free_port;
use tests_kit::bundle::{Random, files_below};
use tests_kit::client::{Client, text};
use tests_kit::{Appliance, sha256_of, upload};

/// How long all work may take once the power stays on.
const SETTLED: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread")]
async fn power_cuts_lose_no_file_that_was_taken_over_and_publish_nothing_half() {
    let _alone = alone().await;
    let Some(real) = real() else { return };
    let place = folder();
    let (root, executable) = (place.path().join("root"), real.executable());
    let listen = format!("127.0.0.1:{}", free_port().unwrap());
    let appliance = Appliance::start(&executable, &root, Some(&listen)).await.unwrap();
    let client = appliance.admin(&tests_kit::random_word().unwrap()).await.unwrap();
    let project = client.project("Power").await.unwrap();
    appliance.kill();

    let mut random = Random::new(seed());
    let taken: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
    for cut in 0..kills(6) {
        let file = video(place.path(), &format!("clip-{cut}.mp4"), 3 + u32::try_from(random.below(4)).unwrap());
        let mut appliance = Appliance::spawn(&executable, &root, Some(&listen), Stdio::piped()).unwrap();
        let sender = tokio::spawn(send(client.clone(), project.clone(), file, Arc::clone(&taken)));
        tokio::time::sleep(Duration::from_millis(300 + random.below(6_000))).await;
        assert!(appliance.ended().unwrap().is_none(), "it ended by itself\n{}", appliance.text());
        appliance.kill();
        sender.abort();
    }

    let appliance = Appliance::start(&executable, &root, Some(&listen)).await.unwrap();
    let taken = taken.lock().unwrap().clone();
    eprintln!("{} files were taken over between the cuts", taken.len());
    settled(&client, &project).await;
    let assets = client.assets(&project).await.unwrap();
    for (id, digest) in &taken {
        let upload = client.get(&format!("/api/v1/uploads/{id}")).await.unwrap();
        assert_eq!(upload["state"], "promoted", "a file that was taken over is lost: {upload}");
        let asset = assets.iter().find(|asset| asset["id"] == upload["asset_id"]).expect("its asset");
        assert_eq!(asset["version"]["sha256"].as_str().unwrap(), digest);
        assert!(asset["state"] == "ready" || asset["state"] == "playable", "{asset}");
        every_file_is_served(&client, &text(&asset["preview"], "hls").unwrap()).await;
    }
    appliance.stop().unwrap();
    objects_are_whole(&root.join("var/lib/strongroom/objects"), assets.len());
}

/// Sends one file until the appliance says that it has it; after a cut the next round sends another.
async fn send(client: Client, project: String, file: std::path::PathBuf, taken: Arc<Mutex<BTreeMap<String, String>>>) {
    let digest = sha256_of(&file).unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while Instant::now() < until {
        if let Ok(id) = upload::send(&client, &project, &file).await {
            taken.lock().unwrap().insert(id, digest);
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until no job waits or runs, then: each subject has each kind of job once, and it ended well.
///
/// A job whose process was lost as often as it may be is set aside, so that a file that kills its engine cannot do so for
/// ever; a power cut looks the same. It says so, and is asked for again here, as a person would.
async fn settled(client: &Client, project: &str) {
    let until = Instant::now() + SETTLED;
    let jobs = loop {
        let jobs = client.get(&format!("/api/v1/projects/{project}/jobs")).await.unwrap();
        let jobs: Vec<Value> = jobs["items"].as_array().unwrap().clone();
        let mut open = jobs.iter().filter(|job| job["state"] == "queued" || job["state"] == "running").count();
        for lost in jobs.iter().filter(|job| job["state"] == "failed" && job["problem"]["code"] == "job.lost") {
            assert_eq!(lost["problem"]["retryable"], true, "{lost}");
            eprintln!("set aside after {} starts, asked for again: {}", lost["attempt"], lost["kind"]);
            client.post(&format!("/api/v1/jobs/{}/retry", text(lost, "id").unwrap()), &Value::Null).await.unwrap();
            open += 1;
        }
        if open == 0 {
            break jobs;
        }
        assert!(Instant::now() < until, "{open} jobs are still open: {jobs:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let mut seen = BTreeSet::new();
    for job in &jobs {
        assert_eq!(job["state"], "done", "{job}");
        assert!(seen.insert((job["kind"].to_string(), job["subject"].to_string())), "twice: {job}");
    }
}

async fn every_file_is_served(client: &Client, playlist: &str) {
    let mut open = vec![playlist.to_owned()];
    let mut served = 0;
    while let Some(path) = open.pop() {
        let bytes = client.bytes(&path).await.unwrap_or_else(|error| panic!("{path}: {error:#}"));
        assert!(!bytes.is_empty(), "{path} is empty");
        served += 1;
        if path.ends_with(".m3u8") {
            let folder = path.rsplit_once('/').unwrap().0.to_owned();
            let listed = String::from_utf8(bytes).unwrap();
            let named = listed.lines().filter_map(|line| match line.strip_prefix('#') {
                None => Some(line.to_owned()),
                Some(tag) => tag.split("URI=\"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned),
            });
            open.extend(named.filter(|name| !name.is_empty()).map(|name| format!("{folder}/{name}")));
        }
    }
    assert!(served >= 3, "{playlist} names nothing");
}

/// Read on the disk: a generation has its manifest and every file of it, a master its digest.
fn objects_are_whole(objects: &Path, assets: usize) {
    let mut generations = 0;
    for version in folders(&objects.join("previews")) {
        for generation in folders(&version) {
            let manifest: Value =
                serde_json::from_slice(&std::fs::read(generation.join("manifest.json")).unwrap()).unwrap();
            for file in manifest["files"].as_array().unwrap() {
                let path = generation.join(file["path"].as_str().unwrap());
                assert_eq!(sha256_of(&path).unwrap(), file["sha256"].as_str().unwrap(), "{}", path.display());
            }
            generations += 1;
        }
    }
    assert!(generations >= assets, "{generations} generations for {assets} assets");
    let masters: Vec<_> = files_below(&objects.join("masters")).unwrap();
    let originals: Vec<_> = masters.iter().filter(|path| path.ends_with("original")).collect();
    assert_eq!(originals.len(), assets, "{masters:?}");
    for original in originals {
        let note = std::fs::read_to_string(original.with_file_name("original.sha256")).unwrap();
        assert!(note.contains(&sha256_of(original).unwrap()), "{}", original.display());
    }
}

/// Folders with a visible name.
fn folders(below: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(below).unwrap().map(|entry| entry.unwrap());
    entries
        .filter(|entry| entry.file_type().unwrap().is_dir() && !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| entry.path())
        .collect()
}
