//! Where components come from: Cargo, Debian, npm, model packs.
//!
//! Invariant: each input is text or plain values that the caller has read; each gives components in a fixed order.

mod cargo;
mod debian;
mod model;
mod npm;

pub use cargo::cargo_components;
pub use debian::{DebianPackage, debian_component};
pub use model::{ModelFile, ModelPack, model_component};
pub use npm::npm_components;

/// Percent-encodes what a package URL does not take literally.
fn purl_part(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
