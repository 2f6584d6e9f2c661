//! Divides a film into the parts that are encoded one by one.
//!
//! Invariant: the division depends on the source and the job alone. Nothing is decoded before the job is known to be sound.

use std::sync::{Mutex, PoisonError};

use rayon::{ThreadPoolBuilder, prelude::*};
use serde_json::{Value, json};
use trix_model::{
    control::cancel::Cancel,
    damage::OnDamage,
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    plan::{ChunkPlan, Cut, FrameRange, VideoPlan},
    time::Timestamp,
};

use super::{
    chunk_lengths::{Lengths, Reach, USUAL, ranges},
    drafted::Drafted,
    scenes::Scenes,
};
use crate::{
    filter::transform::CYCLE,
    index::{self, FrameIndex},
    settings::{
        job::{Chunks, Job, SourceSettings},
        video::Encoder,
    },
    source::Source,
};

/// `chunks = "auto"` divides films that are longer than this, in seconds.
const LONG: i64 = 600;

/// Presets with which an encode takes too little time for a look at the scenes of the film to pay.
const QUICK: [&str; 5] = ["ultrafast", "superfast", "veryfast", "faster", "fast"];

/// Frames on both sides of a part that a deinterlacer looks at, with a reserve (bwdif: two).
const NEIGHBOURS: u64 = 4;

/// Options of x264 and x265 with which each frame states how full the buffer of a decoder is, or with which it has to be full at
/// the end.
const RATE_OF_THE_WHOLE: [&str; 6] = ["nal-hrd", "filler", "hrd", "strict-cbr", "vbv-end", "const-vbv"];

/// Options with the name of a file, of which keys of chunks know nothing.
const OF_FILES: [&str; 6] =
    ["cqmfile", "lambda-file", "nalu-file", "analysis-load", "analysis-reuse-file", "dhdr10-info"];

/// What a decision says about a film in one piece.
pub(crate) const WHOLE: &str = "the film is not encoded in chunks";

/// The parts of the film of a job, and why, or why not.
pub(super) struct Division {
    pub(super) chunks: Option<ChunkPlan>,
    pub(super) decision: Option<Decision>,
    /// Finds parts that begin where scenes do. Without a search, the parts are final.
    pub(super) search: Option<SceneSearch>,
}

/// Divides the film that `drafts` encode.
///
/// # Errors
/// `Io` if the source cannot be read; `Cancelled`.
pub(super) fn plan(job: &Job, source: &Source, drafts: &[Drafted]) -> Result<Division> {
    let whole = |decision| Division { chunks: None, decision, search: None };
    let encoded: Vec<&Drafted> = drafts.iter().filter(|draft| draft.plan.video.is_some()).collect();
    let (Some(film), Some(first)) = (source.video(), encoded.first()) else { return Ok(whole(None)) };
    let stated = length(job, source);
    match job.chunks {
        Chunks::Off => return Ok(whole(None)),
        Chunks::Auto if source.is_given() || stated.is_some_and(|length| length <= LONG as f64) => {
            return Ok(whole(None));
        }
        Chunks::Auto | Chunks::On => {}
    }
    let refused = |why: String| Ok(whole(Some(Decision::new(WHOLE.to_owned(), why))));
    if let Some(why) =
        needs_all_before(job, source, &encoded).or_else(|| encoded.iter().find_map(|own| needs_whole(own)))
    {
        return refused(why);
    }
    let cut = first.cut();
    let index = index::of(source, film, None)?;
    if let Some(trouble) = index.trouble() {
        return refused(format!("the places of its frames are not known: {trouble}"));
    }
    let all = frames_of(&cut, &index);
    // A source that does not state its length has its packets counted.
    if job.chunks == Chunks::Auto && stated.is_none() {
        let time = |frame: u64| index.time(frame).map_or(0.0, |time| time.to_f64());
        if time(all.end.saturating_sub(1)) - time(all.start) <= LONG as f64 {
            return Ok(whole(None));
        }
    }
    let video = encoded.iter().filter_map(|draft| draft.plan.video.as_ref());
    let lengths = Lengths::of(video.clone());
    let lead_in = video.clone().map(lead_in).max().unwrap_or(0);
    let mut is_by_scenes = false;
    let divided = if let Some(every) = lengths.every {
        ranges((all, true), &lengths, &mut |part| Some(part.at_multiple_of(all.start, every)))
    } else if video.clone().any(is_slow) {
        is_by_scenes = true;
        ranges((all, true), &lengths, &mut |_| None)
    } else {
        let is_entry = |number: &u64| index.lead_in(*number).is_ok_and(|lead| lead == 0);
        ranges((all, true), &lengths, &mut |part| {
            (part.least..=part.greatest).filter(is_entry).min_by_key(|number| number.abs_diff(part.usual))
        })
    };
    if divided.is_empty() || job.chunks == Chunks::Auto && divided.len() < 2 {
        return Ok(whole(None));
    }
    // Otherwise, each unit would decode all that comes before its frames.
    if let Some(why) = divided.iter().skip(1).find_map(|range| index.lead_in(range.start).err()) {
        return refused(format!("decoding cannot begin everywhere: {why}"));
    }
    let places = match (lengths.every, is_by_scenes) {
        (Some(_), _) => "at forced keyframes",
        (None, true) => "where scenes begin",
        (None, false) => "at keyframes of the source",
    };
    let what = format!("the film is encoded in chunks of about {USUAL} seconds, divided {places}");
    let why = match job.chunks {
        Chunks::Auto => format!("it is longer than {} minutes", LONG / 60),
        _ => "the job asks for chunks".to_owned(),
    };
    let chunks = Some(ChunkPlan { ranges: divided, lead_in });
    let search = is_by_scenes.then_some(SceneSearch { all, lengths });
    Ok(Division { chunks, decision: Some(Decision::new(what, why)), search })
}

