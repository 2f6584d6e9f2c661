//! An external audio track as text: `FILE[+FILE...][:KEY=VALUE,...,PURPOSE,...]`.
//!
//! Invariant: settings that are written and read again mean the same. All mistakes of a text are reported.
//!
//! Keys are `lang`, `title`, `map`, `stream`, `channel`, `offset`, `tempo`, `pitch`, `length`, `tolerance`, `gain` and
//! `loudness`; a purpose (`default`, `dub`, `comment`, ...) has no value. The name of a file ends at the first colon
//! that is followed by a key or a purpose, also by one with a wrong letter. Other colons are part of the name. A backslash
//! makes the next `+`, `,`, `:` or backslash an ordinary character.
//!
//! `map` is a layout (`5.1`) or loudspeakers in the order of the channels (`FC+FL+FR`), with `*` for a channel that is
//! left out and `FL/FR` for one that plays from both. `stream` and `channel` are one number for all files, or one
//! number for each, joined by `+`, where `*` stands for the default. With one file, several numbers use it several
//! times. `loudness` is `LUFS[/DBTP[/linear|dynamic]]`.

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr};

use super::track::{
    Disposition, LengthPolicy, LoudnessMode, LoudnessTarget, Tempo, TrackInput, TrackSettings, speaker,
};
use crate::{
    layout::Loudspeakers,
    path_text,
    settings::{
        audio_edit::Pitch,
        moment::{decimal, read_moment, write_moment},
        track::CHANNELS,
    },
    time::Rational,
};

const KEYS: [&str; 12] = [
    "lang",
    "title",
    "map",
    "stream",
    "channel",
    "offset",
    "tempo",
    "pitch",
    "length",
    "tolerance",
    "gain",
    "loudness",
];

impl FromStr for TrackSettings {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (files, options) = split_options(text);
        let paths: Vec<PathBuf> = split(files, '+').iter().map(|file| path_text::from_text(&plain(file))).collect();
        let mut track = TrackSettings::default();
        let (mut streams, mut channels) = (Vec::new(), Vec::new());
        let mut mistakes = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for option in options.map(|options| split(options, ',')).unwrap_or_default() {
            let Some((key, value)) = option.split_once('=') else {
                match Disposition::ALL.iter().find(|known| known.name() == option) {
                    Some(purpose) if !track.disposition.contains(purpose) => track.disposition.push(*purpose),
                    Some(_) => mistakes.push(format!("{option} occurs twice")),
                    None => mistakes.push(format!("'{option}' is no purpose of a track; {}", purposes())),
                }
                continue;
            };
            if seen.contains(&key) {
                mistakes.push(format!("{key} occurs twice"));
            }
            seen.push(key);
            let value = plain(value);
            if let Err(problem) = enter(&mut track, &mut streams, &mut channels, key, &value) {
                mistakes.push(problem);
            }
        }
        match inputs(&paths, &streams, &channels) {
            Ok(inputs) => match inputs.as_slice() {
                [TrackInput { path, stream: None, channel: None }] => track.path = Some(path.clone()),
                _ => track.inputs = inputs,
            },
            Err(problem) => mistakes.push(problem),
        }
        if mistakes.is_empty() { Ok(track) } else { Err(mistakes.join("; ")) }
    }
}

/// Applies one option to the track.
fn enter(
    track: &mut TrackSettings,
    streams: &mut Vec<Option<usize>>,
    channels: &mut Vec<Option<usize>>,
    key: &str,
    value: &str,
) -> Result<(), String> {
    match key {
        "lang" => track.language = Some(value.to_owned()),
        "title" => track.title = Some(value.to_owned()),
        "map" if Loudspeakers::from_text(value).is_some() && !value.contains('+') && speaker(value).is_none() => {
            track.layout = Some(value.to_owned());
        }
        "map" => track.map = read_map(value)?,
        "stream" => *streams = numbers(key, value)?,
        "channel" => *channels = numbers(key, value)?,
        "offset" => track.offset = Some(read_moment(value)?),
        "tempo" => track.tempo = value.parse()?,
        "pitch" => {
            track.pitch = match value {
                "follow" => Pitch::Follow,
                "keep" => Pitch::Keep,
                _ => return Err(format!("pitch is follow or keep, not '{value}'")),
            }
        }
        "length" => {
            let known = LengthPolicy::ALL.iter().find(|known| known.name() == value);
            let names = || LengthPolicy::ALL.map(LengthPolicy::name).join(", ");
            track.length = *known.ok_or_else(|| format!("length is one of {}, not '{value}'", names()))?;
        }
        "tolerance" => track.tolerance = Some(read_moment(value)?),
        "gain" => {
            let number = value.strip_suffix("dB").unwrap_or(value);
            track.gain = decimal(number).ok_or_else(|| format!("'{value}' is no gain in dB such as -3.5"))?;
        }
        "loudness" => track.loudness = Some(value.parse()?),
        _ => {
            let near = KEYS.iter().min_by_key(|known| strsim::damerau_levenshtein(known, key)).unwrap_or(&"");
            return Err(format!("'{key}' is no setting of a track; {near} comes nearest of {}", KEYS.join(", ")));
        }
    }
    Ok(())
}

