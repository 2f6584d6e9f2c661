//! The live progress bar.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::clock;
use trix_core::control::progress::{Phase, Progress};

/// A bar on standard error.
pub struct Bar(ProgressBar);

impl Bar {
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        bar.set_style(style(false));
        Bar(bar)
    }

    /// Shows the current progress of a job.
    pub fn show(&self, progress: &Progress) {
        let name = match progress.phase {
            Phase::FirstPass => "pass 1",
            Phase::Encode => "encode",
            Phase::Verify => "verify",
        };
        if self.0.prefix() != name {
            self.0.set_prefix(name);
            self.0.reset();
        }
        if self.0.length() != progress.frames_expected {
            match progress.frames_expected {
                Some(frames) => self.0.set_length(frames),
                None => self.0.unset_length(),
            }
            self.0.set_style(style(progress.frames_expected.is_some()));
        }
        let mut message = format!("{:.1} fps  {:.2}x", progress.fps, progress.speed);
        if let Some(eta) = progress.eta_seconds {
            message.push_str(&format!("  eta {}", clock(eta)));
        }
        if progress.bytes > 0 {
            message.push_str(&format!("  {:.0} kbit/s", progress.bitrate_kbps));
        }
        self.0.set_message(message);
        self.0.set_position(progress.frame);
    }

    /// Removes the bar from the terminal.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

fn style(with_length: bool) -> ProgressStyle {
    let template =
        if with_length { "{prefix:6} {wide_bar} {pos}/{len}  {msg}" } else { "{prefix:6} {spinner} {pos}  {msg}" };
    // The template is a constant, so it always parses. The default style is only a formal fallback.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
