//! Still images of a film: a poster, thumbnails for the time line of a player, a waveform.
//!
//! Invariant: the default of every setting suits web players. All mistakes are found without a source.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::{mistake::Mistake, settings::names::Names, time::Timestamp};

/// A still image of a film, or a set of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum StillSettings {
    /// One frame that represents the film.
    Poster(PosterSettings),
    /// Thumbnails on sheets, and a WebVTT file with the place and time of each.
    Sprites(SpriteSettings),
    /// The level of the audio along the time line.
    Waveform(WaveformSettings),
}

/// One frame that represents the film: upright, with square pixels, in standard dynamic range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PosterSettings {
    /// The file name. Its extension decides the format: `.jpg` `.jpeg`, `.png`, `.webp`.
    #[serde(with = "crate::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// The time of the frame, counted from the start of the film; the frame shown then is taken. `None`: the most
    /// informative of the examined frames.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub at: Option<Timestamp>,
    /// The largest width in samples, 16 to 16383. Smaller frames keep their size.
    #[schemars(range(min = 16, max = 16_383))]
    pub width: u32,
    /// The largest height in rows, 16 to 16383; `None`: the height that follows from the width.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 16, max = 16_383))]
    pub height: Option<u32>,
    /// Quality of JPEG and WebP, 1 to 100. From 90, JPEG keeps chroma in full resolution.
    #[schemars(range(min = 1, max = 100))]
    pub quality: u32,
}

impl Default for PosterSettings {
    fn default() -> Self {
        PosterSettings { path: PathBuf::new(), at: None, width: 1280, height: None, quality: 85 }
    }
}

/// Thumbnails on sheets, and a WebVTT file with the place and time of each.
///
/// Thumbnails are spaced evenly. Without `interval` and `count`, they are ten seconds apart, but at least 20 (or one
/// for each frame) and at most `most`. If the duration of the film is unknown or wrong, the distance is doubled
/// whenever there are too many, and surplus thumbnails are removed at the end. Their number is then at most the
/// requested one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SpriteSettings {
    /// The name of the sheet. Its extension decides the format, as for a poster. Several sheets are numbered:
    /// `sprites-001.jpg` and so on for `sprites.jpg`.
    #[serde(with = "crate::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// The name of the WebVTT file; `None`: the name of the sheet with the extension `.vtt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(with = "crate::path_text::optional")]
    #[schemars(with = "Option<PathBuf>")]
    pub vtt: Option<PathBuf>,
    /// The text before the names of sheets in the WebVTT file: a folder or an address, with its last slash.
    pub prefix: String,
    /// The time from one thumbnail to the next, at least a millisecond.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub interval: Option<Timestamp>,
    /// The number of thumbnails, 1 to 4000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4000))]
    pub count: Option<u32>,
    /// The largest number of thumbnails, 1 to 4000, if there is no `count`.
    #[schemars(range(min = 1, max = 4000))]
    pub most: u32,
    /// Width of a thumbnail in samples, 16 to 1024. Smaller frames keep their size.
    #[schemars(range(min = 16, max = 1024))]
    pub width: u32,
    /// The largest height of a thumbnail in rows, 16 to 1024; `None`: the height that follows from the width.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 16, max = 1024))]
    pub height: Option<u32>,
    /// Thumbnails in a row of a sheet, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub columns: u32,
    /// Rows of thumbnails on a sheet, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub rows: u32,
    /// Quality of JPEG and WebP, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub quality: u32,
}

impl Default for SpriteSettings {
    fn default() -> Self {
        SpriteSettings {
            path: PathBuf::new(),
            vtt: None,
            prefix: String::new(),
            interval: None,
            count: None,
            most: 400,
            width: 160,
            height: None,
            columns: 10,
            rows: 10,
            quality: 75,
        }
    }
}

impl SpriteSettings {
    /// The name of the WebVTT file.
    pub fn vtt(&self) -> PathBuf {
        self.vtt.clone().unwrap_or_else(|| self.path.with_extension("vtt"))
    }
}

