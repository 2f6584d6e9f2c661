//! The arguments as they were typed, to show what is wrong in them.
//!
//! Invariant: what is shown was typed: an option that has its default value is not found.

use std::{ffi::OsString, ops::Range, sync::OnceLock};

use trix_core::mistake::{Excerpt, Mistake};

/// The arguments of the command line, with the name of the program.
static ARGUMENTS: OnceLock<Vec<OsString>> = OnceLock::new();

/// Keeps the arguments of the command line, the first of which is the name of the program, for [`Typed::of_process`]. The first call
/// counts.
pub fn set(arguments: Vec<OsString>) -> &'static [OsString] {
    ARGUMENTS.get_or_init(|| arguments)
}

/// The arguments of the command line, without the name of the program.
pub struct Typed {
    words: Vec<String>,
}

/// An option with its value, or a single argument.
pub struct Found {
    text: String,
    value: Range<usize>,
}

impl Found {
    /// The whole value as what is wrong; without a value, the option.
    pub fn excerpt(&self) -> Excerpt {
        Excerpt::new(None, &self.text, self.value.clone())
    }

    /// `part` of the value as what is wrong: its last occurrence, or the whole value.
    pub fn excerpt_of(&self, part: &str) -> Excerpt {
        let at = self.text[self.value.clone()].rfind(part).filter(|_| !part.is_empty());
        let part = at.map(|at| self.value.start + at..self.value.start + at + part.len());
        Excerpt::new(None, &self.text, part.unwrap_or(self.value.clone()))
    }

    /// The place behind the argument as what is wrong: something is missing there.
    pub fn excerpt_of_end(&self) -> Excerpt {
        Excerpt::new(None, &self.text, self.text.len()..self.text.len())
    }

    /// The value.
    pub fn value(&self) -> &str {
        &self.text[self.value.clone()]
    }
}

impl Typed {
    /// The arguments of the command line, without the name of the program.
    pub fn of_process() -> Self {
        let words = ARGUMENTS.get().into_iter().flatten().skip(1);
        Typed::new(words.map(|word| word.to_string_lossy().into_owned()).collect())
    }

    /// These arguments.
    pub fn new(words: Vec<String>) -> Self {
        Typed { words }
    }

    /// The arguments, in their order.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The occurrences of an option, such as `--output`, with their values.
    pub fn options(&self, option: &str) -> Vec<Found> {
        let ends = self.words.iter().position(|word| word == "--").unwrap_or(self.words.len());
        let mut found = Vec::new();
        for (at, word) in self.words[..ends].iter().enumerate() {
            let is_short = option == "--output" && word == "-o";
            if word == option || is_short {
                let next = self.words.get(at + 1).filter(|_| at + 1 < ends);
                let text = next.map_or(word.clone(), |next| format!("{word} {next}"));
                let from = if next.is_some() { word.len() + 1 } else { 0 };
                found.push(Found { value: from..text.len(), text });
            } else if word.strip_prefix(option).is_some_and(|rest| rest.starts_with('=')) {
                found.push(Found { text: word.clone(), value: option.len() + 1..word.len() });
            }
        }
        found
    }

    /// The argument `word` itself.
    pub fn word(&self, word: &str) -> Option<Found> {
        let found = self.words.iter().find(|own| *own == word)?;
        Some(Found { text: found.clone(), value: 0..found.len() })
    }

    /// A value of `option`, or a part of its list, that `message` has in single quotation marks.
    pub fn quoted(&self, option: &str, message: &str) -> Option<Excerpt> {
        let is_named = |part: &&str| message.contains(&format!("'{part}'"));
        self.options(option).iter().find_map(|found| Some(found.excerpt_of(found.value().split(',').find(is_named)?)))
    }

    /// Shows a mistake of a job in the argument that it comes from. An option such as `--video-stream` sets a key of the
    /// job, which was not typed.
    pub fn show(&self, mistake: &mut Mistake) {
        let set = mistake.excerpt.as_ref().and_then(|excerpt| excerpt.text.strip_prefix("--set "));
        let is_made = |set: &&str| !self.options("--set").iter().any(|found| found.value().starts_with(*set));
        if mistake.excerpt.is_none() {
            mistake.excerpt = self.excerpt(mistake).map(Box::new);
        } else if set.filter(is_made).is_some()
            && let Some(excerpt) = self.excerpt(mistake)
        {
            (mistake.line, mistake.excerpt) = (None, Some(excerpt.into()));
        }
    }