/// A film in which scenes have still to be looked for, which takes a decode of most of it.
pub(crate) struct SceneSearch {
    all: FrameRange,
    lengths: Lengths,
}

/// Version of the search for scenes. It grows when that finds others, so that a store from before keeps none of its results.
const SEARCH: u32 = 1;

/// What a search for scenes may use.
#[derive(Clone, Copy)]
pub(super) struct SearchThreads {
    /// Cores of this machine.
    pub(super) cores: u32,
    /// The most decodes at the same time, for which there is memory.
    pub(super) decodes: u32,
}

/// Results of earlier searches of the same film, each under a text that describes what was searched.
pub(crate) trait Findings: Sync {
    /// The result of a search; `None` if there was none.
    fn get(&self, what: &str) -> Option<Vec<u8>>;
    /// Keeps the result of a search. One that cannot be kept is searched again.
    fn put(&self, what: &str, found: &[u8]);
}

/// No findings, for plans that are made without a job.
impl Findings for () {
    fn get(&self, _what: &str) -> Option<Vec<u8>> {
        None
    }

    fn put(&self, _what: &str, _found: &[u8]) {}
}

impl SceneSearch {
    /// The parts, which begin where scenes do. Stretches of the film are searched side by side.
    ///
    /// # Errors
    /// `Io` if the source cannot be read; `Cancelled`.
    pub(super) fn ranges(
        &self,
        source: &Source,
        settings: &SourceSettings,
        threads: SearchThreads,
        findings: &dyn Findings,
        cancel: &Cancel,
    ) -> Result<Vec<FrameRange>> {
        let film = source.video().ok_or_else(|| Error::bug(Stage::Plan, "a film without video is divided"))?;
        let index = index::of(source, film, None)?;
        let borders = self.lengths.borders(self.all);
        let stretches = u32::try_from(borders.len() + 1).unwrap_or(u32::MAX);
        let at_once = threads.cores.min(threads.decodes).min(stretches).max(1);
        // Each thread of a decoder has frames of its own in memory.
        let decoder_threads = if threads.decodes < stretches { 1 } else { (threads.cores / at_once).max(1) };
        let opened = Mutex::new(source.again(cancel)?);
        let open = || opened.lock().unwrap_or_else(PoisonError::into_inner).again(cancel);
        let reading = json!([settings.raw, settings.rate, film.index]);
        let film_of = json!([SEARCH, source.identity()?, reading, self.all, self.lengths]);
        let known = |what: Value, find: &dyn Fn(&Scenes<'_>) -> Result<Vec<u64>>| -> Result<Vec<u64>> {
            let what = json!([film_of, what]).to_string();
            let kept = findings.get(&what).and_then(|found| serde_json::from_slice(&found).ok());
            if let Some(found) = kept {
                return Ok(found);
            }
            let source = open()?;
            let scenes = Scenes { source: &source, film, index: &index, threads: decoder_threads, cancel };
            let found = find(&scenes)?;
            // A search that was cancelled has found too little.
            if cancel.is_cancelled() {
                return Err(Error::cancelled(Stage::Plan));
            }
            findings.put(&what, &serde_json::to_vec(&found).unwrap_or_default());
            Ok(found)
        };
        let pool = ThreadPoolBuilder::new().num_threads(at_once as usize).build();
        let pool = pool.map_err(|error| {
            Error::new(ErrorKind::Io, Stage::Plan, format!("the threads of a search cannot be started: {error}"))
        })?;
        pool.install(|| {
            let begin = |border: &Reach| {
                let find = |scenes: &Scenes<'_>| {
                    let found = scenes.nearest(border.least, border.usual, border.greatest)?;
                    Ok(vec![found.unwrap_or(border.usual)])
                };
                known(json!(["border", border.usual]), &find)
                    .map(|found| found.first().copied().unwrap_or(border.usual))
            };
            let mut starts = vec![self.all.start];
            starts.extend(borders.par_iter().map(begin).collect::<Result<Vec<_>>>()?);
            let ends = starts[1..].iter().copied().chain([self.all.end]);
            let stretches: Vec<FrameRange> =
                starts.iter().zip(ends).map(|(start, end)| FrameRange { start: *start, end }).collect();
            let divide = |stretch: &FrameRange| {
                let ends_film = stretch.end == self.all.end;
                let find = |scenes: &Scenes<'_>| {
                    let mut failed = None;
                    let mut find = |part: Reach| match scenes.nearest(part.least, part.usual, part.greatest) {
                        Ok(found) => found,
                        Err(error) => {
                            failed.get_or_insert(error);
                            None
                        }
                    };
                    let found = ranges((*stretch, ends_film), &self.lengths, &mut find);
                    failed.map_or_else(|| Ok(found.into_iter().map(|range| range.end).collect()), Err)
                };
                known(json!([stretch, ends_film]), &find)
            };
            let ends = stretches.par_iter().map(divide).collect::<Result<Vec<_>>>()?.concat();
            let starts = [self.all.start].into_iter().chain(ends.iter().copied());
            Ok(starts.zip(&ends).map(|(start, end)| FrameRange { start, end: *end }).collect())
        })
    }
}

