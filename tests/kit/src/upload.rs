//! A file through the public multipart API: create, sign, put each part with its checksum, complete, wait.

use crate::client::{Client, answer, text};
use anyhow::{Context, Result, bail};
use base64::Engine as _;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Digest as _;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::{Duration, Instant};

/// Largest part this client holds in memory.
const PART_MAX: u64 = 512 * 1024 * 1024;

/// A whole file up to the point where the appliance has taken it over (202): from then on it may not be lost.
/// Gives back the upload's id.
///
/// # Errors
/// When the file cannot be read or the appliance refuses.
pub async fn send(client: &Client, project: &str, file: &Path) -> Result<String> {
    let id = send_parts(client, project, file).await?;
    complete(client, &id).await?;
    Ok(id)
}

/// Creates the upload (or finds the open one of the same file) and puts every part that is missing.
///
/// # Errors
/// As [`send`].
pub async fn send_parts(client: &Client, project: &str, file: &Path) -> Result<String> {
    let name = file.file_name().context("a file has a name")?.to_string_lossy().into_owned();
    let size = std::fs::metadata(file).with_context(|| format!("look at `{}`", file.display()))?.len();
    let digest = crate::sha256_of(file)?;
    let body = json!({ "file_name": name, "size": size, "fingerprint": format!("{digest}-{size}"), "sha256": digest });
    let upload = client.post(&format!("/api/v1/projects/{project}/uploads"), &body).await?;
    let id = text(&upload, "id")?;
    let part_size = upload["part_size"].as_u64().filter(|size| (1..=PART_MAX).contains(size)).context("a part size")?;
    let count = upload["part_count"].as_u64().context("a part count")?;
    let there: Vec<u64> =
        upload["parts"].as_array().into_iter().flatten().filter_map(|part| part["number"].as_u64()).collect();
    let numbers: Vec<u64> = (1..=count).filter(|number| !there.contains(number)).collect();
    if numbers.is_empty() {
        return Ok(id);
    }
    let signed = client.post(&format!("/api/v1/uploads/{id}/parts"), &json!({ "numbers": numbers })).await?;
    let mut source = std::fs::File::open(file).with_context(|| format!("open `{}`", file.display()))?;
    for part in signed["parts"].as_array().context("signed parts")? {
        let number = part["number"].as_u64().context("a part number")?;
        source.seek(SeekFrom::Start((number - 1) * part_size))?;
        let mut bytes = Vec::new();
        source.by_ref().take(part_size).read_to_end(&mut bytes)?;
        put(client, &text(part, "url")?, bytes).await.with_context(|| format!("part {number} of `{name}`"))?;
    }
    Ok(id)
}

async fn put(client: &Client, address: &str, bytes: Vec<u8>) -> Result<()> {
    let checksum = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(&bytes));
    let request = client.request(Method::PUT, address).header("x-amz-checksum-sha256", checksum).body(bytes);
    answer(request).await?.ok().map(|_| ())
}

/// Says that all parts are there. May be said twice: the key is the upload's own id.
///
/// # Errors
/// When the appliance refuses.
pub async fn complete(client: &Client, id: &str) -> Result<Value> {
    let upload = client.get(&format!("/api/v1/uploads/{id}")).await?;
    if upload["state"] != "open" {
        return Ok(upload);
    }
    let parts: Vec<Value> = upload["parts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|part| json!({ "number": part["number"], "etag": part["etag"] }))
        .collect();
    let request = client
        .request(Method::POST, &format!("/api/v1/uploads/{id}/complete"))
        .header("idempotency-key", format!("complete-{id}"))
        .json(&json!({ "parts": parts }));
    answer(request).await?.ok()
}

/// Waits until the appliance has made up its mind; gives back the upload, `promoted` or `refused`.
///
/// # Errors
/// When it takes longer than `limit`.
pub async fn decided(client: &Client, id: &str, limit: Duration) -> Result<Value> {
    let until = Instant::now() + limit;
    loop {
        let upload = client.get(&format!("/api/v1/uploads/{id}")).await?;
        match upload["state"].as_str() {
            Some("promoted" | "refused" | "aborted") => return Ok(upload),
            _ if Instant::now() >= until => bail!("the upload is not decided within {limit:?}: {upload}"),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Sends a file and waits for its asset's id.
///
/// # Errors
/// As [`send`] and [`decided`], and when the file is refused.
pub async fn asset_of(client: &Client, project: &str, file: &Path) -> Result<String> {
    let id = send(client, project, file).await?;
    let upload = decided(client, &id, Duration::from_secs(120)).await?;
    if upload["state"] != "promoted" {
        bail!("`{}` was refused: {}", file.display(), upload["problem"]);
    }
    text(&upload, "asset_id")
}
