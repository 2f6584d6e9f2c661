//! Dates that a file states: when it was recorded, written or changed.
//!
//! Invariant: a date is stated as precisely as the file states it, and in the time zone of the file. A date that makes
//! no sense, such as the year 0 of a field that was left empty, is not stated.

use std::fmt;

use serde::{Deserialize, Serialize};
use trix_model::calendar;

/// A date and its place in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DateInfo {
    /// What happened then.
    pub what: Occasion,
    /// The date and time as RFC 3339 writes them (`2014-03-09T15:32:41Z`, `2014-03-09T16:32:41+01:00`). Without `Z` or
    /// an offset if the file does not state the time zone; without a time, a day or a month if it states no more.
    pub value: String,
    /// The field that states it: a key of the metadata, or FFmpeg's or the format's name of a field.
    pub origin: String,
}

/// What happened at a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A camera or a recorder took it.
    Recorded,
    /// The file, or the file that it was made from, was written.
    Created,
    /// The file was changed.
    Modified,
    /// A date without such a meaning, often that of release.
    Dated,
}

impl Occasion {
    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Occasion::Recorded => "recorded",
            Occasion::Created => "created",
            Occasion::Modified => "modified",
            Occasion::Dated => "dated",
        }
    }
}

/// Keys of metadata that hold dates, in lower case. Dates of one kind are stated in this order.
const KEYS: [(&str, Occasion); 9] = [
    ("com.apple.quicktime.creationdate", Occasion::Recorded),
    ("date_recorded", Occasion::Recorded),
    ("creation_time", Occasion::Created),
    ("wm/encodingtime", Occasion::Created),
    ("creationdate", Occasion::Created),
    ("date_encoded", Occasion::Created),
    ("modification_date", Occasion::Modified),
    ("date_released", Occasion::Dated),
    ("date", Occasion::Dated),
];

/// The dates in `metadata` of a container that `demuxer` reads. Dates of Matroska without a time zone are those of UTC
/// (RFC 9559; the tags of Matroska). `written`: nanoseconds since 2001 in UTC, when a Matroska file says that it was
/// written. `recorded`: what a camcorder wrote into its frames. Dates of one kind follow one another, in the order of [`Occasion`].
pub(super) fn dates(
    metadata: &[(String, String)],
    demuxer: &str,
    written: Option<i64>,
    recorded: Option<&str>,
) -> Vec<DateInfo> {
    let is_matroska = demuxer.starts_with("matroska");
    let mut list: Vec<(Date, DateInfo)> = Vec::new();
    let mut add = |date: Date, what: Occasion, origin: &str| {
        // Some containers repeat a date in several fields.
        let is_known =
            list.iter().any(|(known, info)| *known == date && (info.what == what || what == Occasion::Dated));
        if !is_known {
            list.push((date, DateInfo { what, value: date.to_string(), origin: origin.to_owned() }));
        }
    };
    if let Some(date) = recorded.and_then(Date::parse) {
        add(date, Occasion::Recorded, "MDPM");
    }
    // Zero is a field that was left empty.
    let written = written.filter(|nanos| *nanos != 0);
    let written = written.and_then(|nanos| Date::from_seconds(nanos.div_euclid(1_000_000_000) + SINCE_2001));
    if let Some(date) = written {
        add(date, Occasion::Created, "DateUTC");
    }
    let is_wave = matches!(demuxer, "wav" | "w64");
    let origination = is_wave.then(|| origination(metadata)).flatten();
    if let Some(date) = origination {
        add(date, Occasion::Created, "bext");
    }
    for (wanted, what) in KEYS {
        // Already stated with its time.
        if wanted == "date" && origination.is_some() {
            continue;
        }
        for (key, value) in metadata.iter().filter(|(key, _)| key.eq_ignore_ascii_case(wanted)) {
            let Some(mut date) = Date::parse(value) else { continue };
            if let (true, Some(time)) = (is_matroska, &mut date.time) {
                time.zone = time.zone.or(Some(0));
            }
            add(date, what, key);
        }
    }
    list.sort_by_key(|(_, info)| info.what);
    list.into_iter().map(|(_, info)| info).collect()
}