/// The level of the audio along the time line: for each column the lowest and highest sample and the RMS value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WaveformSettings {
    /// The file name, which ends in `.png`.
    #[serde(with = "crate::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// The name of a `.json` file with the peaks, in the format of the program audiowaveform (version 2, 16 bits).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(with = "crate::path_text::optional")]
    #[schemars(with = "Option<PathBuf>")]
    pub peaks: Option<PathBuf>,
    /// The number of the audio track, from 0.
    pub track: usize,
    /// What is done to channels.
    pub channels: WaveformChannels,
    /// Width in samples, 16 to 16383.
    #[schemars(range(min = 16, max = 16_383))]
    pub width: u32,
    /// Height in rows, 16 to 4096.
    #[schemars(range(min = 16, max = 4096))]
    pub height: u32,
    /// The colour from the lowest to the highest sample.
    pub color: Paint,
    /// The colour of the RMS value (root of the mean square), inside it.
    pub rms_color: Paint,
    /// The colour everywhere else.
    pub background: Paint,
}

impl Default for WaveformSettings {
    fn default() -> Self {
        WaveformSettings {
            path: PathBuf::new(),
            peaks: None,
            track: 0,
            channels: WaveformChannels::Mixed,
            width: 1920,
            height: 240,
            color: Paint([0x4a, 0x90, 0xd9, 0xff]),
            rms_color: Paint([0x2c, 0x6c, 0xb0, 0xff]),
            background: Paint([0, 0, 0, 0]),
        }
    }
}

/// What is done to channels in a waveform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WaveformChannels {
    /// The average of all channels is drawn.
    #[default]
    Mixed,
    /// Each channel is drawn by itself, one below the other.
    Each,
}

/// A colour in sRGB with its opacity: red, green, blue, alpha. As text `#rrggbb` or `#rrggbbaa`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint(pub [u8; 4]);

impl FromStr for Paint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a colour such as #4a90d9 or #4a90d980");
        let digits = text.strip_prefix('#').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let digits = digits.ok_or_else(wrong)?;
        let value = u32::from_str_radix(digits, 16).map_err(|_| wrong())?;
        match digits.len() {
            6 => Ok(Paint((value << 8 | 0xff).to_be_bytes())),
            8 => Ok(Paint(value.to_be_bytes())),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Paint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue, alpha] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")?;
        if alpha == 0xff { Ok(()) } else { write!(f, "{alpha:02x}") }
    }
}

impl Serialize for Paint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Paint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Paint {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Paint".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?$" })
    }
}

/// The largest side of a frame in samples: browsers show it everywhere, and WebP can hold it.
#[doc(hidden)]
pub const MOST_SIDE: u32 = 16_383;

impl StillSettings {
    /// The names of the files; of sheets the name without a number.
    pub fn paths(&self) -> Vec<PathBuf> {
        match self {
            StillSettings::Poster(poster) => vec![poster.path.clone()],
            StillSettings::Sprites(sprites) => vec![sprites.path.clone(), sprites.vtt()],
            StillSettings::Waveform(waveform) => {
                [Some(waveform.path.clone()), waveform.peaks.clone()].into_iter().flatten().collect()
            }
        }
    }

    /// The same names as mutable references. Names that are derived from others change with them.
    pub(crate) fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        match self {
            StillSettings::Poster(poster) => vec![&mut poster.path],
            StillSettings::Sprites(sprites) => std::iter::once(&mut sprites.path).chain(&mut sprites.vtt).collect(),
            StillSettings::Waveform(waveform) => {
                std::iter::once(&mut waveform.path).chain(&mut waveform.peaks).collect()
            }
        }
    }

    /// Returns all mistakes, each with its place below `place`. Mistakes that need a source or a library to be found
    /// are not included.
    pub fn check(&self, place: &str) -> Vec<Mistake> {
        let mut checked = Checked { place, mistakes: Vec::new() };
        match self {
            StillSettings::Poster(poster) => {
                checked.picture(&poster.path);
                checked.within("width", poster.width, 16, MOST_SIDE);
                checked.within("height", poster.height.unwrap_or(16), 16, MOST_SIDE);
                checked.within("quality", poster.quality, 1, 100);
                if let Some(at) = poster.at.filter(|at| at.ticks < 0) {
                    checked.wrong("at", at, "is before the film; from 0 on");
                }
            }
            StillSettings::Sprites(sprites) => sprites.check(&mut checked),
            StillSettings::Waveform(waveform) => waveform.check(&mut checked),
        }
        checked.mistakes
    }
}

