//! Selects the streams of a source: the main video stream, its programme, and the audio tracks that belong to it.
//!
//! Invariant: each video or audio stream that is not selected has a reason, which the report states.

use std::collections::BTreeMap;

use trix_av::{
    codec::{Decoder, DecoderError},
    input::Input,
    stream::{StreamFacts, StreamKind},
};
use trix_model::{
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    mistake::Mistake,
};

use super::continuation::{Further, language};
use crate::settings::{
    audio_tracks::{AudioTracks, TrackName},
    language::three_letters,
    source::Reading,
};

/// The reason why a stream cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// The stream has no packet in the whole source.
    Empty,
    /// No decoder can decode the stream. Its packets may still be copied.
    Undecodable(String),
}

impl std::fmt::Display for Lack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Lack::Empty => f.write_str("it has no packet"),
            Lack::Undecodable(why) => f.write_str(why),
        }
    }
}

/// The selected streams.
#[derive(Clone, Default)]
pub(crate) struct Selection {
    film: Option<usize>,
    /// The selected programme: its number, its streams and those of no programme. `None` if none was selected.
    programme: Option<(i32, Vec<usize>)>,
    /// Indices of the audio streams that an output uses if it names none.
    audio: Vec<usize>,
    lacks: BTreeMap<usize, Lack>,
    /// The reasons why streams are not selected.
    left_out: BTreeMap<usize, String>,
    /// Streams that are read as part of another stream.
    continuations: Vec<usize>,
    /// Audio streams that the job names individually.
    named: Vec<usize>,
    pub(crate) decisions: Vec<Decision>,
}

/// The streams of a source among which a job selects.
pub(super) struct Streams<'a> {
    pub(super) input: &'a Input,
    pub(super) streams: &'a [StreamFacts],
    pub(super) reading: &'a Reading,
}

impl<'a> Streams<'a> {
    fn audio(&self) -> impl Iterator<Item = &'a StreamFacts> + use<'a> {
        self.streams.iter().filter(|facts| facts.kind == StreamKind::Audio)
    }
}

impl Selection {
    /// Index of the main video stream.
    pub(crate) fn film(&self) -> Option<usize> {
        self.film
    }

    /// Indices of the audio streams that an output uses if it names none.
    pub(crate) fn audio(&self) -> &[usize] {
        &self.audio
    }

    /// The reason why stream `index` cannot be used, if it cannot.
    pub(crate) fn lack(&self, index: usize) -> Option<&Lack> {
        self.lacks.get(&index)
    }

    /// True if an entry of the job's track list matches audio stream `index` alone.
    pub(crate) fn is_named(&self, index: usize) -> bool {
        self.named.contains(&index)
    }

    /// The reason why stream `index` is not selected, if that was decided for all outputs.
    pub(crate) fn why_not(&self, index: usize) -> Option<&str> {
        self.left_out.get(&index).map(String::as_str)
    }

    /// The reason, as text, why a job does not use stream `index` by default.
    pub(crate) fn reason(&self, index: usize) -> Option<String> {
        let part = self.is_continuation(index).then(|| "it is read as a part of another stream".to_owned());
        let lack = || self.lack(index).map(ToString::to_string);
        part.or_else(|| self.why_not(index).map(str::to_owned)).or_else(lack)
    }

    /// True if stream `index` is read as part of another stream.
    pub(crate) fn is_continuation(&self, index: usize) -> bool {
        self.continuations.contains(&index)
    }

    /// True if stream `index` belongs to a programme other than that of the film.
    pub(crate) fn is_foreign(&self, index: usize) -> bool {
        self.programme.as_ref().is_some_and(|(_, streams)| !streams.contains(&index))
    }

    /// Selects among the streams of a source.
    ///
    /// # Errors
    /// `InvalidSpec` if the job names streams that do not exist; `MalformedInput` or `Unsupported` if it names a stream
    /// that cannot be used.
    pub(super) fn choose(source: &Streams<'_>, further: &Further) -> Result<Self> {
        let mut chosen = Selection::default();
        chosen.lacks.extend(further.empty.iter().map(|index| (*index, Lack::Empty)));
        for joint in &further.joints {
            let (from, into, at) = (joint.from, joint.into, joint.at);
            chosen.continuations.push(from);
            let what = format!("stream {from} continues stream {into} from {at} on, as one track");
            let why = format!("stream {into} ends there, and both have the same codec, language and programme");
            chosen.decisions.push(Decision::new(what, why));
        }
        let streams = source.streams;
        for facts in streams.iter().filter(|facts| facts.kind == StreamKind::Audio) {
            if let Some(lack) = undecodable(facts).filter(|_| !chosen.lacks.contains_key(&facts.index)) {
                chosen.lacks.insert(facts.index, lack);
            }
        }
        chosen.film = chosen.choose_film(source, further)?;
        chosen.choose_programme(source);
        chosen.choose_audio(source)?;
        Ok(chosen)
    }