/// When the audio of a Broadcast Wave file came into being (EBU Tech 3285, 2.3: OriginationDate and OriginationTime).
/// libavformat gives the day as `date` and the time as `creation_time`.
fn origination(metadata: &[(String, String)]) -> Option<Date> {
    let field = |wanted: &str| metadata.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted));
    let is_day = |date: &Date| date.time.is_none() && matches!(date.month, Some((_, Some(_))));
    let ((_, day), (_, clock)) = (field("date")?, field("creation_time")?);
    // Any of several characters may separate the parts. A space would end the date, a point the time.
    let day = Date::parse(&day.trim().replace(' ', "-")).filter(is_day)?;
    let clock = clock.trim().replace(['-', '_', ' ', '.'], ":");
    Some(Date { time: Some(Time::parse(&clock)?), ..day })
}

/// Seconds from 1970 to 2001.
const SINCE_2001: i64 = 978_307_200;
/// Seconds from 1601 to 1970.
const SINCE_1601: i64 = 11_644_473_600;

/// A date of the Gregorian calendar, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    year: u16,
    /// Month, and the day of it.
    month: Option<(u8, Option<u8>)>,
    time: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Time {
    hour: u8,
    minute: u8,
    second: u8,
    /// Minutes east of UTC.
    zone: Option<i16>,
}

impl Date {
    /// Reads a date as formats and programs write it: RFC 3339 and its relatives, the form of C's `asctime`, or a
    /// number of seconds since 1970 or of tenths of a microsecond since 1601. Parts of a second are left out.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > 4 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return match text.len() {
                8 => Self::of(text.get(..4)?, Some((text.get(4..6)?, text.get(6..))), None),
                9 | 10 => Self::from_seconds(text.parse().ok()?),
                18 => Self::from_seconds(text.parse::<i64>().ok()? / 10_000_000 - SINCE_1601),
                _ => None,
            };
        }
        if text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Self::parse_words(text);
        }
        let (date, rest) = match text.split_once(['T', ' ']) {
            Some((date, rest)) => (date, Some(rest.trim())),
            None => (text, None),
        };
        // EBU Tech 3285, 2.3, allows all of these.
        let mut parts = date.split(['-', '_', ':', '/', '.']);
        let year = parts.next()?;
        let day = parts.next().map(|month| (month, parts.next()));
        Self::of(year, day, rest)
    }

    /// `Sun Mar  9 15:32:41 2014`.
    fn parse_words(text: &str) -> Option<Self> {
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let [_, month, day, time, year] = text.split_whitespace().collect::<Vec<_>>()[..] else { return None };
        let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? + 1;
        Self::of(year, Some((&month.to_string(), Some(day))), Some(time))
    }

    /// A date of a year, a month with or without a day, and a time of that day.
    fn of(year: &str, day: Option<(&str, Option<&str>)>, time: Option<&str>) -> Option<Self> {
        let year = year.parse().ok().filter(|year| (1880..=2200).contains(year))?;
        let Some((month, day)) = day else { return Some(Date { year, month: None, time: None }) };
        let month = month.parse().ok()?;
        let days = calendar::days_of(year, month)?;
        let Some(day) = day else { return Some(Date { year, month: Some((month, None)), time: None }) };
        let day = day.parse().ok().filter(|day| (1..=days).contains(day))?;
        Some(Date { year, month: Some((month, Some(day))), time: time.and_then(Time::parse) })
    }

    /// The date that lies `seconds` after the start of 1970, in UTC.
    pub(super) fn from_seconds(seconds: i64) -> Option<Self> {
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = calendar::date_of(days)?;
        let year = u16::try_from(year).ok().filter(|year| (1880..=2200).contains(year))?;
        let part = |value: i64| u8::try_from(value).ok();
        let time =
            Time { hour: part(rest / 3600)?, minute: part(rest / 60 % 60)?, second: part(rest % 60)?, zone: Some(0) };
        Some(Date { year, month: Some((month, Some(day))), time: Some(time) })
    }

    /// The date as people write it: `2014-03-09 15:32:41 UTC`.
    pub(super) fn words(self) -> String {
        self.written(" ", " UTC", " ")
    }

    fn written(self, between: &str, universal: &str, before_zone: &str) -> String {
        let mut text = format!("{:04}", self.year);
        if let Some((month, day)) = self.month {
            text.push_str(&format!("-{month:02}"));
            text.extend(day.map(|day| format!("-{day:02}")));
        }
        if let Some(Time { hour, minute, second, zone }) = self.time {
            text.push_str(&format!("{between}{hour:02}:{minute:02}:{second:02}"));
            match zone {
                None => {}
                Some(0) => text.push_str(universal),
                Some(zone) => {
                    let sign = if zone < 0 { '-' } else { '+' };
                    let minutes = zone.unsigned_abs();
                    text.push_str(&format!("{before_zone}{sign}{:02}:{:02}", minutes / 60, minutes % 60));
                }
            }
        }
        text
    }
}

