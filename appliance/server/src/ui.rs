//! The browser app's files, embedded at build time from `appliance/web/dist`.

use std::sync::Arc;

use appliance_http::{UiFile, UiFiles};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../web/dist"]
#[allow_missing = true]
struct Files;

/// Finds files of the browser app.
pub(crate) fn files() -> UiFiles {
    if Files::get("index.html").is_none() {
        tracing::warn!("this executable was built without the browser app; the API works");
    }
    Arc::new(|path| {
        let file = Files::get(path)?;
        let etag = hex::encode(file.metadata.sha256_hash().get(..16)?);
        Some(UiFile { bytes: file.data, content_type: content_type(path), etag })
    })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
