//! Formats values of trix-core for operators.

pub mod doctor;
pub mod events;
pub mod plan;
pub mod problem;
pub mod progress;
pub mod reading;
pub mod report;
pub mod summary;
pub mod verify;
pub mod visible;

/// Seconds as `H:MM:SS`.
pub fn clock(seconds: f64) -> String {
    let seconds = seconds.round().max(0.0) as u64;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
