//! External audio tracks, presented as further streams of the source.
//!
//! Invariant: the job reads exactly what was planned for such a track, because planner and job both open it here.

use trix_av::stream::StreamFacts;
use trix_model::{
    damage::OnDamage,
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    mistake::Mistake,
    time::{Rational, Timestamp},
};

use crate::{
    decode::frame_rate::{frame_rate, is_uneven},
    filter::audio::target_like,
    plan::{AudioPlan, AudioTarget, Identity, MustLast},
    planner::sample_depth,
    reading::{
        audio_reader::AudioReader,
        stems::{StemInput, Stems},
    },
    settings::{
        audio_edit::ExactLength,
        language,
        track::{LengthPolicy, TrackSettings},
    },
    source::{Companion, Source},
};

/// An open external audio track.
#[derive(Clone)]
pub(crate) struct ExternalAudio {
    /// Its facts, as a stream with an index after those of the source.
    pub(crate) facts: StreamFacts,
    pub(crate) settings: TrackSettings,
    files: Vec<Companion>,
    /// The current identities of its files.
    pub(crate) identities: Vec<Identity>,
    /// The start of its file, in its own time.
    pub(crate) start: Timestamp,
    /// The duration that its file declares, if the track is one stream of one file.
    pub(crate) length: Option<Timestamp>,
    /// True if its packets could be copied: the track is one whole stream of one file.
    pub(crate) is_whole: bool,
}

impl std::fmt::Debug for ExternalAudio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExternalAudio").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl ExternalAudio {
    /// Opens a reader of the track.
    ///
    /// # Errors
    /// Errors of decoding its files.
    pub(crate) fn reader(&self, on_damage: OnDamage) -> Result<AudioReader> {
        reader_of(&self.settings, "", &self.files, on_damage)?.map_err(|mistake| Error::of_mistakes(vec![mistake]))
    }

    /// The file and the stream of a track that is one whole stream. `None` if the file does not have the stream.
    pub(crate) fn whole(&self) -> Result<Option<(Source, StreamFacts)>> {
        let Some((file, input)) = self.files.iter().zip(self.settings.all_inputs()).next() else { return Ok(None) };
        let file = file.reopen()?;
        Ok(taken(&file, input.stream).cloned().map(|facts| (file, facts)))
    }

    /// The position in the track, in its own time, at time zero of an output that begins `later` than the source. The
    /// tempo of the track counts.
    pub(crate) fn origin(&self, later: Timestamp) -> Timestamp {
        let tempo = self.settings.tempo.0;
        let base = Rational::new(later.base.num, later.base.den.saturating_mul(tempo.den));
        self.start.plus(Timestamp::new(later.ticks.saturating_mul(tempo.num), base))
    }

    /// Compares the files of the track with their identities in the plan.
    ///
    /// # Errors
    /// `InvalidSpec` if a file has changed.
    pub(crate) fn expect_identities(&self, expected: &[Identity]) -> Result<()> {
        let changed = self.identities.iter().zip(expected).position(|(found, expected)| found != expected);
        let Some(number) = changed.or((self.identities.len() != expected.len()).then_some(0)) else { return Ok(()) };
        let file = self.settings.all_inputs().into_iter().nth(number).unwrap_or_default().path;
        let detail = "the file has changed since the plan was made; plan again";
        Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(&file))
    }

    /// The audio of the track in a lossless format, from the position that corresponds to `later` in the source.
    pub(crate) fn heard(&self, later: Timestamp) -> AudioTarget {
        AudioTarget { origin: self.origin(later), ..target_like(&self.facts) }
    }
}

/// Opens external audio tracks. Adds mistakes in their settings to `mistakes`.
///
/// # Errors
/// Errors of opening and decoding their files.
pub(crate) fn open_all<'a>(
    tracks: impl Iterator<Item = &'a TrackSettings>,
    source: &Source,
    mistakes: &mut Vec<Mistake>,
) -> Result<Vec<ExternalAudio>> {
    let mut opened = Vec::new();
    for (number, settings) in tracks.enumerate() {
        let place = format!("tracks[{number}]");
        let own = settings.check(&place);
        if !own.is_empty() {
            mistakes.extend(own);
            continue;
        }
        if let Some(track) = open(settings, &place, source.streams().len() + number, source, mistakes)? {
            opened.push(track);
        }
    }
    Ok(opened)
}

