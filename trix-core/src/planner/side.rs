//! Sound tracks from beside the source, as streams that it might have had.
//!
//! Invariant: what is planned for such a track is what is read when the job runs: both open it here.

use trix_av::stream::StreamFacts;
use trix_model::{
    damage::OnDamage,
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    mistake::Mistake,
    time::{Rational, Timestamp},
};

use crate::{
    decode::video::{frame_rate, is_uneven},
    plan::{AudioPlan, Identity, MustLast, SoundTarget},
    planner::sample_depth,
    reading::{
        sound_reader::SoundReader,
        stems::{StemInput, Stems},
    },
    source::Source,
    spec::{
        audio_edit::ExactLength,
        language,
        source::Limits,
        track::{LengthPolicy, TrackSettings},
    },
};

/// An external audio track that is open.
#[derive(Clone)]
pub(crate) struct SideTrack {
    /// Its facts, as if it were a stream behind those of the source.
    pub(crate) facts: StreamFacts,
    pub(crate) settings: TrackSettings,
    /// What its files are now.
    pub(crate) identities: Vec<Identity>,
    /// The start of its file, in its own time.
    pub(crate) start: Timestamp,
    /// How long its file says that it is, where it is one stream of one file.
    pub(crate) length: Option<Timestamp>,
    /// Whether its packets could be copied: one whole stream of one file.
    pub(crate) is_whole: bool,
}

impl std::fmt::Debug for SideTrack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SideTrack").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl SideTrack {
    /// What of its own time lies at time zero of an output that begins so much `later` than the film: what the track
    /// plays meanwhile, at its own tempo.
    pub(crate) fn origin(&self, later: Timestamp) -> Timestamp {
        let tempo = self.settings.tempo.0;
        let base = Rational::new(later.base.num, later.base.den.saturating_mul(tempo.den));
        self.start.plus(Timestamp::new(later.ticks.saturating_mul(tempo.num), base))
    }

    /// Compares the files of the track with what they were.
    ///
    /// # Errors
    /// `InvalidSpec` when one has changed.
    pub(crate) fn expect_identities(&self, expected: &[Identity]) -> Result<()> {
        let changed = self.identities.iter().zip(expected).position(|(found, expected)| found != expected);
        let Some(number) = changed.or((self.identities.len() != expected.len()).then_some(0)) else { return Ok(()) };
        let file = self.settings.all_inputs().into_iter().nth(number).unwrap_or_default().path;
        let detail = "the file has changed since the plan was made; plan again";
        Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(&file))
    }

    /// The track as it is, in a form in which nothing is lost, from where the film begins so much `later`.
    pub(crate) fn heard(&self, later: Timestamp) -> SoundTarget {
        SoundTarget { origin: self.origin(later), ..SoundTarget::like(&self.facts) }
    }
}

/// Opens external audio tracks. What is wrong with their settings goes to `mistakes`.
///
/// # Errors
/// Those of opening and decoding their files.
pub(crate) fn open_all<'a>(
    tracks: impl Iterator<Item = &'a TrackSettings>,
    source: &Source,
    mistakes: &mut Vec<Mistake>,
) -> Result<Vec<SideTrack>> {
    let limits = source.limits();
    let mut opened = Vec::new();
    for (number, settings) in tracks.enumerate() {
        let place = format!("tracks[{number}]");
        let own = settings.check(&place);
        if !own.is_empty() {
            mistakes.extend(own);
            continue;
        }
        if let Some(track) = open(settings, &place, source.streams().len() + number, limits, mistakes)? {
            opened.push(track);
        }
    }
    Ok(opened)
}

