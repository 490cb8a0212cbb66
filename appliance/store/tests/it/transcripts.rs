//! Transcripts.

use appliance_app::ports::catalog::{Catalog, Change};
use appliance_app::ports::{Jobs, StoreErrorKind};
use appliance_domain::job::{JobKind, JobState};
use appliance_domain::transcript::{ModelUsed, Segment, Word};

use crate::support::{Bench, NOW, TTL, at, refused, version_id};

fn model() -> ModelUsed {
    ModelUsed { pack: "tiny".into(), version: "1".into(), digest: "d".into() }
}

fn segment(index: u32) -> Segment {
    let start_ms = u64::from(index) * 1000;
    let word = Word { start_ms, end_ms: start_ms + 400, text: "hello".into(), confidence: 0.25 };
    Segment { index, start_ms, end_ms: start_ms + 900, text: "hello there".into(), words: vec![word] }
}

#[tokio::test]
async fn a_transcript_grows_by_segments_and_is_complete_at_the_end() {
    let bench = Bench::new();
    let made = bench.asset(&[JobKind::Transcribe]).await;
    assert_eq!(bench.tenant.transcript(made.version).await.unwrap(), None);
    let lease = bench.lease(JobKind::Transcribe).await;
    let before = bench.tenant.last_event().await.unwrap();
    bench.tenant.begin_transcript(&lease, made.version, "en", &model(), NOW).await.unwrap();
    bench.tenant.add_segments(&lease, made.version, &[segment(1), segment(0)]).await.unwrap();
    bench.tenant.add_segments(&lease, made.version, &[]).await.unwrap();
    let so_far = bench.tenant.transcript(made.version).await.unwrap().unwrap();
    assert_eq!((so_far.complete, so_far.language.as_str(), &so_far.model), (false, "en", &model()));
    assert_eq!(so_far.segments, [segment(0), segment(1)]);
    bench.tenant.finish_transcript(&lease, made.version, at(1)).await.unwrap();
    assert!(bench.tenant.transcript(made.version).await.unwrap().unwrap().complete);
    assert_eq!(bench.tenant.job(lease.job.id).await.unwrap().unwrap().state, JobState::Done);
    let transcript = Change::Transcript(made.asset);
    assert_eq!(bench.told(made.project, before).await, [transcript, transcript, transcript, Change::Asset(made.asset)]);
}

#[tokio::test]
async fn a_new_attempt_drops_what_the_lost_one_wrote() {
    let bench = Bench::new();
    let made = bench.asset(&[JobKind::Transcribe]).await;
    let lost = bench.lease(JobKind::Transcribe).await;
    bench.tenant.begin_transcript(&lost, made.version, "en", &model(), NOW).await.unwrap();
    bench.tenant.add_segments(&lost, made.version, &[segment(0), segment(1), segment(2)]).await.unwrap();
    let lease = bench.lease_at(JobKind::Transcribe, at(TTL)).await;
    bench.tenant.begin_transcript(&lease, made.version, "de", &model(), NOW).await.unwrap();
    refused(bench.tenant.add_segments(&lost, made.version, &[segment(3)]).await, StoreErrorKind::LeaseLost);
    bench.tenant.add_segments(&lease, made.version, &[segment(0)]).await.unwrap();
    let found = bench.tenant.transcript(made.version).await.unwrap().unwrap();
    assert_eq!((found.language.as_str(), found.segments), ("de", vec![segment(0)]));
}

#[tokio::test]
async fn segments_need_a_transcript_that_has_begun() {
    let bench = Bench::new();
    let made = bench.asset(&[JobKind::Transcribe]).await;
    let lease = bench.lease(JobKind::Transcribe).await;
    refused(bench.tenant.add_segments(&lease, made.version, &[segment(0)]).await, StoreErrorKind::Conflict);
    refused(bench.tenant.finish_transcript(&lease, made.version, NOW).await, StoreErrorKind::Conflict);
    let nowhere = version_id();
    refused(bench.tenant.begin_transcript(&lease, nowhere, "en", &model(), NOW).await, StoreErrorKind::NotFound);
    assert_eq!(bench.tenant.job(lease.job.id).await.unwrap().unwrap().state, JobState::Running);
}