fn open(
    settings: &TrackSettings,
    place: &str,
    index: usize,
    source: &Source,
    mistakes: &mut Vec<Mistake>,
) -> Result<Option<ExternalAudio>> {
    let files = files(settings, source)?;
    let reader = match reader_of(settings, place, &files, OnDamage::Fail) {
        Ok(Ok(reader)) => reader,
        Ok(Err(mistake)) => {
            mistakes.push(mistake);
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut inputs: Vec<StreamFacts> = Vec::new();
    let mut identities = Vec::new();
    for (input, file) in settings.all_inputs().into_iter().zip(&files) {
        let source = file.reopen()?;
        identities.push(source.identity()?);
        let taken = taken(&source, input.stream).cloned();
        taken.iter().try_for_each(|facts| source.refuse_edits(facts.index))?;
        inputs.extend(taken);
    }
    let Some(mut facts) = inputs.first().cloned() else { return Ok(None) };
    let stems = reader.stems();
    let length = facts.duration.map(|ticks| Timestamp::new(ticks, facts.time_base)).filter(|_| stems.is_none());
    facts.index = index;
    facts.time_base = reader.time_base();
    (facts.start, facts.duration) = (None, None);
    (facts.channels, facts.sample_rate) = (reader.channels() as u32, reader.sample_rate());
    if let Some(deepest) = inputs.into_iter().max_by_key(sample_depth::depth).filter(|_| stems.is_some()) {
        // The depth is that of the deepest stem, and the stems define the layout. For a track without stems, the plan
        // assumes a layout if the stream has none.
        (facts.codec, facts.format, facts.raw_bits) = (deepest.codec, deepest.format, deepest.raw_bits);
        reader.layout().clone_into(&mut facts.layout);
    }
    if stems.as_ref().is_some_and(|stems| stems.stems.iter().any(|stem| stem.resampled_from.is_some())) {
        // Resampled audio has more bits than were stored: FFmpeg's planar 64-bit floating point.
        facts.format = 9;
    }
    let set = |facts: &mut StreamFacts, key: &str, value: &str| {
        facts.metadata.retain(|(own, _)| !own.eq_ignore_ascii_case(key));
        facts.metadata.push((key.to_owned(), value.to_owned()));
    };
    if let Some(tag) = &settings.language {
        // The tag was checked before; a known tag has a code of three letters.
        set(&mut facts, "language", &language::three_letters(tag).unwrap_or_else(|_| tag.clone()));
    }
    if let Some(title) = &settings.title {
        set(&mut facts, "title", title);
    }
    if !settings.disposition.is_empty() {
        facts.disposition = settings.disposition.iter().map(|purpose| purpose.name().to_owned()).collect();
    }
    facts.is_default = facts.disposition.iter().any(|purpose| purpose == "default");
    let is_whole = stems.is_none();
    let (settings, start) = (settings.clone(), reader.start());
    Ok(Some(ExternalAudio { facts, settings, files, identities, start, length, is_whole }))
}

/// The files of a track, in the order of its inputs.
fn files(settings: &TrackSettings, source: &Source) -> Result<Vec<Companion>> {
    settings.all_inputs().into_iter().map(|input| source.companion(&input.path)).collect()
}

/// The audio stream of `file` that a track takes: `asked`, or else the first that can be decoded.
fn taken(file: &Source, asked: Option<usize>) -> Option<&StreamFacts> {
    let index = asked.or_else(|| file.decodable_audio().next().map(|(_, facts)| facts.index));
    file.audio().find(|stream| index.is_none_or(|index| stream.index == index))
}

/// Opens the reader of a track. The inner error is a mistake of the job.
///
/// # Errors
/// Errors of decoding its files.
fn reader_of(
    settings: &TrackSettings,
    place: &str,
    files: &[Companion],
    on_damage: OnDamage,
) -> Result<std::result::Result<AudioReader, Mistake>> {
    let mut inputs = Vec::new();
    let mut channels = 0;
    for (input, file) in settings.all_inputs().into_iter().zip(files) {
        let source = file.reopen()?;
        let count = taken(&source, input.stream).map_or(0, |stream| stream.channels as usize);
        channels += if input.channel.is_some() { 1 } else { count };
        inputs.push(StemInput { source, stream: input.stream, channel: input.channel });
    }
    let target = match settings.stems(channels, place) {
        Ok(target) => target,
        Err(mistake) => return Ok(Err(mistake)),
    };
    let reader = match (target, inputs.len()) {
        (Some(target), _) => AudioReader::of_stems(Stems::open(inputs, &target, on_damage)?),
        (None, _) => {
            let StemInput { source, stream, .. } = inputs.swap_remove(0);
            AudioReader::new(source, stream, on_damage)?
        }
    };
    Ok(Ok(reader))
}

/// The number of channels of a track; `None` if it cannot be opened.
pub(crate) fn channels(settings: &TrackSettings, source: &Source) -> Option<u32> {
    let reader = reader_of(settings, "", &files(settings, source).ok()?, OnDamage::Fail).ok()?.ok()?;
    u32::try_from(reader.channels()).ok()
}

/// The part of the source that an output shows.
pub(super) struct Span {
    /// The start of the source.
    pub(super) begin: Timestamp,
    /// The source time at time zero of the output.
    pub(super) origin: Timestamp,
    /// The end of the output, if it is before the end of the source.
    pub(super) end: Option<Timestamp>,
}

/// Fits external audio tracks to the part that an output shows, and to its length.
pub(super) fn settle(
    plans: &mut [AudioPlan],
    external_audio: &[ExternalAudio],
    source: &Source,
    span: &Span,
    decisions: &mut Vec<Decision>,
    notes: &mut Vec<String>,
) {
    // A cut can be longer than the source.
    let end = [span.end, film_end(source, span.begin)].into_iter().flatten().min();
    let later = since(span.origin, span.begin);
    for plan in plans.iter_mut() {
        let Some(external_audio) = plan.stream.external_audio().and_then(|track| external_audio.get(track)) else {
            continue;
        };
        let settings = &external_audio.settings;
        notes.extend(far_offset(external_audio));
        plan.origin = Some(external_audio.origin(later));
        let rate = Rational::new(1, i64::from(plan.sample_rate));
        let samples = end.map(|end| u64::try_from(since(end, span.origin).rescale(rate)).unwrap_or(0));
        plan.edit = settings.edit(samples);
        if let Some(samples) = samples.filter(|_| span.end.is_some()) {
            // A cut applies to audio as to video, whatever the settings say about its length.
            let pad = plan.edit.length.is_some_and(|length| length.pad);
            plan.edit.length = Some(ExactLength { samples, pad, trim: true });
        }
        if let Some(decision) = samples.and_then(|samples| end_with_film(plan, external_audio, source, samples)) {
            decisions.push(decision);
        }
        plan.must_last = samples.filter(|_| settings.length == LengthPolicy::Fail).map(|samples| {
            let tolerance = settings.tolerance();
            MustLast { samples, tolerance, sample_rate: plan.sample_rate }
        });
    }
}

/// Why an offset is probably wrong: it is longer than ten seconds, or than the file.
pub(super) fn far_offset(external_audio: &ExternalAudio) -> Option<String> {
    const MOST: Timestamp = Timestamp::new(10, Rational::new(1, 1));
    let offset = external_audio.settings.offset?;
    let absolute = if offset.ticks < 0 { since(Timestamp::new(0, offset.base), offset) } else { offset };
    let name = external_audio.settings.all_inputs().first().map(|input| input.path.display().to_string())?;
    match external_audio.length {
        Some(length) if absolute > length => {
            Some(format!("{name}: the offset of {offset} is longer than the file, which lasts {length}"))
        }
        _ if absolute > MOST => Some(format!("{name}: an offset of {offset} is long; 40ms are milliseconds")),
        _ => None,
    }
}

/// Cuts the part of a track after the end of the video, at `samples` samples. Applies only if that part is shorter than
/// a frame and the codec is lossy: a master keeps such a part, and a player would show no frame with it.
fn end_with_film(
    plan: &mut AudioPlan,
    external_audio: &ExternalAudio,
    source: &Source,
    samples: u64,
) -> Option<Decision> {
    let is_own =
        external_audio.settings.length == LengthPolicy::AsIs && plan.edit == external_audio.settings.edit(None);
    let is_moved = plan.edit.offset.ticks != 0 || plan.edit.tempo != Rational::new(1, 1);
    let length = external_audio.length.filter(|_| is_own && !is_moved && !plan.copied && !plan.lossless)?;
    let rate = Rational::new(1, i64::from(plan.sample_rate));
    let longer = since(length, Timestamp::new(i64::try_from(samples).ok()?, rate));
    let frame = Timestamp::new(1, frame_rate(source.video()?).inverse());
    if longer <= Timestamp::new(0, rate) || longer >= frame {
        return None;
    }
    plan.edit.length = Some(ExactLength { samples, pad: false, trim: true });
    let what = format!(
        "the external track is cut at the end of the film, {} ms before its own",
        longer.micros() as f64 / 1000.0
    );
    Some(Decision::new(what, "it outlasts the film by less than a frame, and its codec is lossy"))
}

/// The end of the video of a source that begins at `begin`, or the end of the whole file if the video declares none.
pub(super) fn film_end(source: &Source, begin: Timestamp) -> Option<Timestamp> {
    let of_file = || source.duration().map(|micros| begin.plus(Timestamp::new(micros, Rational::new(1, 1_000_000))));
    let Some(facts) = source.video() else { return of_file() };
    let start = facts.start.map_or(begin, |ticks| Timestamp::new(ticks, facts.time_base));
    let declared = facts.duration.filter(|ticks| *ticks > 0).map(|ticks| Timestamp::new(ticks, facts.time_base));
    // Matroska files declare the end of a track in a tag that all writers agree on.
    let tag = || {
        let tag = facts.metadata.iter().find(|(key, _)| key.eq_ignore_ascii_case("duration"))?;
        tag.1.parse::<Timestamp>().ok()
    };
    let end = declared.map(|length| start.plus(length)).or_else(tag).or_else(of_file)?;
    // Containers round times; evenly spaced video has a whole number of frames.
    let frame = frame_rate(facts).inverse();
    let even = start.plus(Timestamp::new(since(end, start).rescale(frame), frame));
    let ticks = since(end, even).rescale(facts.time_base);
    Some(if ticks.abs() <= 1 && !is_uneven(facts) { even } else { end })
}

pub(super) fn since(time: Timestamp, before: Timestamp) -> Timestamp {
    time.plus(Timestamp::new(before.ticks.saturating_neg(), before.base))
}
