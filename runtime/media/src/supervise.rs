//! One child process from start to end: output, progress, stall, wall cap, cancel, verdict.
//!
//! Invariants: the future never ends, by return or by drop, while a process of the child's group lives longer than a
//! signal takes; at most 16 KiB of stderr are kept; stdout is bounded or streamed.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Child;
use tokio::time::Instant;

use crate::cancel::Cancel;
use crate::error::{Fault, MediaError};
use crate::launch::KernelLimits;
use crate::tools::{Program, Tools};

const LOG_TAIL: usize = 16 * 1024;
const GRACE: Duration = Duration::from_secs(5);

/// What to run and how long it may take.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    /// For messages: `the copy`, `the waveform`, …
    pub(crate) step: &'static str,
    pub(crate) program: Program,
    pub(crate) arguments: Vec<OsString>,
    /// Working folder; outputs are named relative to it.
    pub(crate) folder: Option<&'a Path>,
    pub(crate) limits: Limits,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) wall: Duration,
    /// Longest time without growth of the output.
    pub(crate) stall: Duration,
    pub(crate) kernel: KernelLimits,
}

impl Limits {
    /// For an encode or a copy of media of this length: wall = max(5 min, 20 × duration).
    pub(crate) fn for_media(seconds: f64, input_size: u64) -> Self {
        let wall = Duration::try_from_secs_f64((seconds * 20.0).clamp(300.0, 30.0 * 86_400.0));
        Self {
            wall: wall.unwrap_or(Duration::from_secs(300)),
            stall: Duration::from_secs(60),
            // 6 GiB of address space hold a 4K decode and three encodes; 64 kB/s is the speech track.
            kernel: KernelLimits {
                memory: 6 << 30,
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
                file_size: (1_u64 << 30).max(input_size.saturating_add((seconds * 70_000.0) as u64)),
            },
        }
    }

    /// For a look at the head of a file.
    pub(crate) fn short(wall: Duration) -> Self {
        Self { wall, stall: wall, kernel: KernelLimits { memory: 4 << 30, file_size: 64 << 20 } }
    }
}

/// What becomes of stdout.
pub(crate) enum Stdout<'a> {
    /// Kept, up to this many bytes; more is a fault.
    Collect(usize),
    /// `-progress` lines; told the time reached in microseconds.
    Progress(&'a (dyn Fn(u64) + Send + Sync)),
    /// Handed on as it comes.
    Stream(&'a mut (dyn FnMut(&[u8]) + Send)),
}

/// A child that ended well.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) stdout: Vec<u8>,
    pub(crate) log: String,
}

/// Kills the whole group when the caller goes away.
struct Group(Option<Pid>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

enum End {
    Exit(ExitStatus),
    Stop(Fault),
}

/// Runs the job.
///
/// # Errors
/// Cancelled, stalled, too slow, or the child's own failure sorted into a [`Fault`].
pub(crate) async fn run(
    tools: &Tools,
    job: Job<'_>,
    mut stdout: Stdout<'_>,
    cancel: &Cancel,
) -> Result<Finished, MediaError> {
    if cancel.is_cancelled() {
        return Err(Fault::Cancelled.into());
    }
    let program = tools.program(job.program);
    let mut child = tools
        .launcher()
        .start(program, &job.arguments, job.folder, job.limits.kernel)
        .await
        .map_err(|error| MediaError::io("start", Path::new("ffmpeg"), error))?;
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    let mut log = Vec::new();
    let mut collected = Vec::new();
    let end = follow(&mut child, &job, &mut stdout, cancel, &mut collected, &mut log).await?;
    let end = match end {
        End::Stop(fault) => {
            group.signal(Signal::TERM);
            if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
                group.signal(Signal::KILL);
                let _ = child.wait().await;
            }
            End::Stop(fault)
        }
        end @ End::Exit(_) => end,
    };
    // The child has been waited for: its number may belong to somebody else from now on.
    group.0 = None;
    let log = tail(&log);
    match end {
        End::Stop(fault) => Err(MediaError::with_log(fault, log)),
        End::Exit(status) if status.success() => Ok(Finished { stdout: collected, log }),
        End::Exit(status) => {
            tracing::debug!(step = job.step, %status, log, "media tool ended badly");
            Err(MediaError::with_log(verdict(job.step, status, &log), log))
        }
    }
}

async fn follow(
    child: &mut Child,
    job: &Job<'_>,
    stdout: &mut Stdout<'_>,
    cancel: &Cancel,
    collected: &mut Vec<u8>,
    log: &mut Vec<u8>,
) -> Result<End, MediaError> {
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let (mut out_buffer, mut err_buffer) = (vec![0; 64 * 1024], vec![0; 4096]);
    let started = Instant::now();
    let mut grown = started;
    let mut lines = ProgressLines::default();
    loop {
        let stalls = grown + job.limits.stall;
        let deadline = stalls.min(started + job.limits.wall);
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(End::Stop(Fault::Cancelled)),
            () = tokio::time::sleep_until(deadline) => {
                let fault = if deadline == stalls && job.limits.stall < job.limits.wall {
                    Fault::Stalled { step: job.step, seconds: job.limits.stall.as_secs() }
                } else {
                    Fault::TooSlow { step: job.step, seconds: job.limits.wall.as_secs() }
                };
                return Ok(End::Stop(fault));
            }
            count = read(&mut out, &mut out_buffer) => {
                let bytes = out_buffer.get(..count).unwrap_or_default();
                match stdout {
                    Stdout::Collect(limit) => {
                        collected.extend_from_slice(bytes);
                        if collected.len() > *limit {
                            return Ok(End::Stop(Fault::Answer { step: job.step }));
                        }
                        grown = Instant::now();
                    }
                    Stdout::Stream(sink) => {
                        sink(bytes);
                        grown = Instant::now();
                    }
                    Stdout::Progress(tell) => {
                        if let Some(reached) = lines.push(bytes) {
                            grown = Instant::now();
                            tell(reached);
                        }
                    }
                }
            }
            count = read(&mut err, &mut err_buffer) => {
                log.extend_from_slice(err_buffer.get(..count).unwrap_or_default());
                if log.len() > 4 * LOG_TAIL {
                    log.drain(..log.len() - LOG_TAIL);
                }
            }
            status = child.wait(), if out.is_none() && err.is_none() => {
                let status = status.map_err(|error| MediaError::io("wait for", Path::new("ffmpeg"), error))?;
                return Ok(End::Exit(status));
            }
        }
    }
}

