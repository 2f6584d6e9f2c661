//! Formats values of trix-core for operators.

pub mod doctor;
pub mod plan;
pub mod probe;
pub mod progress;
pub mod report;
pub mod verify;

use trix_core::decode::timing::TimingReport;

/// Bytes in the largest unit with at least 1 before the decimal point.
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

/// A count with its noun, which gets an `s` unless the count is 1.
pub fn counted(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// Seconds as `H:MM:SS`.
pub fn clock(seconds: f64) -> String {
    let seconds = seconds.round().max(0.0) as u64;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Irregular times of a stream; `None` if there are none.
pub fn timing(found: &TimingReport) -> Option<String> {
    let some = |count: u64, thing: &str| (count > 0).then(|| counted(count, thing));
    let counts = [
        some(found.gaps, "gap"),
        some(found.repeats, "repeat"),
        some(found.missing, "missing time"),
        some(found.skipped, "skipped frame"),
    ];
    let mut counts: Vec<String> = counts.into_iter().flatten().collect();
    counts.extend(found.drift.map(|drift| {
        let parts = drift.parts_per_million;
        format!("a drift of {parts:+} parts per million ({:+.3} s at the end)", drift.apart.to_f64())
    }));
    let first = found.first.first().map_or_else(String::new, |first| {
        let step = first.step.map_or_else(String::new, |step| format!(" ({:+.3} s)", step.to_f64()));
        format!(", first after {}{step}", first.after)
    });
    (!counts.is_empty()).then(|| format!("{}{first}", counts.join(", ")))
}

/// A bit rate as bit/s, kbit/s or Mbit/s.
pub fn bit_rate(rate: u64) -> String {
    match rate {
        0..10_000 => format!("{rate} bit/s"),
        10_000..10_000_000 => format!("{} kbit/s", rate / 1000),
        _ => format!("{:.1} Mbit/s", rate as f64 / 1e6),
    }
}