fn open(
    settings: &TrackSettings,
    place: &str,
    index: usize,
    limits: Limits,
    mistakes: &mut Vec<Mistake>,
) -> Result<Option<SideTrack>> {
    let reader = match reader(settings, place, limits, OnDamage::Fail) {
        Ok(Ok(reader)) => reader,
        Ok(Err(mistake)) => {
            mistakes.push(mistake);
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut inputs: Vec<StreamFacts> = Vec::new();
    let mut identities = Vec::new();
    for input in settings.all_inputs() {
        let source = Source::open_within(&input.path, limits)?;
        identities.push(source.identity()?);
        let first = source.decodable_audio().next().map(|(_, facts)| facts.index);
        let own = |stream: &&StreamFacts| input.stream.or(first).is_none_or(|index| stream.index == index);
        let taken = source.audio().find(own).cloned();
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
        // Stems are as deep as the deepest of them, and say what their channels are; of a stream that is taken as it
        // is and does not say so, the plan assumes it.
        (facts.codec, facts.format, facts.raw_bits) = (deepest.codec, deepest.format, deepest.raw_bits);
        reader.layout().clone_into(&mut facts.layout);
    }
    if stems.as_ref().is_some_and(|stems| stems.stems.iter().any(|stem| stem.resampled_from.is_some())) {
        // What was resampled has more bits than were stored: FFmpeg's planes of 64-bit floating point.
        facts.format = 9;
    }
    let set = |facts: &mut StreamFacts, key: &str, value: &str| {
        facts.metadata.retain(|(own, _)| !own.eq_ignore_ascii_case(key));
        facts.metadata.push((key.to_owned(), value.to_owned()));
    };
    if let Some(tag) = &settings.language {
        // Checked before; a tag that is known has three letters.
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
    Ok(Some(SideTrack { facts, settings, identities, start, length, is_whole }))
}

/// Opens what a track is made of. The inner error is a mistake of the job.
///
/// # Errors
/// Those of opening and decoding its files.
pub(crate) fn reader(
    settings: &TrackSettings,
    place: &str,
    limits: Limits,
    on_damage: OnDamage,
) -> Result<std::result::Result<SoundReader, Mistake>> {
    let mut inputs = Vec::new();
    let mut channels = 0;
    for input in settings.all_inputs() {
        let source = Source::open_within(&input.path, limits)?;
        let first = source.decodable_audio().next().map(|(_, facts)| facts.index);
        let own = |stream: &&StreamFacts| input.stream.or(first).is_none_or(|index| stream.index == index);
        let count = source.audio().find(own).map_or(0, |stream| stream.channels as usize);
        channels += if input.channel.is_some() { 1 } else { count };
        inputs.push(StemInput { source, stream: input.stream, channel: input.channel });
    }
    let target = match settings.stems(channels, place) {
        Ok(target) => target,
        Err(mistake) => return Ok(Err(mistake)),
    };
    let reader = match (target, inputs.len()) {
        (Some(target), _) => SoundReader::of_stems(Stems::open(inputs, &target, on_damage)?),
        (None, _) => {
            let StemInput { source, stream, .. } = inputs.swap_remove(0);
            SoundReader::new(source, stream, on_damage)?
        }
    };
    Ok(Ok(reader))
}

/// Channels of a track; `None` where it cannot be opened.
pub(crate) fn channels(settings: &TrackSettings, limits: Limits) -> Option<u32> {
    let reader = reader(settings, "", limits, OnDamage::Fail).ok()?.ok()?;
    u32::try_from(reader.channels()).ok()
}

/// The part of the source that an output shows.
pub(super) struct Span {
    /// The start of the source.
    pub(super) begin: Timestamp,
    /// What lies at time zero of the output.
    pub(super) origin: Timestamp,
    /// Where the output ends, if before the source does.
    pub(super) end: Option<Timestamp>,
}

/// Brings tracks from beside the source to the part that an output shows, and to its length.
pub(super) fn settle(
    plans: &mut [AudioPlan],
    sides: &[SideTrack],
    source: &Source,
    span: &Span,
    decisions: &mut Vec<Decision>,
) {
    // A cut can be longer than the film.
    let end = [span.end, film_end(source, span.begin)].into_iter().flatten().min();
    let later = since(span.origin, span.begin);
    for plan in plans.iter_mut().filter(|plan| plan.side.is_some()) {
        let Some(side) = sides.iter().find(|side| side.facts.index == plan.stream) else { continue };
        let settings = &side.settings;
        plan.origin = Some(side.origin(later));
        let rate = Rational::new(1, i64::from(plan.sample_rate));
        let samples = end.map(|end| u64::try_from(since(end, span.origin).rescale(rate)).unwrap_or(0));
        plan.edit = settings.edit(samples);
        if let Some(samples) = samples.filter(|_| span.end.is_some()) {
            // What a cut leaves out of the pictures is left out of the sound, whatever is said of its length.
            let pad = plan.edit.length.is_some_and(|length| length.pad);
            plan.edit.length = Some(ExactLength { samples, pad, trim: true });
        }
        if let Some(decision) = samples.and_then(|samples| end_with_film(plan, side, source, samples)) {
            decisions.push(decision);
        }
        plan.must_last = samples.filter(|_| settings.length == LengthPolicy::Fail).map(|samples| {
            let tolerance = settings.tolerance();
            MustLast { samples, tolerance, sample_rate: plan.sample_rate }
        });
    }
}

/// Cuts what a track has behind the last frame of the film, of `samples` samples, where that is less than a frame and the
/// track is encoded with loss: a master keeps it, and a player would show nothing to it.
fn end_with_film(plan: &mut AudioPlan, side: &SideTrack, source: &Source, samples: u64) -> Option<Decision> {
    let is_own = side.settings.length == LengthPolicy::AsIs && plan.edit == side.settings.edit(None);
    let is_moved = plan.edit.offset.ticks != 0 || plan.edit.tempo != Rational::new(1, 1);
    let length = side.length.filter(|_| is_own && !is_moved && !plan.copied && !plan.lossless)?;
    let rate = Rational::new(1, i64::from(plan.sample_rate));
    let longer = since(length, Timestamp::new(i64::try_from(samples).ok()?, rate));
    let frame = Timestamp::new(1, frame_rate(source.video()?).inverse());
    if longer <= Timestamp::new(0, rate) || longer >= frame {
        return None;
    }
    plan.edit.length = Some(ExactLength { samples, pad: false, trim: true });
    let what = format!("the track from beside the film ends with it, {} ms early", longer.micros() as f64 / 1000.0);
    Some(Decision::new(what, "it outlasts the film by less than a frame, and its codec is lossy"))
}

/// Where the pictures of a film that begins at `begin` end, or all of it where that is not told of them.
pub(super) fn film_end(source: &Source, begin: Timestamp) -> Option<Timestamp> {
    let of_file = || source.duration().map(|micros| begin.plus(Timestamp::new(micros, Rational::new(1, 1_000_000))));
    let Some(facts) = source.video() else { return of_file() };
    let start = facts.start.map_or(begin, |ticks| Timestamp::new(ticks, facts.time_base));
    let declared = facts.duration.filter(|ticks| *ticks > 0).map(|ticks| Timestamp::new(ticks, facts.time_base));
    // Matroska tells of a track, in a tag that its writers agree on, when it ends.
    let tag = || {
        let tag = facts.metadata.iter().find(|(key, _)| key.eq_ignore_ascii_case("duration"))?;
        tag.1.parse::<Timestamp>().ok()
    };
    let end = declared.map(|length| start.plus(length)).or_else(tag).or_else(of_file)?;
    // Containers round; a film of evenly spaced pictures has a whole number of them.
    let frame = frame_rate(facts).inverse();
    let even = start.plus(Timestamp::new(since(end, start).rescale(frame), frame));
    let ticks = since(end, even).rescale(facts.time_base);
    Some(if ticks.abs() <= 1 && !is_uneven(facts) { even } else { end })
}

pub(super) fn since(time: Timestamp, before: Timestamp) -> Timestamp {
    time.plus(Timestamp::new(before.ticks.saturating_neg(), before.base))
}

impl MustLast {
    /// # Errors
    /// `MalformedInput` when sound that ends at sample `end` does not last as long.
    pub(crate) fn check(&self, end: i64) -> Result<()> {
        if !LengthPolicy::Fail.is_broken(end, self.samples, self.tolerance, self.sample_rate) {
            return Ok(());
        }
        let seconds = |samples: f64| samples / f64::from(self.sample_rate);
        let detail = format!(
            "the track ends after {:.3} s and the picture after {:.3} s; the job allows {} s between them",
            seconds(end as f64),
            seconds(self.samples as f64),
            self.tolerance.as_spec()
        );
        Err(Error::new(ErrorKind::MalformedInput, Stage::Decode, detail))
    }
}