/// Returns the files, each with its stream and channel.
fn inputs(paths: &[PathBuf], streams: &[Option<usize>], channels: &[Option<usize>]) -> Result<Vec<TrackInput>, String> {
    let count = paths.len().max(streams.len()).max(channels.len());
    let fits = |length: usize| length <= 1 || length == count;
    if !fits(paths.len()) || !fits(streams.len()) || !fits(channels.len()) {
        return Err(format!(
            "{} files, {} streams and {} channels do not go together: one for all, or one for each",
            paths.len(),
            streams.len(),
            channels.len()
        ));
    }
    let of =
        |list: &[Option<usize>], at: usize| if list.len() == 1 { list[0] } else { list.get(at).copied().flatten() };
    let path = |at: usize| if paths.len() == 1 { paths[0].clone() } else { paths[at].clone() };
    let input = |at| TrackInput { path: path(at), stream: of(streams, at), channel: of(channels, at) };
    Ok((0..count).map(input).collect())
}

/// Splits the text into files and options, at the first colon that is followed by a key or a purpose.
fn split_options(text: &str) -> (&str, Option<&str>) {
    let begins = |rest: &str| {
        let word = rest.split([',', '=']).next().unwrap_or_default();
        let has_value = rest[word.len()..].starts_with('=');
        let names: Vec<&str> = match has_value {
            true => KEYS.to_vec(),
            false => Disposition::ALL.iter().map(|known| known.name()).collect(),
        };
        // A misspelled name is a mistake of the options, and no part of the name of a file.
        let is_near = |known: &&str| word.len() > 2 && strsim::damerau_levenshtein(known, word) <= 1;
        names.contains(&word) || names.iter().any(is_near)
    };
    let colon = unescaped(text, ':').into_iter().find(|at| begins(&text[at + 1..]));
    colon.map_or((text, None), |at| (&text[..at], Some(&text[at + 1..])))
}

/// The places of `mark` without a backslash before it.
fn unescaped(text: &str, mark: char) -> Vec<usize> {
    let mut escaped = false;
    let mut places = Vec::new();
    for (at, character) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == mark {
            places.push(at);
        }
    }
    places
}

fn split(text: &str, mark: char) -> Vec<&str> {
    let mut from = 0;
    let mut parts = Vec::new();
    for at in unescaped(text, mark) {
        parts.push(&text[from..at]);
        from = at + mark.len_utf8();
    }
    parts.push(&text[from..]);
    parts
}

const MARKS: [char; 4] = ['\\', ':', '+', ','];

