//! Which encoders really work here: half a second encoded by each, because a list of names proves nothing (a machine
//! without any card lists them all, and the data-centre cards have no encoder).

use std::time::{Duration, Instant};

use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::{Class, MediaError};
use crate::ladder::Encoder;
use crate::launch::{DRIVER_MEMORY, KernelLimits};
use crate::supervise::{Job, Limits, Stdout, run};
use crate::tools::{Program, Tools};

/// One encoder, tried.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EncoderReport {
    /// ffmpeg's name.
    pub name: String,
    /// Half a second came out.
    pub works: bool,
    /// How long that took.
    pub wall_ms: u64,
    /// Why not, as the class of its failure.
    pub failure: Option<Class>,
}

const CANDIDATES: &[(&str, &[&str], &[&str])] = &[
    ("libx264", &[], &[]),
    ("h264_nvenc", &[], &[]),
    ("h264_qsv", &[], &[]),
    ("h264_vaapi", &["-vaapi_device", "/dev/dri/renderD128"], &["-vf", "format=nv12,hwupload"]),
];

/// Tries each encoder once, one after the other. Run it at start and show the result to administrators.
pub async fn probe_encoders(tools: &Tools) -> Vec<EncoderReport> {
    let mut reports = Vec::new();
    for (name, device, filter) in CANDIDATES {
        let since = Instant::now();
        let result = encode(tools, name, device, filter).await;
        let wall_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Err(error) = &result {
            tracing::debug!(encoder = name, log = error.log(), "an encoder does not work here");
        }
        let failure = result.as_ref().err().map(|error| if *name == "libx264" { error.class() } else { Class::Device });
        reports.push(EncoderReport { name: (*name).to_owned(), works: result.is_ok(), wall_ms, failure });
    }
    reports
}

/// The encoder for a profile: nvenc where it works, else x264. QSV and VAAPI are reported but not yet used.
#[must_use]
pub fn best_encoder(reports: &[EncoderReport]) -> Encoder {
    let works = |encoder: Encoder| reports.iter().any(|report| report.works && report.name == encoder.name());
    if works(Encoder::Nvenc) { Encoder::Nvenc } else { Encoder::X264 }
}

async fn encode(tools: &Tools, name: &str, device: &[&str], filter: &[&str]) -> Result<(), MediaError> {
    let mut args = Args::new(&["-hide_banner", "-nostdin", "-v", "error"]);
    args.add(device).add(&["-f", "lavfi", "-i", "testsrc2=s=640x360:r=30:d=0.5"]).add(filter);
    args.add(&["-c:v", name, "-f", "null", "-"]);
    let job = Job {
        step: "the trial of an encoder",
        program: Program::Ffmpeg,
        arguments: args.done(),
        folder: None,
        limits: Limits {
            kernel: KernelLimits { memory: DRIVER_MEMORY, file_size: 1 << 20 },
            ..Limits::short(Duration::from_secs(20))
        },
    };
    run(tools, job, Stdout::Collect(64 * 1024), &Cancel::new()).await.map(drop)
}
