//! whisper.cpp through whisper-rs: load, decode one window.
//!
//! Known traps of whisper-rs 0.16, and how they are avoided: callbacks and grammar are unsound, so none is set; strings with
//! NUL panic, so none gets through; each string set on parameters leaks, so parameters are made once per request; the
//! engine reads before the start of clips under 200 samples, so every window is at least a second; zero threads end the
//! process, so there is at least one; the loader trusts the file, so `models::ggml` goes first.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use models::ggml::{Walk, Want, WhisperHeader};
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperError, WhisperState};

use crate::words::Token;
use crate::{RATE, SpeechError};

/// A model in memory.
pub(crate) struct Model {
    context: WhisperContext,
    header: WhisperHeader,
}

/// One request's decoder: its state and parameters.
pub(crate) struct Decoder<'m> {
    model: &'m Model,
    state: WhisperState,
    params: FullParams<'static, 'static>,
    language: Option<&'static str>,
}

/// A segment as the decoder gives it; frames count from the start of the window.
#[derive(Clone, Debug)]
pub(crate) struct RawSegment {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) tokens: Vec<Token>,
    pub(crate) no_speech: f32,
    pub(crate) mean_log_p: f32,
}

impl Model {
    /// Checks and loads weights within a memory budget.
    pub(crate) fn load(path: &Path, memory: u64) -> Result<Self, SpeechError> {
        let unreadable = |source| SpeechError::ModelUnreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let len = file.metadata().map_err(unreadable)?.len();
        let mut walk = Walk::new(len);
        let mut buffer = Vec::new();
        let unfit = |source| SpeechError::ModelUnfit { path: path.to_owned(), source };
        let header = loop {
            match walk.want().map_err(unfit)? {
                Want::Done(header) => break header,
                Want::Read { offset, len } => {
                    buffer.resize(len, 0);
                    file.read_exact_at(&mut buffer, offset).map_err(unreadable)?;
                    walk.give(&buffer).map_err(unfit)?;
                }
            }
        };
        let needs = header.memory_bytes();
        if needs > memory {
            return Err(SpeechError::Memory { needs, has: memory });
        }
        // By descriptor, so that the file that was checked is the one that is loaded.
        let same = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        let same = if same.exists() { same } else { path.to_owned() };
        let mut params = WhisperContextParameters::new();
        params.use_gpu(false).flash_attn(true);
        let context = WhisperContext::new_with_params(&same, params)
            .map_err(|_| SpeechError::ModelRefused { path: path.to_owned() })?;
        Ok(Self { context, header })
    }

    /// How many frames of regions share a window. The encoder of a model below the usual sizes costs next to nothing, and
    /// such a model loses count in a long window (measured: a third of the words wrong in 25 s, none in single sentences);
    /// from the smallest usual size on, the encoder is what costs, and a full window is what such models were trained on.
    pub(crate) const fn fill(&self) -> usize {
        const SMALLEST_USUAL_WIDTH: u32 = 384;
        if self.header.audio_state < SMALLEST_USUAL_WIDTH { 400 } else { crate::window::WINDOW }
    }

    /// A decoder for one request. `language` is a language tag; `None` lets a multilingual model find out.
    pub(crate) fn decoder(
        &self,
        language: Option<&str>,
        threads: u32,
        vocabulary: &[String],
    ) -> Result<Decoder<'_>, SpeechError> {
        let language = self.language(language)?;
        // Greedy at temperature 0 with the engine's own fall-backs; each window stands alone.
        let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        params.set_n_threads(i32::try_from(threads).unwrap_or(1).max(1));
        params.set_language(language);
        params.set_no_context(true);
        params.set_n_max_text_ctx(0);
        params.set_token_timestamps(true);
        params.set_suppress_blank(true);
        params.set_suppress_nst(true);
        params.set_print_special(false);
        params.set_print_progress(false);
        params.set_print_realtime(false);
        params.set_print_timestamps(false);
        let prompt = prompt(vocabulary);
        if !prompt.is_empty() {
            params.set_initial_prompt(&prompt);
            params.set_n_max_text_ctx(i32::try_from(self.header.text_ctx / 2).unwrap_or(0));
        }
        let state = self
            .context
            .create_state()
            .map_err(|_| SpeechError::Decode { at_ms: 0, what: "there is not enough memory to start" })?;
        Ok(Decoder { model: self, state, params, language })
    }

    fn language(&self, asked: Option<&str>) -> Result<Option<&'static str>, SpeechError> {
        let Some(asked) = asked else {
            return Ok((!self.header.multilingual()).then_some("en"));
        };
        // The engine knows primary subtags only, and its look-up panics on NUL.
        let primary = asked.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let plain = !primary.is_empty() && primary.bytes().all(|b| b.is_ascii_lowercase());
        let known = plain.then(|| whisper_rs::get_lang_id(&primary)).flatten().and_then(whisper_rs::get_lang_str);
        let known = known.filter(|known| self.header.multilingual() || *known == "en");
        known.map(Some).ok_or_else(|| SpeechError::Language(asked.to_owned()))
    }
}