/// Removes backslashes that escape a character.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match characters.peek() {
            Some(next) if character == '\\' && MARKS.contains(next) => plain.extend(characters.next()),
            _ => plain.push(character),
        }
    }
    plain
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if MARKS.contains(&character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn purposes() -> String {
    format!("purposes are {}", Disposition::ALL.map(Disposition::name).join(", "))
}

fn numbers(key: &str, value: &str) -> Result<Vec<Option<usize>>, String> {
    let number = |text: &str| match text {
        "*" => Ok(None),
        _ => text.parse().map(Some).map_err(|_| format!("'{text}' is no number of a {key}, counted from 0")),
    };
    value.split('+').map(number).collect()
}

/// Reads loudspeakers in the order of the input channels.
fn read_map(value: &str) -> Result<BTreeMap<String, usize>, String> {
    let mut map = BTreeMap::new();
    let names = value.split('+').enumerate();
    // `*` leaves a channel out. With `/`, a channel plays from several places.
    let names = names.flat_map(|(number, names)| names.split('/').map(move |name| (number, name)));
    for (number, name) in names.filter(|(_, name)| *name != "*") {
        if speaker(name).is_none() {
            return Err(format!("'{value}' is neither a layout such as 5.1 nor loudspeakers such as FL+FR"));
        }
        if map.insert(name.to_owned(), number).is_some() {
            return Err(format!("map names {name} twice"));
        }
    }
    Ok(map)
}

fn write_map(map: &BTreeMap<String, usize>) -> String {
    let count = map.values().max().map_or(0, |most| (*most).min(CHANNELS) + 1);
    let name = |number: usize| {
        let names = map.iter().filter(|(_, known)| **known == number).map(|(name, _)| name.as_str());
        let names: Vec<&str> = names.collect();
        if names.is_empty() { "*".to_owned() } else { names.join("/") }
    };
    (0..count).map(name).collect::<Vec<_>>().join("+")
}

impl FromStr for Tempo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no tempo such as 25/24 or 24000/1001->25");
        let rate = |text: &str| -> Option<Rational> {
            let known = [("23.976", 24), ("29.97", 30), ("47.952", 48), ("59.94", 60), ("119.88", 120)];
            let ntsc = known.iter().find(|(name, _)| *name == text);
            let exact = ntsc.map(|(_, whole)| Rational::new(whole * 1000, 1001));
            exact.or_else(|| text.parse().ok()).filter(|rate| rate.is_positive())
        };
        let Some((from, to)) = text.split_once("->") else {
            return rate(text).map(Tempo).ok_or_else(wrong);
        };
        let (from, to) = (rate(from).ok_or_else(wrong)?, rate(to).ok_or_else(wrong)?);
        let product = |a: i64, b: i64| a.checked_mul(b).ok_or_else(wrong);
        Ok(Tempo(Rational::new(product(to.num, from.den)?, product(to.den, from.num)?)))
    }
}

impl fmt::Display for Tempo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for LoudnessTarget {
    type Err = String;

    /// Reads `LUFS[/DBTP[/linear|dynamic]]`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no loudness such as -23, -16/-1 or -16/-1/dynamic");
        let mut target = LoudnessTarget::default();
        let parts: Vec<&str> = text.split('/').collect();
        if parts.len() > 3 {
            return Err(wrong());
        }
        target.integrated_lufs = decimal(parts[0]).ok_or_else(wrong)?;
        if let Some(peak) = parts.get(1) {
            target.true_peak_dbtp = decimal(peak).ok_or_else(wrong)?;
        }
        target.mode = match parts.get(2) {
            None | Some(&"linear") => LoudnessMode::Linear,
            Some(&"dynamic") => LoudnessMode::Dynamic,
            Some(_) => return Err(wrong()),
        };
        Ok(target)
    }
}

impl fmt::Display for LoudnessTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.integrated_lufs, self.true_peak_dbtp)?;
        if self.mode == LoudnessMode::Dynamic { f.write_str("/dynamic") } else { Ok(()) }
    }
}

impl fmt::Display for TrackSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs = self.all_inputs();
        let files: Vec<String> = inputs.iter().map(|input| escaped(&path_text::to_text(&input.path))).collect();
        f.write_str(&files.join("+"))?;
        let mut options: Vec<String> = Vec::new();
        let mut list = |key: &str, pick: fn(&TrackInput) -> Option<usize>| {
            if inputs.iter().any(|input| pick(input).is_some()) {
                let number = |input| pick(input).map_or_else(|| "*".to_owned(), |number: usize| number.to_string());
                options.push(format!("{key}={}", inputs.iter().map(number).collect::<Vec<_>>().join("+")));
            }
        };
        list("stream", |input| input.stream);
        list("channel", |input| input.channel);
        options.extend(self.layout.as_ref().map(|layout| format!("map={}", escaped(layout))));
        if !self.map.is_empty() {
            options.push(format!("map={}", write_map(&self.map)));
        }
        options.extend(self.language.as_ref().map(|language| format!("lang={}", escaped(language))));
        options.extend(self.title.as_ref().map(|title| format!("title={}", escaped(title))));
        options.extend(self.offset.map(|offset| format!("offset={}", write_moment(offset))));
        if !self.tempo.is_one() {
            options.push(format!("tempo={}", self.tempo));
        }
        if self.pitch == Pitch::Keep {
            options.push("pitch=keep".to_owned());
        }
        if self.length != LengthPolicy::default() {
            options.push(format!("length={}", self.length.name()));
        }
        options.extend(self.tolerance.map(|tolerance| format!("tolerance={}", write_moment(tolerance))));
        if self.gain != 0.0 {
            options.push(format!("gain={}", self.gain));
        }
        options.extend(self.loudness.map(|target| format!("loudness={target}")));
        options.extend(self.disposition.iter().map(|purpose| purpose.name().to_owned()));
        if options.is_empty() { Ok(()) } else { write!(f, ":{}", options.join(",")) }
    }
}