/// Returns all mistakes of a list of stills, including equal names. Places begin with `stills[0]`.
pub fn check_all(stills: &[StillSettings]) -> Vec<Mistake> {
    check_each(stills, &|_| true)
}

/// As [`check_all`]. `is_certain` returns true for the place of a still that is made for every source.
#[doc(hidden)]
pub fn check_each(stills: &[StillSettings], is_certain: &dyn Fn(&str) -> bool) -> Vec<Mistake> {
    let (mut mistakes, mut names) = (Vec::new(), Names::default());
    for (index, still) in stills.iter().enumerate() {
        let place = format!("stills[{index}]");
        mistakes.extend(still.check(&place));
        for name in still.paths().into_iter().filter(|name| !name.as_os_str().is_empty()) {
            if names.is_taken(name.clone(), is_certain(&place)) {
                mistakes.push(Mistake::new(&place, name.display(), "another still has this name"));
            }
        }
    }
    mistakes
}

impl SpriteSettings {
    fn check(&self, checked: &mut Checked<'_>) {
        checked.picture(&self.path);
        checked.extension("vtt", &self.vtt(), "vtt");
        if self.prefix.is_empty() && self.vtt().parent() != self.path.parent() {
            checked.wrong("vtt", self.vtt().display(), "lies in another folder than the sheets; say their prefix");
        }
        if self.prefix.contains(['\n', '\r']) || self.prefix.contains("-->") {
            checked.wrong("prefix", &self.prefix, "a line of text without an arrow");
        }
        if let Some(interval) = self.interval.filter(|interval| interval.micros() < 1000) {
            checked.wrong("interval", interval, "from 0.001 seconds on");
        }
        if let (Some(_), Some(count)) = (self.interval, self.count) {
            checked.wrong("count", count, "either interval or count");
        }
        checked.within("count", self.count.unwrap_or(1), 1, 4000);
        checked.within("most", self.most, 1, 4000);
        checked.within("width", self.width, 16, 1024);
        checked.within("height", self.height.unwrap_or(16), 16, 1024);
        checked.within("columns", self.columns, 1, 100);
        checked.within("rows", self.rows, 1, 100);
        checked.within("quality", self.quality, 1, 100);
        if self.columns.saturating_mul(self.width) > MOST_SIDE {
            let wide = format!("{} of {}", self.columns, self.width);
            checked.wrong("columns", wide, format!("a sheet is at most {MOST_SIDE} samples wide"));
        }
        if self.rows.saturating_mul(self.height.unwrap_or(1)) > MOST_SIDE {
            let high = format!("{} of {}", self.rows, self.height.unwrap_or(1));
            checked.wrong("rows", high, format!("a sheet has at most {MOST_SIDE} rows"));
        }
    }
}

impl WaveformSettings {
    fn check(&self, checked: &mut Checked<'_>) {
        checked.extension("path", &self.path, "png");
        if let Some(peaks) = &self.peaks {
            checked.extension("peaks", peaks, "json");
        }
        checked.within("width", self.width, 16, MOST_SIDE);
        checked.within("height", self.height, 16, 4096);
    }
}

/// Collects the mistakes of one still.
struct Checked<'a> {
    place: &'a str,
    mistakes: Vec<Mistake>,
}

impl Checked<'_> {
    fn wrong(&mut self, field: &str, value: impl ToString, problem: impl Into<String>) {
        self.mistakes.push(Mistake::new(format!("{}.{field}", self.place), value, problem));
    }

    fn within(&mut self, field: &str, value: u32, least: u32, most: u32) {
        if !(least..=most).contains(&value) {
            self.wrong(field, value, format!("{least} to {most}"));
        }
    }

    fn extension(&mut self, field: &str, path: &Path, extension: &str) {
        let found = path.extension().and_then(|found| found.to_str());
        if !found.is_some_and(|found| found.eq_ignore_ascii_case(extension)) {
            self.wrong(field, path.display(), format!("a name that ends in .{extension}"));
        }
    }

    fn picture(&mut self, path: &Path) {
        if StillFormat::from_path(path).is_none() {
            self.wrong("path", path.display(), "a name that ends in .jpg, .jpeg, .png or .webp");
        }
    }
}

