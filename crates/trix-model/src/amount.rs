//! Amounts in words, for people.

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

/// A bit rate as bit/s, kbit/s or Mbit/s.
pub fn bit_rate(rate: u64) -> String {
    match rate {
        0..10_000 => format!("{rate} bit/s"),
        10_000..10_000_000 => format!("{} kbit/s", rate / 1000),
        _ => format!("{:.1} Mbit/s", rate as f64 / 1e6),
    }
}
