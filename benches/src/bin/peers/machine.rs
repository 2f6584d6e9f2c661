//! Describes the machine and the software of a measurement.

use std::{
    fs, io,
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use trix_core::{doctor, media::calendar};

/// The machine and the software that measurements depend on.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Date of the measurement, in UTC.
    pub date: String,
    /// Model of the processor.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// Kernel and its version.
    pub system: String,
    /// Load average over one minute before the measurement.
    pub load: String,
    /// Version of Trix.
    pub trix: String,
    /// Libraries that Trix uses.
    pub libraries: Vec<(String, String)>,
    /// The version lines of ffmpeg and libavcodec, and the first lines of x264 and mediainfo.
    pub peers: Vec<String>,
}

impl Machine {
    /// Examines this machine.
    ///
    /// # Errors
    /// If `ffmpeg`, `x264` or `mediainfo` cannot be run.
    pub fn look() -> io::Result<Self> {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let wanted = |line: &&str| line.starts_with("ffmpeg version") || line.starts_with("libavcodec");
        let mut peers: Vec<String> = said("ffmpeg", "-version")?.lines().filter(wanted).map(squeezed).collect();
        peers.extend(said("x264", "--version")?.lines().next().map(squeezed));
        let version = said("mediainfo", "--Version")?;
        peers.extend(version.lines().find(|line| line.contains("MediaInfoLib")).map(|line| line.replace(',', "")));
        let found = doctor::examine();
        Ok(Machine {
            date: date((seconds / 86_400) as i64),
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: field("/proc/meminfo", "MemTotal")
                .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
                .map_or(0.0, |kib| kib / 1024.0 / 1024.0),
            system: first_line("/proc/sys/kernel/osrelease").map_or("unknown".into(), |line| format!("Linux {line}")),
            load: first_line("/proc/loadavg")
                .and_then(|line| line.split_whitespace().next().map(str::to_owned))
                .unwrap_or_else(|| "unknown".into()),
            trix: found.trix,
            libraries: found.libraries.into_iter().map(|library| (library.name, library.version)).collect(),
            peers,
        })
    }
}

/// The output of a program.
fn said(program: &str, argument: &str) -> io::Result<String> {
    let missing = |error: io::Error| io::Error::new(error.kind(), format!("{program} cannot be run: {error}"));
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).output().map_err(missing)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn first_line(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()?.lines().next().map(str::to_owned)
}

/// The value of a `name : value` line.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The Gregorian date `days` days after 1970-01-01.
fn date(days: i64) -> String {
    let (year, month, day) = calendar::date_of(days).expect("a day near today");
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(11_016), "2000-02-29");
        assert_eq!(date(20_453), "2025-12-31");
    }
}
