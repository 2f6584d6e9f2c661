//! Formats values of trix-core for operators.

pub mod doctor;
pub mod events;
pub mod plan;
pub mod problem;
pub mod progress;
pub mod reading;
pub mod report;
mod screen;
pub mod summary;
pub mod verify;
pub mod visible;
mod wrap;

/// Seconds as `H:MM:SS`.
pub fn clock(seconds: f64) -> String {
    let seconds = seconds.round().max(0.0) as u64;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `text` in at most `width` characters, of which one is the least. The end of a file name says more than its middle.
pub fn shortened(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.to_owned();
    }
    let tail = (width - 1) * 2 / 3;
    let head: String = text.chars().take(width - 1 - tail).collect();
    let end: String = text.chars().skip(count - tail).collect();
    format!("{head}…{end}")
}