/// Reads once; closes the pipe at its end; never ready when it is closed.
async fn read<R: AsyncRead + Unpin>(pipe: &mut Option<R>, buffer: &mut [u8]) -> usize {
    let Some(reader) = pipe else { return std::future::pending().await };
    let count = reader.read(buffer).await.unwrap_or(0);
    if count == 0 {
        *pipe = None;
    }
    count
}

/// Reads `key=value` lines; answers when `out_time` has grown or the run has ended.
#[derive(Default)]
struct ProgressLines {
    rest: Vec<u8>,
    reached: u64,
}

impl ProgressLines {
    fn push(&mut self, bytes: &[u8]) -> Option<u64> {
        self.rest.extend_from_slice(bytes);
        let before = self.reached;
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let value = std::str::from_utf8(&line).ok().and_then(|line| line.trim().strip_prefix("out_time_us="));
            if let Some(time) = value.and_then(|value| value.parse::<u64>().ok()) {
                self.reached = self.reached.max(time);
            }
        }
        // A line that long is not progress.
        if self.rest.len() > 4096 {
            self.rest.clear();
        }
        (self.reached > before).then_some(self.reached)
    }
}

fn tail(log: &[u8]) -> String {
    let from = log.len().saturating_sub(LOG_TAIL);
    String::from_utf8_lossy(log.get(from..).unwrap_or_default()).trim().to_owned()
}

/// Sorts a bad end by its signal and by words of the tools' own messages.
fn verdict(step: &'static str, status: ExitStatus, log: &str) -> Fault {
    const SIGKILL: i32 = 9;
    const SIGXFSZ: i32 = 25;
    let says = |words: &[&str]| words.iter().any(|word| log.contains(word));
    match status.signal() {
        // We did not send it, so the kernel did: out of memory.
        Some(SIGKILL) => return Fault::NoMemory,
        Some(SIGXFSZ) => return Fault::NoSpace,
        _ => {}
    }
    if says(&["No space left on device", "File too large", "Disk quota exceeded"]) {
        Fault::NoSpace
    } else if says(&["Cannot allocate memory"]) {
        Fault::NoMemory
    } else if says(&["libcuda", "nvenc", "NVENC", "No capable devices found"]) {
        Fault::Device
    } else if says(&["moov atom not found"]) {
        Fault::NoIndex
    } else if says(&["not on whitelist", "not in whitelist"]) {
        Fault::UnsupportedKind { what: "unlisted" }
    } else if says(&[
        "Invalid data found when processing input",
        "could not find codec parameters",
        "Could not find codec parameters",
        "partial file",
        "Error while decoding",
        "does not contain any stream",
        "matches no streams",
    ]) {
        Fault::Undecodable
    } else {
        Fault::Tool { step }
    }
}

/// First line of `ffmpeg -version`.
pub(crate) async fn version(tools: &Tools) -> Result<String, MediaError> {
    let job = Job {
        step: "the version query",
        program: Program::Ffmpeg,
        arguments: vec!["-version".into()],
        folder: None,
        limits: Limits::short(Duration::from_secs(20)),
    };
    let finished = run(tools, job, Stdout::Collect(64 * 1024), &Cancel::new()).await?;
    let text = String::from_utf8_lossy(&finished.stdout);
    Ok(text.lines().next().unwrap_or_default().chars().take(120).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_across_split_lines_and_never_falls() {
        let mut lines = ProgressLines::default();
        assert_eq!(lines.push(b"frame=1\nout_time_us=N/A\nout_ti"), None);
        assert_eq!(lines.push(b"me_us=500000\nspeed=1x\n"), Some(500_000));
        assert_eq!(lines.push(b"out_time_us=400000\n"), None);
        assert_eq!(lines.push(&[b'x'; 9000]), None);
    }

    #[test]
    fn a_bad_end_is_sorted_by_signal_and_words() {
        let killed = ExitStatus::from_raw(9);
        assert!(matches!(verdict("x", killed, ""), Fault::NoMemory));
        let failed = ExitStatus::from_raw(0x100);
        assert!(matches!(verdict("x", failed, "[mov] moov atom not found\nInvalid data"), Fault::NoIndex));
        assert!(matches!(verdict("x", failed, "av_write: No space left on device"), Fault::NoSpace));
        assert!(matches!(verdict("x", failed, "what"), Fault::Tool { step: "x" }));
    }
}