impl Decoder<'_> {
    /// The language in use: given, or found in the first window with words; empty while unknown.
    pub(crate) fn language(&self) -> &'static str {
        self.language.unwrap_or_default()
    }

    /// Decodes one window of samples (at most 30 s), that starts at `at_ms` of the audio.
    pub(crate) fn decode(&mut self, samples: &mut Vec<f32>, at_ms: u64) -> Result<Vec<RawSegment>, SpeechError> {
        let frames = samples.len().div_ceil(crate::FRAME);
        samples.resize(samples.len().max(RATE + RATE / 10), 0.0);
        self.state
            .full(self.params.clone(), samples)
            .map_err(|error| SpeechError::Decode { at_ms, what: meaning(error) })?;
        let end_of_text = self.model.context.token_eot();
        let mut out = Vec::new();
        for segment in self.state.as_iter() {
            let clamp = |centiseconds: i64| usize::try_from(centiseconds).unwrap_or(0).min(frames);
            let (start, end) = (clamp(segment.start_timestamp()), clamp(segment.end_timestamp()));
            let mut tokens = Vec::new();
            let (mut sum, mut count) = (0.0, 0u32);
            for token in (0..segment.n_tokens()).filter_map(|i| segment.get_token(i)) {
                let data = token.token_data();
                sum += data.plog;
                count += 1;
                if token.token_id() < end_of_text {
                    let bytes = token.to_bytes().unwrap_or_default().to_vec();
                    tokens.push(Token { bytes, p: data.p, start: clamp(data.t0) });
                }
            }
            let mean_log_p = sum / count.max(1) as f32;
            out.push(RawSegment { start, end, tokens, no_speech: segment.no_speech_probability(), mean_log_p });
        }
        if self.language.is_none() && !out.is_empty() {
            self.keep_language();
        }
        Ok(out)
    }

    /// The language found in this window is used for all others.
    fn keep_language(&mut self) {
        let found = whisper_rs::get_lang_str(self.state.full_lang_id_from_state());
        if let Some(found) = found {
            self.params.set_language(Some(found));
            self.language = Some(found);
        }
    }
}

/// Hints as a sentence, without what the engine's strings cannot hold.
fn prompt(vocabulary: &[String]) -> String {
    const LONGEST: usize = 800;
    let mut text = String::new();
    for word in vocabulary {
        let word: String = word.chars().filter(|c| !c.is_control()).collect();
        let word = word.trim();
        if word.is_empty() || text.len() + word.len() > LONGEST {
            continue;
        }
        text.push_str(if text.is_empty() { " " } else { ", " });
        text.push_str(word);
    }
    text
}

/// What whisper.cpp's error numbers stand for; whisper-rs passes them on as they are.
fn meaning(error: WhisperError) -> &'static str {
    match error {
        WhisperError::UnableToCalculateSpectrogram | WhisperError::GenericError(-1 | -2) => {
            "the sound cannot be analysed"
        }
        WhisperError::GenericError(-3) => "the language cannot be found out",
        WhisperError::GenericError(-4 | -7) => "there is not enough memory",
        WhisperError::FailedToEncode | WhisperError::GenericError(-6) => "the encoder failed",
        WhisperError::FailedToDecode | WhisperError::GenericError(-8 | -9) => "the decoder failed",
        WhisperError::NoSamples => "there is no sound",
        _ => "the engine failed without a reason",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_become_a_prompt_without_what_the_engine_cannot_hold() {
        assert_eq!(prompt(&["Ann\0a".into(), " ".into(), "Bo\n".into()]), " Anna, Bo");
        assert_eq!(prompt(&[]), "");
        assert!(prompt(&vec!["word".repeat(10); 1000]).len() < 900);
    }
}
