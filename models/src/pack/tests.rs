//! `pack.toml`: start from a valid one and break one thing.

use proptest::prelude::*;

use super::*;

fn valid() -> String {
    let hex = "ab".repeat(32);
    format!(
        r#"schema = "strongroom.model-pack/1"
id = "demo-speech-en"
version = "1.0.0"
task = "speech-to-text"
engine = "whisper-ggml"
title = "Demo"
description = "A few words."
languages = ["en"]

[licence]
spdx = "Apache-2.0"
attribution = "Strongroom"

[hardware]
memory_bytes = 268435456
gpu = "none"

[[files]]
path = "model.bin"
role = "weights"
size = 10
sha256 = "{hex}"
"#
    )
}

fn problems(text: &str) -> Vec<String> {
    Pack::parse(text).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn a_valid_pack_is_read() {
    let pack = Pack::parse(&valid()).unwrap();
    assert_eq!(pack.id, "demo-speech-en");
    assert_eq!(pack.vocabulary, None);
    assert_eq!(pack.hardware, Hardware { memory_bytes: 268_435_456, gpu: Gpu::None });
    assert_eq!(pack.weights().unwrap().path.as_str(), "model.bin");
}

#[test]
fn a_closed_vocabulary_is_read() {
    let text = valid().replace("languages", "vocabulary = [\"zero\", \"one\"]\nlanguages");
    assert_eq!(Pack::parse(&text).unwrap().vocabulary.unwrap(), ["zero", "one"]);
}

#[test]
fn all_problems_are_reported_at_once_with_their_lines() {
    let text = valid()
        .replace("id = \"demo-speech-en\"", "id = \"Demo Speech\"")
        .replace("gpu = \"none\"", "gpu = \"no\"\ncolour = \"red\"")
        .replace("path = \"model.bin\"", "path = \"../model.bin\"")
        .replace("version = \"1.0.0\"\n", "");
    assert_eq!(
        problems(&text),
        [
            "line 1: `version` is missing",
            "line 2: `id` is not 1 to 64 of `a-z 0-9 -`, starting with a letter",
            "line 15: `hardware.gpu` is not one of `none`, `optional`, `required`",
            "line 16: `hardware.colour` is not a key of this document",
            "line 19: `files[0].path` does not hold: `../model.bin` is not a plain file name",
        ]
    );
}

#[test]
fn another_schema_is_refused_without_a_flood() {
    assert_eq!(
        problems(&valid().replace("model-pack/1", "model-pack/2")),
        ["line 1: `schema` is not `strongroom.model-pack/1`"]
    );
}

#[test]
fn a_pack_without_weights_or_with_a_file_twice_is_refused() {
    assert_eq!(
        problems(&valid().replace("role = \"weights\"", "role = \"readme\"")),
        ["line 18: `files` does not have exactly one file with the role `weights`"]
    );
    let twice = valid();
    let (_, file) = twice.split_once("[[files]]").unwrap();
    let text = format!("{twice}[[files]]{}", file.replace("weights", "licence"));
    assert!(problems(&text)[0].ends_with("names `model.bin` a second time"));
}

#[test]
fn a_document_that_is_not_toml_has_one_problem_with_a_line() {
    assert!(problems("id = \n").iter().all(|problem| problem.starts_with("line 1: ")));
    assert_eq!(problems(&"#".repeat(PACK_MAX + 1)).len(), 1);
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,200}") {
        let _ = Pack::parse(&text);
        let _ = FileName::parse(&text);
    }

    #[test]
    fn a_valid_pack_with_bytes_cut_or_changed_never_panics(at in 0usize..600, with in "\\PC?") {
        let mut text = valid();
        let at = (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap();
        text.insert_str(at, &with);
        let _ = Pack::parse(&text);
        text.truncate(at);
        prop_assert!(Pack::parse(&text).is_err() || at >= valid().len() - 1);
    }

    #[test]
    fn a_file_name_never_holds_a_separator(text in "[a-z./_-]{1,12}") {
        if let Ok(name) = FileName::parse(&text) {
            prop_assert!(!name.as_str().contains('/') && name.as_str() != ".." && name.as_str() != ".");
        }
    }
}
