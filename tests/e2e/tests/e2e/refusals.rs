//! Files that are no media, or broken: refused with a plain sentence, while another upload goes on.

use crate::setup::{alone, folder, real, video};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tests_kit::client::is_playable;
use tests_kit::{Appliance, upload};

/// A file that must be refused.
pub(crate) struct Bad {
    pub(crate) path: PathBuf,
}

impl Bad {
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap().to_string_lossy().into_owned()
    }
}

/// A program, nothing, half a film, and a list of addresses: all named like films.
pub(crate) fn bad_files(folder: &Path) -> Vec<Bad> {
    let whole = std::fs::read(video(folder, "whole.mp4", 4)).unwrap();
    let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let files: [(&str, &[u8]); 4] = [
        ("program.mp4", &program[..program.len().min(300_000)]),
        ("nothing.mp4", b""),
        ("half.mp4", &whole[..whole.len() / 2]),
        ("playlist.mp4", playlist.as_bytes()),
    ];
    files
        .iter()
        .map(|(name, bytes)| {
            let path = folder.join(name);
            std::fs::write(&path, bytes).unwrap();
            Bad { path }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_files_are_refused_with_a_plain_sentence_while_a_good_one_becomes_playable() {
    let _alone = alone().await;
    let Some(real) = real() else { return };
    let place = folder();
    let appliance = Appliance::start(&real.executable(), &place.path().join("root"), None).await.unwrap();
    let client = appliance.admin(&tests_kit::random_word().unwrap()).await.unwrap();
    let project = client.project("Mixed").await.unwrap();

    let good_file = video(place.path(), "good.mp4", 6);
    let good = {
        let (client, project) = (client.clone(), project.clone());
        tokio::spawn(async move {
            let asset = upload::asset_of(&client, &project, &good_file).await?;
            client.asset_until(&asset, Duration::from_secs(180), is_playable).await
        })
    };
    for bad in bad_files(place.path()) {
        let problem = if bad.name() == "nothing.mp4" {
            let body = json!({ "file_name": bad.name(), "size": 0 });
            let answer =
                client.call(Method::POST, &format!("/api/v1/projects/{project}/uploads"), Some(&body)).await.unwrap();
            assert!(answer.status.is_client_error(), "{}", answer.status);
            answer.body
        } else {
            let id = upload::send(&client, &project, &bad.path).await.unwrap();
            let upload = upload::decided(&client, &id, Duration::from_secs(60)).await.unwrap();
            assert_eq!(upload["state"], "refused", "`{}` was taken: {upload}", bad.name());
            upload["problem"].clone()
        };
        plain(&bad.name(), &problem);
    }
    good.await.unwrap().unwrap();
    assert_eq!(client.assets(&project).await.unwrap().len(), 1);
    appliance.stop().unwrap();
}

/// A code for programs; a sentence and a remedy for people, without the machine's inside.
fn plain(name: &str, problem: &Value) {
    let text = |field: &str| problem[field].as_str().unwrap_or_default().to_owned();
    assert!(text("code").contains('.'), "`{name}` has no code: {problem}");
    let sentence = format!("{} {}", text("title"), text("detail"));
    assert!(sentence.split_whitespace().count() >= 3, "`{name}` has no sentence: {problem}");
    assert!(text("remedy").split_whitespace().count() >= 3, "`{name}` has no remedy: {problem}");
    for inside in ["ffmpeg", "ffprobe", "/var/", "errno", "panicked", "0x"] {
        assert!(!problem.to_string().contains(inside), "`{name}` tells of `{inside}`: {problem}");
    }
}
