//! The packs of this repository are valid, and their documents describe the weights beside them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

#[test]
fn every_pack_of_the_repository_is_valid_and_lies_in_the_folder_of_its_id() {
    let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("packs");
    for folder in std::fs::read_dir(packs).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(text) = std::fs::read_to_string(folder.join("pack.toml")) else { continue };
        let pack = models::Pack::parse(&text).unwrap_or_else(|problems| panic!("{}: {problems:#?}", folder.display()));
        assert_eq!(Some(pack.id.as_str()), folder.file_name().and_then(|name| name.to_str()));
    }
}
