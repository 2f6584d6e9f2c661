//! Text as WebVTT: one complete file for DASH, and segments of it for HLS (W3C WebVTT; RFC 8216, 3.5).
//!
//! Both forms are needed: dash.js reads a text track as one file beside the manifest, and HLS accepts only segments.
//!
//! Invariant: every segment contains all cues that are shown during it, each with its own complete times.

use std::fmt::Write;

use trix_av::packet::{Packet, PacketSide};
use trix_model::time::{TimeBase, Timestamp};

/// Time base of WebVTT.
pub(super) const MILLIS: TimeBase = TimeBase::new(1, 1000);

/// A cue. Its times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cue {
    pub(super) start: i64,
    pub(super) end: i64,
    name: String,
    settings: String,
    pub(super) text: String,
}

impl Cue {
    /// The cue of a packet with times in `base`. `None` if nothing would be shown.
    pub(super) fn of(packet: &Packet, base: TimeBase) -> Option<Self> {
        let start = packet.pts().or(packet.dts())?;
        let millis = |ticks: i64| Timestamp::new(ticks, base).rescale(MILLIS).max(0);
        let (start, end) = (millis(start), millis(start.saturating_add(packet.duration())));
        let text = payload(&String::from_utf8_lossy(packet.data()));
        let line = |kind| one_line(&packet.side_text(kind).unwrap_or_default());
        (start < end && !text.is_empty()).then(|| Cue {
            start,
            end,
            name: line(PacketSide::AV_PKT_DATA_WEBVTT_IDENTIFIER),
            settings: line(PacketSide::AV_PKT_DATA_WEBVTT_SETTINGS),
            text,
        })
    }

    fn write(&self, to: &mut String) {
        if !self.name.is_empty() {
            to.push_str(&self.name);
            to.push('\n');
        }
        let space = if self.settings.is_empty() { "" } else { " " };
        let (start, end) = (time(self.start), time(self.end));
        // Writing to a string cannot fail.
        let _ = writeln!(to, "{start} --> {end}{space}{}\n{}\n", self.settings, self.text);
    }
}

/// Removes empty lines, which would end a cue, and escapes the arrow, which would begin one.
fn payload(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\0'], "\n").replace("-->", "--&gt;");
    text.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n")
}

fn one_line(text: &str) -> String {
    payload(text).replace('\n', " ")
}

/// WebVTT, 4.1: hours with two or more digits.
fn time(millis: i64) -> String {
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:03}", millis / 1000 % 60, millis % 1000)
}

/// All cues of a track in one file.
pub(super) fn whole(cues: &[Cue]) -> String {
    let mut file = "WEBVTT\n\n".to_owned();
    cues.iter().for_each(|cue| cue.write(&mut file));
    file
}

/// The cues shown from `start` to `end`, in milliseconds. The header states that cue times equal video times.
pub(super) fn segment(cues: &[Cue], start: i64, end: i64) -> String {
    let mut file = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n".to_owned();
    cues.iter().filter(|cue| cue.start < end && cue.end > start).for_each(|cue| cue.write(&mut file));
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(start: i64, end: i64, text: &str) -> Option<Cue> {
        let mut packet = Packet::copy_of(text.as_bytes());
        packet.set_times(Some(start), Some(start), end - start);
        Cue::of(&packet, MILLIS)
    }

    #[test]
    fn a_cue_over_a_boundary_stands_on_both_sides() {
        let cues: Vec<Cue> =
            [cue(500, 1500, "one"), cue(1900, 4100, "two\r\n\r\nlines --> here")].into_iter().flatten().collect();
        let shown = |start, end| segment(&cues, start, end).matches("-->").count();
        assert_eq!([shown(0, 2000), shown(2000, 4000), shown(4000, 6000), shown(6000, 8000)], [2, 1, 1, 0]);
        assert_eq!(
            whole(&cues),
            "WEBVTT\n\n00:00:00.500 --> 00:00:01.500\none\n\n00:00:01.900 --> 00:00:04.100\ntwo\nlines --&gt; here\n\n"
        );
        assert_eq!((cue(5, 5, "x"), cue(1, 5, " \n")), (None, None));
    }
}