    /// The argument in which a mistake of the job is, if it was typed.
    fn excerpt(&self, mistake: &Mistake) -> Option<Excerpt> {
        let place = mistake.place.strip_prefix("outputs[0].").unwrap_or(&mistake.place);
        if let Some((number, key)) = track(place) {
            return Some(self.options("--audio").get(number)?.excerpt_of_track(key, &mistake.value));
        }
        for (table, option) in [("video.params.", "--param"), ("metadata.", "--metadata")] {
            if let Some(key) = place.strip_prefix(table) {
                let is_meant = |found: &&Found| found.value().trim_start_matches('-').starts_with(&format!("{key}="));
                return self.options(option).iter().find(is_meant).map(Found::excerpt);
            }
        }
        self.options(&option(place)).last().map(|found| found.excerpt_of(&mistake.value))
    }
}

impl Found {
    /// The value of `key` of an external audio track as what is wrong.
    fn excerpt_of_track(&self, key: &str, value: &str) -> Excerpt {
        let name = match key {
            "language" => "lang",
            "layout" => "map",
            "disposition" => return self.excerpt_of(value),
            own => own.split('.').next().unwrap_or(own),
        };
        let options = self.value();
        let Some(at) = options.find(&format!("{name}=")) else { return self.excerpt() };
        let from = self.value.start + at + name.len() + 1;
        let length = self.text[from..].find(',').unwrap_or(self.text.len() - from);
        Excerpt::new(None, &self.text, from..from + length)
    }
}

/// The number of an external audio track and its key, from `tracks[1].language`.
fn track(place: &str) -> Option<(usize, &str)> {
    let (number, key) = place.strip_prefix("tracks[")?.split_once(']')?;
    Some((number.parse().ok()?, key.trim_start_matches('.')))
}

/// The option of the command line for a place in a job.
fn option(place: &str) -> String {
    let named = match place {
        "output.path" | "path" => "output",
        "video.rate" | "video.rate.kbps" => "bitrate",
        "video.rate.value" => "target",
        "video.keyframes" => "force-keyframes",
        "audio.kbps" => "audio",
        "audio_shape.sample_rate" => "audio-rate",
        "audio_shape.layout" => "audio-layout",
        "audio_shape.matrix" => "audio-matrix",
        "picture.rate" => "fps",
        "picture.source_color" => "color-override",
        "source.rate" => "source-rate",
        other => other.rsplit('.').next().unwrap_or(other),
    };
    format!("--{}", named.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str, place: &str, value: &str) -> Option<String> {
        let typed = Typed::new(line.split(' ').map(str::to_owned).collect());
        let excerpt = typed.excerpt(&Mistake::new(place, value, "is wrong"))?;
        Some(format!("{}|{}", excerpt.text, &excerpt.text[excerpt.bytes()]))
    }

    #[test]
    fn a_mistake_of_a_job_is_shown_in_the_option_that_was_typed() {
        let line =
            "encode a.mov -o b.mp4 --crf=60 --preset fasst --param crff=3 --param --rf=1 --metadata isrc=x --fps 0";
        for (place, value, expected) in [
            ("video.rate.crf", "60", Some("--crf=60|60")),
            ("outputs[0].video.preset", "fasst", Some("--preset fasst|fasst")),
            ("video.params.crff", "3", Some("--param crff=3|crff=3")),
            ("video.params.rf", "1", Some("--param --rf=1|--rf=1")),
            ("metadata.isrc", "x", Some("--metadata isrc=x|isrc=x")),
            ("output.path", "b.mp4", Some("-o b.mp4|b.mp4")),
            ("picture.rate", "0", Some("--fps 0|0")),
            ("video.depth", "12", None),
        ] {
            assert_eq!(shown(line, place, value).as_deref(), expected, "{place}");
        }
    }

    #[test]
    fn a_mistake_of_an_external_track_is_shown_in_its_own_argument() {
        let line = "ingest a.mov -o out --audio b.wav:lang=xx,title=x --audio c.wav:tempo=3,map=9.9";
        for (place, value, expected) in [
            ("tracks[0].language", "xx", "--audio b.wav:lang=xx,title=x|xx"),
            ("tracks[1].layout", "9.9", "--audio c.wav:tempo=3,map=9.9|9.9"),
            ("tracks[1].tempo", "3/1", "--audio c.wav:tempo=3,map=9.9|3"),
            ("tracks[1].inputs[0].stream", "2", "--audio c.wav:tempo=3,map=9.9|c.wav:tempo=3,map=9.9"),
        ] {
            assert_eq!(shown(line, place, value).as_deref(), Some(expected), "{place}");
        }
        assert_eq!(shown(line, "tracks[2].language", "xx"), None);
    }
}