/// The whole film as one part, for outputs that are encoded one after the other because memory is short. `None` if the outputs
/// cannot be encoded apart from the others.
///
/// # Errors
/// `Io` if the source cannot be read; `Cancelled`.
pub(super) fn in_one_part(job: &Job, source: &Source, drafts: &[Drafted]) -> Result<Option<ChunkPlan>> {
    let encoded: Vec<&Drafted> = drafts.iter().filter(|draft| draft.plan.video.is_some()).collect();
    let (Some(film), Some(first)) = (source.video(), encoded.first()) else { return Ok(None) };
    // A first pass in one piece has another rate control.
    let has_two_passes = encoded.iter().any(|draft| draft.plan.video.as_ref().is_some_and(|video| video.passes == 2));
    if encoded.len() < 2 || has_two_passes || needs_all_before(job, source, &encoded).is_some() {
        return Ok(None);
    }
    let index = index::of(source, film, None)?;
    let all = frames_of(&first.cut(), &index);
    let can = index.trouble().is_none() && all.frames() > 0;
    Ok(can.then(|| ChunkPlan { ranges: vec![all], lead_in: 0 }))
}

/// Why encodes cannot be made apart from the pipeline that joins them, if they cannot.
fn needs_all_before(job: &Job, source: &Source, encoded: &[&Drafted]) -> Option<String> {
    if source.is_given() {
        return Some("a program gives its frames one by one".into());
    }
    if job.source.on_damage == OnDamage::Conceal {
        return Some("what replaces damaged frames depends on all frames before them".into());
    }
    let cut = encoded.first()?.cut();
    let differ = encoded.iter().any(|draft| draft.cut() != cut);
    differ.then(|| "its outputs begin or end at different places".into())
}

/// Why an output needs an encoder that sees the whole film, if it does.
fn needs_whole(draft: &Drafted) -> Option<String> {
    let video = draft.plan.video.as_ref()?;
    let name = draft.plan.path.display();
    let has = |own: &str| video.options.iter().find(|(option, value)| option == own && value != "0" && value != "none");
    if has("bitrate").is_some() && video.passes < 2 {
        return Some(format!("{name} has a bit rate in one pass; with two, it can be divided"));
    }
    // x265 has its own lists under two names; all others are files.
    let lists = has("scaling-list").filter(|(_, value)| !["off", "default"].contains(&value.as_str()));
    if let Some((option, _)) = OF_FILES.iter().find_map(|option| has(option)).or(lists) {
        return Some(format!("{name} has an option with a file ({option})"));
    }
    let (option, _) = RATE_OF_THE_WHOLE.iter().find_map(|option| has(option))?;
    Some(format!("{name} has a rate control over the whole film ({option})"))
}