    fn choose_film(&mut self, source: &Streams<'_>, further: &Further) -> Result<Option<usize>> {
        let is_film = |facts: &&StreamFacts| facts.kind == StreamKind::Video && !facts.is_attached_picture;
        let all: Vec<&StreamFacts> = source.streams.iter().filter(is_film).collect();
        if let Some(named) = source.reading.video_stream {
            let Some(facts) = all.iter().find(|facts| facts.index == named) else {
                let known: Vec<String> = all.iter().map(|facts| described(facts)).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let problem = format!("is no video stream that can be encoded; these are: {known}");
                return Err(Error::of_mistakes(vec![Mistake::new("source.video_stream", named, problem)]));
            };
            if self.lacks.contains_key(&named) {
                return Err(unusable(facts, &Lack::Empty));
            }
            for facts in all.iter().filter(|facts| facts.index != named) {
                self.left_out.insert(facts.index, format!("the job names stream {named}"));
            }
            return Ok(Some(named));
        }
        let has_default = all.iter().any(|facts| facts.is_default && !self.lacks.contains_key(&facts.index));
        let is_for = |facts: &StreamFacts, purpose: &str| facts.disposition.iter().any(|own| own == purpose);
        // The first reason that applies to a stream is the one reported.
        let against = |facts: &StreamFacts| -> [(bool, &'static str); 5] {
            let is_still = further.stills.contains(&facts.index) || is_for(facts, "still_image");
            [
                (self.lacks.contains_key(&facts.index), "it has no packet"),
                (further.joints.iter().any(|joint| joint.from == facts.index), "it continues another stream"),
                (is_for(facts, "timed_thumbnails"), "its frames are thumbnails"),
                (is_still, "it is one still image"),
                (has_default && !facts.is_default, "it is not flagged as default, and another video stream is"),
            ]
        };
        let rank = |facts: &StreamFacts| against(facts).map(|(holds, _)| holds);
        let Some(film) = all.iter().min_by_key(|facts| (rank(facts), facts.index)) else { return Ok(None) };
        if self.lacks.contains_key(&film.index) {
            self.left_out.extend(all.iter().map(|facts| (facts.index, Lack::Empty.to_string())));
            return Ok(None);
        }
        let own = rank(film);
        for facts in all.iter().filter(|facts| facts.index != film.index) {
            let reasons = against(facts);
            let reason = reasons.iter().zip(own).find(|((holds, _), own)| *holds && !own).map(|((_, why), _)| *why);
            let usual = format!("stream {} is the first video stream", film.index);
            let why = reason.map_or(usual, str::to_owned);
            if facts.index < film.index {
                let what = format!("{} is the film, and not {}", described(film), described(facts));
                self.decisions.push(Decision::new(what, format!("of stream {}: {why}", facts.index)));
            }
            self.left_out.entry(facts.index).or_insert(why);
        }
        Ok(Some(film.index))
    }

    /// Selects one programme, whose streams stay together: the programme of the film or, without a film, the first one
    /// with audio.
    fn choose_programme(&mut self, source: &Streams<'_>) {
        let programs = source.input.programs();
        let holds_media = |streams: &[usize]| {
            streams.iter().filter_map(|index| source.streams.get(*index)).any(|facts| {
                matches!(facts.kind, StreamKind::Video | StreamKind::Audio) && !self.lacks.contains_key(&facts.index)
            })
        };
        let real: Vec<_> = programs.iter().filter(|program| holds_media(&program.streams)).collect();
        if real.len() < 2 {
            return;
        }
        let is_audio = |index: &usize| {
            let facts = source.streams.get(*index);
            facts.is_some_and(|facts| facts.kind == StreamKind::Audio) && !self.lacks.contains_key(index)
        };
        let own = match self.film {
            Some(film) => real.iter().find(|program| program.streams.contains(&film)),
            None => real.iter().find(|program| program.streams.iter().any(is_audio)),
        };
        // A film without a programme needs no other streams.
        let Some(own) = own else { return };
        let of_none = |index: &usize| !programs.iter().any(|program| program.streams.contains(index));
        let free = (0..source.streams.len()).filter(of_none);
        self.programme = Some((own.number, own.streams.iter().copied().chain(free).collect()));
        let (number, count) = (own.number, real.len());
        let what = format!("the streams of programme {number} are taken");
        let why = match self.film {
            Some(film) => {
                format!("the source has {count} programmes, and stream {film}, the film, belongs to this one")
            }
            None => format!("the source has {count} programmes, and this is the first with audio"),
        };
        self.decisions.push(Decision::new(what, why));
        let foreign: Vec<usize> = (0..source.streams.len()).filter(|index| self.is_foreign(*index)).collect();
        for index in foreign {
            let its = programs.iter().find(|program| program.streams.contains(&index)).map_or(0, |its| its.number);
            let is_named = source.reading.video_stream.is_some() && self.left_out.contains_key(&index);
            if !is_named {
                let why = format!("it belongs to programme {its}, and programme {number} is taken");
                self.left_out.insert(index, why);
            }
        }
    }

    fn choose_audio(&mut self, source: &Streams<'_>) -> Result<()> {
        let all: Vec<&StreamFacts> = source.audio().collect();
        let wanted: Vec<usize> = match &source.reading.audio_tracks {
            None => all.iter().map(|facts| facts.index).filter(|index| !self.is_foreign(*index)).collect(),
            Some(AudioTracks::All) => all.iter().map(|facts| facts.index).collect(),
            Some(AudioTracks::None) => Vec::new(),
            Some(AudioTracks::Named(names)) => self.named(names, &all)?,
        };
        for facts in &all {
            let index = facts.index;
            if self.is_continuation(index) {
                continue;
            }
            match (wanted.contains(&index), self.lacks.get(&index)) {
                (true, Some(Lack::Empty)) => {
                    self.left_out.insert(index, Lack::Empty.to_string());
                }
                (true, _) => {
                    self.left_out.remove(&index);
                    self.audio.push(index);
                }
                (false, _) if source.reading.audio_tracks.is_some() => {
                    self.left_out.insert(index, "the job names other audio tracks".to_owned());
                }
                (false, _) => {}
            }
        }
        Ok(())
    }

    /// The indices of the tracks that a job names.
    fn named(&mut self, names: &[TrackName], all: &[&StreamFacts]) -> Result<Vec<usize>> {
        let (mut wanted, mut mistakes) = (Vec::new(), Vec::new());
        let place = "source.audio_tracks";
        let known = || {
            let each = all.iter().enumerate().map(|(number, facts)| format!("{number} ({})", described(facts)));
            let list: Vec<String> = each.collect();
            if list.is_empty() {
                "the source has no audio".to_owned()
            } else {
                format!("there are {}", list.join(", "))
            }
        };
        for name in names {
            let found: Vec<&StreamFacts> = match name {
                TrackName::Number(number) => all.get(*number).copied().into_iter().collect(),
                TrackName::Language(code) => {
                    let speaks =
                        |facts: &&&StreamFacts| spoken(facts).is_some_and(|own| own.eq_ignore_ascii_case(code));
                    all.iter().filter(speaks).filter(|facts| !self.is_foreign(facts.index)).copied().collect()
                }
            };
            let usable = |facts: &&&StreamFacts| !matches!(self.lacks.get(&facts.index), Some(Lack::Empty));
            if found.is_empty() {
                mistakes.push(Mistake::new(place, name, format!("is no audio track of the source; {}", known())));
            } else if !found.iter().any(|facts| usable(&facts)) {
                return Err(unusable(found[0], &Lack::Empty));
            }
            // A language selects those of its tracks that can be used.
            if let [only] = found.as_slice() {
                self.named.push(only.index);
            }
            wanted.extend(found.iter().map(|facts| facts.index));
        }
        if mistakes.is_empty() { Ok(wanted) } else { Err(Error::of_mistakes(mistakes)) }
    }
}

/// The language of a stream, as a three-letter code.
fn spoken(facts: &StreamFacts) -> Option<String> {
    let language = language(facts)?;
    Some(three_letters(language).unwrap_or_else(|_| language.to_owned()))
}

/// The description of a stream in messages.
fn described(facts: &StreamFacts) -> String {
    let size = match facts.kind {
        StreamKind::Video if facts.width > 0 => format!(", {}x{}", facts.width, facts.height),
        _ => spoken(facts).map_or_else(String::new, |language| format!(", {language}")),
    };
    format!("stream {} ({}{size})", facts.index, facts.codec)
}

/// Checks whether any decoder can decode the stream, and returns the reason if none can.
fn undecodable(facts: &StreamFacts) -> Option<Lack> {
    if facts.sample_rate == 0 || facts.channels == 0 {
        return Some(Lack::Undecodable("its sample rate and channels are not known".to_owned()));
    }
    match Decoder::open(&facts.parameters, facts.time_base, 1, u64::from(i32::MAX as u32), false) {
        Ok(_) => None,
        Err(DecoderError::Missing) => {
            Some(Lack::Undecodable(format!("this build of FFmpeg has no decoder for {}", facts.codec)))
        }
        Err(DecoderError::Refused(code)) => {
            Some(Lack::Undecodable(format!("the decoder of {} refuses it: {code}", facts.codec)))
        }
    }
}

/// The error for a stream that the job names but that cannot be used.
pub(crate) fn unusable(facts: &StreamFacts, lack: &Lack) -> Error {
    let kind = match lack {
        Lack::Empty => ErrorKind::MalformedInput,
        Lack::Undecodable(_) => ErrorKind::Unsupported,
    };
    let detail = format!("the job names {}, and {lack}", described(facts));
    Error::new(kind, Stage::Plan, detail).in_stream(facts.index)
}
