//! Text as WebVTT (W3C WebVTT): a complete file, and segments of it for HLS (RFC 8216, 3.5).
//!
//! Both forms are needed: dash.js reads a text track as one file beside the manifest, and HLS accepts only segments.
//!
//! Invariant: every segment contains all cues that are shown during it, each with its own complete times.

use std::fmt::Write;

/// A cue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cue {
    /// Start in milliseconds.
    start: i64,
    /// End in milliseconds, after `start`.
    end: i64,
    /// Its identifier; empty for none.
    name: String,
    /// Its settings, such as `line:0`; empty for none.
    settings: String,
    text: String,
}

impl Cue {
    /// A cue from `start` to `end` in milliseconds. Empty lines, which would end the cue, are removed, and arrows, which
    /// would begin one, are escaped. `None` if nothing would be shown.
    pub fn new(start: i64, end: i64, text: &str) -> Option<Self> {
        let text = payload(text);
        (start < end && !text.is_empty()).then(|| Cue {
            start,
            end,
            name: String::new(),
            settings: String::new(),
            text,
        })
    }

    /// Sets the identifier and the settings. Each becomes one line.
    pub fn described(self, name: &str, settings: &str) -> Self {
        Cue { name: one_line(name), settings: one_line(settings), ..self }
    }

    /// Start in milliseconds.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// End in milliseconds.
    pub fn end(&self) -> i64 {
        self.end
    }

    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
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

/// All `cues` in one file.
pub fn whole(cues: &[Cue]) -> String {
    let mut file = "WEBVTT\n\n".to_owned();
    cues.iter().for_each(|cue| cue.write(&mut file));
    file
}

/// The cues shown from `start` to `end`, in milliseconds. The header states that cue times equal video times.
pub fn segment(cues: &[Cue], start: i64, end: i64) -> String {
    let mut file = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n".to_owned();
    cues.iter().filter(|cue| cue.start < end && cue.end > start).for_each(|cue| cue.write(&mut file));
    file
}

/// The blocks after the header of a file, such as cues. Empty lines separate them.
pub fn blocks(file: &str) -> impl Iterator<Item = &str> {
    file.split("\n\n").skip(1).filter(|block| !block.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cue_over_a_boundary_stands_on_both_sides() {
        let cues = [Cue::new(500, 1500, "one"), Cue::new(1900, 4100, "two\r\n\r\nlines --> here")];
        let cues: Vec<Cue> = cues.into_iter().flatten().collect();
        let shown = |start, end| segment(&cues, start, end).matches("-->").count();
        assert_eq!([shown(0, 2000), shown(2000, 4000), shown(4000, 6000), shown(6000, 8000)], [2, 1, 1, 0]);
        assert_eq!(
            whole(&cues),
            "WEBVTT\n\n00:00:00.500 --> 00:00:01.500\none\n\n00:00:01.900 --> 00:00:04.100\ntwo\nlines --&gt; here\n\n"
        );
        assert_eq!((Cue::new(5, 5, "x"), Cue::new(1, 5, " \n")), (None, None));
    }

    #[test]
    fn a_cue_has_its_name_and_settings_on_one_line_each() {
        let cue = Cue::new(0, 10, "x").expect("a cue").described("a\nb", "line:0\r\nalign:left");
        assert_eq!(whole(&[cue]), "WEBVTT\n\na b\n00:00:00.000 --> 00:00:00.010 line:0 align:left\nx\n\n");
    }

    #[test]
    fn times_have_hours() {
        assert_eq!(time(0), "00:00:00.000");
        assert_eq!(time(3_723_045), "01:02:03.045");
        assert_eq!(time(360_000_000), "100:00:00.000");
    }
}