/// RFC 3339.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written("T", "Z", ""))
    }
}

impl Time {
    /// `15:32:41.123456Z`, `16:32:41+0100`, `15:32 UTC`.
    fn parse(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(text.len());
        let (clock, zone) = text.split_at(end);
        let mut parts = clock.split(':');
        let (hour, minute) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let second = match parts.next() {
            Some(second) => second.split('.').next()?.parse().ok()?,
            None => 0,
        };
        let is_time = hour < 24 && minute < 60 && second <= 60;
        is_time.then_some(Time { hour, minute, second, zone: Self::zone(zone.trim()) })
    }

    fn zone(text: &str) -> Option<i16> {
        if matches!(text, "Z" | "z" | "UTC" | "GMT") {
            return Some(0);
        }
        let sign = match text.as_bytes().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
        let hours: i16 = digits.get(..2)?.parse().ok()?;
        let minutes: i16 = digits.get(2..4).unwrap_or("00").parse().ok()?;
        (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(text: &str) -> (String, String) {
        let date = Date::parse(text).unwrap();
        (date.to_string(), date.words())
    }

    #[test]
    fn dates_are_read_in_every_form_that_files_hold() {
        for (text, json, words) in [
            ("2012-11-16T18:43:48.000000Z", "2012-11-16T18:43:48Z", "2012-11-16 18:43:48 UTC"),
            ("2014-03-09T16:32:41+0100", "2014-03-09T16:32:41+01:00", "2014-03-09 16:32:41 +01:00"),
            ("2014-03-09T10:02:41-05:30", "2014-03-09T10:02:41-05:30", "2014-03-09 10:02:41 -05:30"),
            ("2014:03:09 15:32:41", "2014-03-09T15:32:41", "2014-03-09 15:32:41"),
            ("2014-03-09 15:32 UTC", "2014-03-09T15:32:00Z", "2014-03-09 15:32:00 UTC"),
            ("Sun Mar  9 15:32:41 2014", "2014-03-09T15:32:41", "2014-03-09 15:32:41"),
            ("1394379161", "2014-03-09T15:32:41Z", "2014-03-09 15:32:41 UTC"),
            ("130388527610000000", "2014-03-09T15:32:41Z", "2014-03-09 15:32:41 UTC"),
            ("20140309", "2014-03-09", "2014-03-09"),
            ("2014-03-09", "2014-03-09", "2014-03-09"),
            ("2014_03_09", "2014-03-09", "2014-03-09"),
            ("2014.03.09 15:32:41.5", "2014-03-09T15:32:41", "2014-03-09 15:32:41"),
            ("2014-03", "2014-03", "2014-03"),
            ("2014", "2014", "2014"),
            ("2016-02-29", "2016-02-29", "2016-02-29"),
        ] {
            assert_eq!(both(text), (json.to_owned(), words.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_states_nothing() {
        for text in [
            "",
            "0-00-00 00:00:00",
            "2014-13-09",
            "2014-13",
            "2014-00",
            "2014-02-29",
            "2014-04-31",
            "20140230",
            "soon",
            "12",
            "15:32:41",
            "-0001-11-30T00:00:00Z",
            "é",
            "2014-é",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
        // A date stays without a time that makes no sense.
        assert_eq!(both("2014-03-09 25:00:00").0, "2014-03-09");
        assert_eq!(both("2014-03-09 10:00:00+é").0, "2014-03-09T10:00:00");
        // A month and a year have no time.
        assert_eq!((both("2014-03 10:00:00").0, both("2014 10:00:00").0), ("2014-03".into(), "2014".into()));
    }

    #[test]
    fn seconds_are_days_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (SINCE_2001, "2001-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Date::from_seconds(seconds).unwrap().to_string(), text);
        }
        assert_eq!(Date::from_seconds(i64::MAX), None);
        assert_eq!(Date::from_seconds(i64::MIN), None);
    }

    #[test]
    fn a_date_that_is_repeated_is_stated_once() {
        let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let tags = [tag("creation_time", "2001-01-01T00:00:01.000000Z"), tag("DATE", "2001-01-01T00:00:01Z")];
        let found = dates(&tags, "matroska,webm", Some(1_500_000_000), None);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].value.as_str(), found[0].origin.as_str()), ("2001-01-01T00:00:01Z", "DateUTC"));
        let copied = dates(&[tag("CREATION_TIME", "2016-05-31 17:01:35")], "matroska,webm", Some(1_000_000_000), None);
        let values: Vec<&str> = copied.iter().map(|date| date.value.as_str()).collect();
        assert_eq!(values, ["2001-01-01T00:00:01Z", "2016-05-31T17:01:35Z"]);
        // A date of zero is a field that was left empty.
        assert_eq!(dates(&[], "matroska,webm", Some(0), None), []);
        assert_eq!(dates(&[tag("date", "2016-05-31 17:01:35")], "mp3", None, None)[0].value, "2016-05-31T17:01:35");
    }

    #[test]
    fn dates_of_one_kind_follow_one_another() {
        let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let tags = [tag("DATE_RELEASED", "2019"), tag("DATE_ENCODED", "2015"), tag("DATE_RECORDED", "2014-03-09")];
        let found = dates(&tags, "matroska,webm", Some(1_000_000_000), None);
        let found: Vec<_> = found.iter().map(|date| (date.what, date.origin.as_str())).collect();
        use Occasion::{Created, Dated, Recorded};
        let (first, last) = ((Recorded, "DATE_RECORDED"), (Dated, "DATE_RELEASED"));
        assert_eq!(found, [first, (Created, "DateUTC"), (Created, "DATE_ENCODED"), last]);
    }

    #[test]
    fn the_day_and_the_time_of_a_broadcast_wave_are_one_date() {
        let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let read = |demuxer: &str, day: &str, clock: &str| {
            let found = dates(&[tag("date", day), tag("creation_time", clock)], demuxer, None, None);
            found.into_iter().map(|date| (date.what, date.value, date.origin)).collect::<Vec<_>>()
        };
        let found = |day: &str, clock: &str| read("wav", day, clock);
        let one = |what, value: &str, origin: &str| vec![(what, value.to_owned(), origin.to_owned())];
        // Files separate the parts by any of several characters.
        for (day, clock) in [
            ("2014-03-09", "15:32:41"),
            ("2014:03:09", "15-32-41"),
            ("2014_03_09", "15.32.41"),
            ("2014 03 09", "15 32 41"),
        ] {
            assert_eq!(found(day, clock), one(Occasion::Created, "2014-03-09T15:32:41", "bext"), "{day} {clock}");
        }
        for clock in ["25:00:00", "", "00"] {
            assert_eq!(found("2014-03-09", clock), one(Occasion::Dated, "2014-03-09", "date"), "{clock}");
        }
        assert_eq!(found("2014", "15:32:41"), one(Occasion::Dated, "2014", "date"));
        // Other containers have no such fields.
        assert_eq!(read("flv", "2014-03-09", "15:32:41"), one(Occasion::Dated, "2014-03-09", "date"));
    }
}