/// Length of what a job encodes, in seconds. `None` if the source does not state its own.
fn length(job: &Job, source: &Source) -> Option<f64> {
    let start = job.source.start.map_or(0.0, Timestamp::to_f64);
    let rest = source.duration()? as f64 / 1e6 - start;
    let wanted = job.source.duration.map_or(f64::MAX, Timestamp::to_f64);
    let rate = source.video().map_or(0.0, |film| film.average_rate.to_f64());
    let of_frames = job.source.frames.filter(|_| rate > 0.0).map_or(f64::MAX, |frames| frames as f64 / rate);
    Some(rest.min(wanted).min(of_frames))
}

/// The frames of a cut.
fn frames_of(cut: &Cut, index: &FrameIndex) -> FrameRange {
    let start = cut.start.map_or(0, |start| index.number_at(start));
    let end = cut.end.map_or(index.len(), |end| index.number_at(end)).min(index.len());
    let end = cut.frames.map_or(end, |frames| end.min(start.saturating_add(frames)));
    FrameRange { start: start.min(end), end }
}

/// Frames before a part on which its frames depend.
fn lead_in(video: &VideoPlan) -> u64 {
    let deinterlaced = if video.transform.deinterlace.is_some() { NEIGHBOURS } else { 0 };
    // The first cycle lacks a frame to compare with.
    let telecined = if video.transform.inverse_telecine.is_some() { NEIGHBOURS + CYCLE } else { 0 };
    // Captions of frames that are left out go to a later one.
    let captions = video.resampled_rate.map_or(0, |to| {
        let from = video.source_rate;
        let ratio = (from.num as f64 / from.den as f64) / (to.num as f64 / to.den as f64).max(1e-3);
        2 * (ratio.ceil() as u64).min(1000)
    });
    deinterlaced + telecined + captions
}

/// True if an encode takes so long that a look at the scenes costs little beside it.
fn is_slow(video: &VideoPlan) -> bool {
    let is_lossy = matches!(video.encoder, Encoder::X264 | Encoder::X265) && !video.lossless;
    is_lossy && !QUICK.contains(&video.preset.as_str())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Mutex};

    use trix_fixtures::Clip;

    use super::*;

    /// Findings that count how often they were asked in vain.
    #[derive(Default)]
    struct Kept(Mutex<(BTreeMap<String, Vec<u8>>, usize)>);

    impl Findings for Kept {
        fn get(&self, what: &str) -> Option<Vec<u8>> {
            let mut own = self.0.lock().expect("no panic");
            let found = own.0.get(what).cloned();
            own.1 += usize::from(found.is_none());
            found
        }

        fn put(&self, what: &str, found: &[u8]) {
            self.0.lock().expect("no panic").0.insert(what.to_owned(), found.to_vec());
        }
    }

    #[test]
    fn a_search_finds_the_same_however_many_decodes_share_it() {
        // Scenes of 37 frames.
        let scenes = "negate=enable='mod(floor(n/37),2)'";
        let film = Clip { frames: 2_000, width: 64, height: 48, ..Clip::default() }
            .encoded(&format!("-vf {scenes} -c:v libx264 -preset ultrafast -qp 10 -g 25"), "mp4");
        let source = Source::open(&film).expect("a source");
        let all = FrameRange { start: 13, end: 2_000 };
        let search = SceneSearch { all, lengths: Lengths::about(40, None) };
        let (settings, cancel, kept) = (SourceSettings::default(), Cancel::default(), Kept::default());
        let found = |cores, decodes, findings: &dyn Findings| {
            let threads = SearchThreads { cores, decodes };
            search.ranges(&source, &settings, threads, findings, &cancel).expect("ranges")
        };
        let one = found(1, 1, &());
        assert!(one.len() > 30 && (one[0].start, one[one.len() - 1].end) == (13, 2_000), "{one:?}");
        assert!(one.windows(2).all(|pair| pair[0].end == pair[1].start), "{one:?}");
        let at_scenes = one.iter().skip(1).filter(|range| range.start % 37 == 0).count();
        assert!(at_scenes + 4 > one.len(), "{one:?}");
        for (cores, decodes) in [(2, 1), (2, 2), (8, 3), (8, 8)] {
            assert_eq!(found(cores, decodes, &kept), one, "{cores} cores, {decodes} decodes");
        }
        // Three stretches and their two borders were searched once.
        assert_eq!(kept.0.lock().expect("no panic").1, 5);
    }
}