/// Writes a time in the form in which it is read.
fn as_text<S: serde::Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        None => serializer.serialize_none(),
        Some(time) => serializer.serialize_str(&time.as_spec()),
    }
}

/// A format of still images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StillFormat {
    /// JPEG as JFIF (ITU-T T.871): full range, the matrix of BT.601, chroma sited between the luma samples.
    Jpeg,
    /// PNG with 8 bits, read as sRGB.
    Png,
    /// WebP, lossy.
    Webp,
}

impl StillFormat {
    /// The format that the extension of a file name stands for.
    pub fn from_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" => Some(StillFormat::Jpeg),
            "png" => Some(StillFormat::Png),
            "webp" => Some(StillFormat::Webp),
            _ => None,
        }
    }
}

impl fmt::Display for StillFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StillFormat::Jpeg => "JPEG",
            StillFormat::Png => "PNG",
            StillFormat::Webp => "WebP",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paints_are_read_as_they_are_written() {
        assert_eq!("#4a90d9".parse(), Ok(Paint([0x4a, 0x90, 0xd9, 0xff])));
        for text in ["#000000", "#12345678", "#ffffff00"] {
            assert_eq!(text.parse::<Paint>().unwrap().to_string(), text);
        }
        for text in ["", "#", "123456", "#12345", "#+12345", "#1234567", "#123456789", "#gggggg"] {
            assert!(text.parse::<Paint>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_said_is_a_default_and_what_is_unknown_is_refused() {
        let read = |text: &str| serde_json::from_str::<StillSettings>(text);
        let poster = PosterSettings { path: "poster.jpg".into(), ..Default::default() };
        assert_eq!(
            read(r#"{ "type": "poster", "path": "poster.jpg" }"#).unwrap(),
            StillSettings::Poster(poster.clone())
        );
        assert!(read(r#"{ "type": "poster", "path": "poster.jpg", "blur": 1 }"#).is_err());
        assert!(read(r#"{ "type": "portrait" }"#).is_err());
        let whole = StillSettings::Poster(PosterSettings { at: Some("1/3".parse().unwrap()), ..poster });
        assert_eq!(read(&serde_json::to_string(&whole).unwrap()).unwrap(), whole);
    }

    #[test]
    fn every_mistake_is_reported_with_its_place() {
        let stills = [
            StillSettings::Poster(PosterSettings { width: 1, quality: 0, ..Default::default() }),
            StillSettings::Sprites(SpriteSettings {
                path: "a.jpg".into(),
                vtt: Some("b/a.vtt".into()),
                interval: Some("0".parse().unwrap()),
                count: Some(5000),
                columns: 100,
                width: 1024,
                ..Default::default()
            }),
            StillSettings::Waveform(WaveformSettings { path: "a.jpg".into(), height: 5000, ..Default::default() }),
        ];
        let places: Vec<String> = check_all(&stills).into_iter().map(|mistake| mistake.place).collect();
        let expected = [
            "stills[0].path",
            "stills[0].width",
            "stills[0].quality",
            "stills[1].vtt",
            "stills[1].interval",
            "stills[1].count",
            "stills[1].count",
            "stills[1].columns",
            "stills[2].path",
            "stills[2].height",
            "stills[2]",
        ];
        assert_eq!(places, expected);
        let audio = [
            StillSettings::Poster(PosterSettings { path: "a.png".into(), ..Default::default() }),
            StillSettings::Sprites(SpriteSettings { path: "a.webp".into(), ..Default::default() }),
            StillSettings::Waveform(WaveformSettings { path: "b.PNG".into(), ..Default::default() }),
        ];
        assert_eq!(check_all(&audio), []);
    }
}
