//! The engine process alone, to try models and sound with: frames of `runtime-protocol` on standard input and output.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime_speech::serve(std::io::stdin(), std::io::stdout()).into()
}
