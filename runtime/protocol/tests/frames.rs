//! Whatever arrives, in whatever pieces: the same messages, or an error, and never a panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use runtime_protocol::*;

fn words() -> impl Strategy<Value = Word> {
    (any::<u32>(), 0u32..5000, "\\PC{0,12}", 0.0f32..1.0).prop_map(|(start, length, text, confidence)| Word {
        start_ms: start.into(),
        end_ms: u64::from(start) + u64::from(length),
        text,
        confidence,
    })
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        ("[a-z]{1,8}", "\\PC{0,8}").prop_map(|(engine, version)| Event::Ready { engine, version }),
        Just(Event::Loaded),
        Just(Event::Heartbeat),
        (any::<u64>(), any::<u64>()).prop_map(|(done_ms, total_ms)| Event::Progress { done_ms, total_ms }),
        (any::<u64>(), "\\PC{0,40}", prop::collection::vec(words(), 0..5))
            .prop_map(|(at, text, words)| { Event::Segment(Segment { start_ms: at, end_ms: at, text, words }) }),
        "\\PC{0,20}".prop_map(|language| Event::Done(Usage { language, ..Usage::default() })),
    ]
}

/// All messages in a stream that arrives in pieces of these sizes.
fn messages(stream: &[u8], mut piece: impl FnMut() -> usize) -> Result<Vec<Event>, FrameError> {
    let mut decoder = FrameDecoder::new();
    let mut out = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(piece().clamp(1, rest.len()));
        decoder.push(now);
        rest = later;
        while let Some(frame) = decoder.next_frame()? {
            out.push(decode(frame)?);
        }
    }
    Ok(out)
}

proptest! {
    #[test]
    fn events_survive_the_way_in_any_pieces(sent in prop::collection::vec(events(), 0..12), sizes in prop::collection::vec(1usize..64, 1..20)) {
        let stream: Vec<u8> = sent.iter().flat_map(|event| encode(event).unwrap()).collect();
        let mut sizes = sizes.into_iter().cycle();
        let got = messages(&stream, || sizes.next().unwrap()).unwrap();
        prop_assert_eq!(got, sent);
    }

    #[test]
    fn no_stream_makes_the_decoder_panic(stream in prop::collection::vec(any::<u8>(), 0..200), size in 1usize..50) {
        let _ = messages(&stream, || size);
        let mut framed = (stream.len() as u32).to_le_bytes().to_vec();
        framed.extend(&stream);
        let _ = messages(&framed, || size);
    }
}

#[test]
fn a_length_of_none_or_too_much_ends_the_stream_before_memory_is_reserved() {
    for length in [0u32, FRAME_MAX as u32 + 1, u32::MAX] {
        let mut decoder = FrameDecoder::new();
        decoder.push(&length.to_le_bytes());
        assert!(matches!(decoder.next_frame(), Err(FrameError::Length(n)) if n == u64::from(length)));
        decoder.push(&encode(&Event::Heartbeat).unwrap());
        assert!(matches!(decoder.next_frame(), Err(FrameError::Length(_))), "nothing after it is trusted");
    }
}

#[test]
fn a_message_larger_than_a_frame_is_not_sent() {
    let text = "a".repeat(FRAME_MAX);
    let event = Event::Segment(Segment { start_ms: 0, end_ms: 0, text, words: vec![] });
    assert!(matches!(encode(&event), Err(FrameError::Length(_))));
}

#[test]
fn requests_have_the_documented_json() {
    let hello = Request::Hello { protocol: PROTOCOL, budget: Budget { threads: 2, memory_bytes: 1 << 30 } };
    let frame = encode(&hello).unwrap();
    assert_eq!(
        std::str::from_utf8(&frame[4..]).unwrap(),
        r#"{"request":"hello","protocol":1,"budget":{"threads":2,"memory_bytes":1073741824}}"#
    );
    assert_eq!(decode::<Request>(&frame[4..]).unwrap(), hello);
    assert!(decode::<Request>(br#"{"request":"dance"}"#).is_err());
}

#[test]
fn a_stream_cut_within_a_frame_is_seen_as_cut() {
    let frame = encode(&Event::Loaded).unwrap();
    let mut decoder = FrameDecoder::new();
    decoder.push(&frame[..frame.len() - 1]);
    assert!(decoder.next_frame().unwrap().is_none());
    assert!(decoder.is_mid_frame());
    decoder.push(&frame[frame.len() - 1..]);
    assert!(decoder.next_frame().unwrap().is_some());
    assert!(!decoder.is_mid_frame());
}
