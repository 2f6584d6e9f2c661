//! Values of trix-core as an operator reads them.

pub mod doctor;
pub mod probe;
pub mod progress;
pub mod report;
pub mod verify;

/// Bytes in the largest unit that keeps a digit before the point.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} bytes") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A number of things, with an `s` where there is more or less than one.
pub fn counted(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// Seconds as `H:MM:SS`.
pub fn clock(seconds: f64) -> String {
    let seconds = seconds.round().max(0.0) as u64;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Bits in a second as bit/s, kbit/s or Mbit/s.
pub fn bit_rate(rate: u64) -> String {
    match rate {
        0..10_000 => format!("{rate} bit/s"),
        10_000..10_000_000 => format!("{} kbit/s", rate / 1000),
        _ => format!("{:.1} Mbit/s", rate as f64 / 1e6),
    }
}
