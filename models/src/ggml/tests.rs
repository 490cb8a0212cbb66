//! The check of weights: start from a file that the engine loads and break one thing.

use proptest::prelude::*;

use super::*;

/// A whisper file of the given dimensions with all tensors zero.
fn file(state: u32, layers: (u32, u32), words: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    let put = |out: &mut Vec<u8>, numbers: &[u32]| numbers.iter().for_each(|n| out.extend(n.to_le_bytes()));
    put(&mut out, &[MAGIC, 51_864, 1500, state, 2, layers.0, 64, state, 2, layers.1, 80, 1]);
    put(&mut out, &[80, 201]);
    out.resize(out.len() + 80 * 201 * 4, 0);
    put(&mut out, &[words.len() as u32]);
    for word in words {
        put(&mut out, &[word.len() as u32]);
        out.extend(*word);
    }
    // A head alone is enough to learn the dimensions; the length is not known yet.
    if let Ok(header) = check_header(&out, u64::MAX) {
        for (name, shape) in tensors::expected(&header) {
            put(&mut out, &[3, name.len() as u32, shape.kind.code(), shape.ne[0], shape.ne[1], shape.ne[2]]);
            out.extend(name.bytes());
            out.resize(out.len() + shape.bytes() as usize, 0);
        }
    }
    out
}

fn small() -> Vec<u8> {
    file(16, (1, 1), &[b"a", b" "])
}

/// Replaces the first occurrence of `from` by `to`, of the same length.
fn replaced(mut file: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = file.windows(from.len()).position(|window| window == from).unwrap();
    file[at..at + to.len()].copy_from_slice(to);
    file
}

fn set(mut file: Vec<u8>, number: usize, to: u32) -> Vec<u8> {
    file[4 * number..4 * number + 4].copy_from_slice(&to.to_le_bytes());
    file
}

/// Length of a file without its tensors.
fn bare_len(file: &[u8]) -> usize {
    let header = check_slice(file).unwrap();
    let heads: usize = tensors::expected(&header).keys().map(|name| name.len() + 24).sum();
    file.len() - heads - header.tensor_bytes() as usize
}

#[test]
fn a_whole_file_passes_and_tells_its_dimensions() {
    let header = check_slice(&small()).unwrap();
    assert_eq!((header.audio_state, header.text_layer, header.weights), (16, 1, TensorType::F16));
    assert!(!header.multilingual());
    assert!(header.memory_bytes() > header.tensor_bytes());
}

#[test]
fn a_file_of_another_kind_is_refused() {
    assert_eq!(check_slice(b"GGUF and more bytes than the forty-eight of a header"), Err(Unfit::Magic));
    assert!(matches!(check_slice(b"lmgg"), Err(Unfit::Short { .. })));
    assert!(matches!(check_slice(b""), Err(Unfit::Short { .. })));
}

#[test]
fn each_dimension_that_would_overrun_the_loader_is_refused() {
    let hostile = [
        (1, 60_000),
        (1, 100),
        (2, 1 << 30),
        (3, 0),
        (4, 0),
        (4, 3),
        (5, 1 << 20),
        (6, 0),
        (7, 17),
        (8, 0),
        (9, 0),
        (10, 81),
    ];
    for (number, value) in
        hostile.into_iter().chain((1..=10).map(|number| (number, u32::MAX))).chain([(11, 0), (11, 5), (11, 1008)])
    {
        let got = check_slice(&set(small(), number, value));
        assert!(matches!(got, Err(Unfit::Dimension { .. })), "number {number} = {value}: {got:?}");
    }
    // The filter bank has its own pair of sizes, 12 and 13, and the vocabulary its count.
    for (number, value) in [(12, 128), (13, u32::MAX), (14 + 80 * 201, u32::MAX), (14 + 80 * 201, 0)] {
        assert!(matches!(check_slice(&set(small(), number, value)), Err(Unfit::Dimension { .. })), "number {number}");
    }
}

#[test]
fn two_decoder_layers_are_refused_because_times_would_be_off() {
    assert_eq!(check_slice(&file(16, (1, 2), &[b" "])), Err(Unfit::NoTimes));
}

#[test]
fn a_vocabulary_that_would_abort_the_loader_is_refused() {
    assert_eq!(check_slice(&file(16, (1, 1), &[b"a"])), Err(Unfit::Vocabulary("has no token for a space")));
    let long = vec![b'a'; 257];
    let got = check_slice(&file(16, (1, 1), &[b" ", &long]));
    assert_eq!(got, Err(Unfit::Vocabulary("has a token of more than 256 bytes")));
}

#[test]
fn a_long_vocabulary_is_walked_in_bounded_reads() {
    let words: Vec<Vec<u8>> =
        (0..51_864u32).map(|i| if i == 9 { b" ".to_vec() } else { format!("{i}").into_bytes() }).collect();
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    check_slice(&file(16, (1, 1), &words)).unwrap();
}

#[test]
fn a_tensor_that_is_unknown_twice_misshapen_or_missing_is_refused() {
    let what = |file: Vec<u8>| match check_slice(&file) {
        Err(Unfit::Tensor { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    let renamed = replaced(small(), b"decoder.ln.bias", b"decoder.ln.bia!");
    assert_eq!(what(renamed), "is not part of such a model, or is there twice");
    let twice = replaced(small(), b"decoder.ln.weight", b"decoder.ln.bias\0\0");
    assert_eq!(what(twice), "is not part of such a model, or is there twice");
    let mut flat = small();
    let first = bare_len(&flat);
    flat[first..first + 4].copy_from_slice(&4u32.to_le_bytes());
    assert_eq!(what(flat), "has less than one or more than three dimensions");
}

#[test]
fn a_cut_file_and_a_file_with_more_bytes_are_refused() {
    let whole = small();
    for cut in [1, 1000, whole.len() / 2, whole.len() - 100] {
        assert!(matches!(check_slice(&whole[..whole.len() - cut]), Err(Unfit::Short { .. })), "{cut}");
    }
    let mut longer = whole;
    longer.extend([0; 40]);
    assert!(check_slice(&longer).is_err());
}

#[test]
fn a_file_without_tensors_is_not_taken_for_a_test_model() {
    let whole = small();
    let bare = &whole[..bare_len(&whole)];
    assert!(matches!(check_slice(bare), Err(Unfit::Short { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_change_of_bytes_makes_the_walk_panic_or_read_outside(changes in prop::collection::vec((0usize..70_000, any::<u8>()), 1..8)) {
        let mut bytes = small();
        for (at, value) in changes {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        let _ = check_slice(&bytes);
    }

    #[test]
    fn no_header_makes_the_check_panic(numbers in prop::collection::vec(any::<u32>(), 0..12), len in any::<u64>()) {
        let mut head = MAGIC.to_le_bytes().to_vec();
        numbers.iter().for_each(|n| head.extend(n.to_le_bytes()));
        let _ = check_header(&head, len);
    }
}
