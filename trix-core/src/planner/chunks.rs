//! Divides a film into the parts that are encoded one by one.
//!
//! Invariant: the division depends on the source and the job alone. Nothing is decoded before the job is known to be sound.

use trix_av::stream::StreamFacts;
use trix_model::{
    damage::OnDamage,
    decision::Decision,
    error::Result,
    plan::{ChunkPlan, Cut, FrameRange, VideoPlan},
    time::Timestamp,
};

use super::{
    chunk_lengths::{Lengths, USUAL, ranges},
    drafted::Drafted,
    scenes::SceneSearch,
};
use crate::{
    filter::transform::CYCLE,
    index::{self, FrameIndex},
    reading::reader::FrameReader,
    settings::{
        job::{Chunks, Job},
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
    if !are_in_place(source, film, &index)? {
        return refused(
            "its frames are not at the times of its packets, as with fields in packets of their own".into(),
        );
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
    let can = index.trouble().is_none() && all.frames() > 0 && are_in_place(source, film, &index)?;
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

/// Frames that are decoded to see whether the index names them rightly.
const SAMPLE: usize = 24;

/// True if the first frames have the numbers and times that the index states.
///
/// # Errors
/// `Io` if the source cannot be read; `Cancelled`.
fn are_in_place(source: &Source, film: &StreamFacts, index: &FrameIndex) -> Result<bool> {
    let again = source.again(&source.cancel)?;
    let mut reader = FrameReader::beginning(again, OnDamage::Fail, Cut::default(), None, 1, None)?;
    for _ in 0..SAMPLE {
        // Damage is named when the film is encoded.
        let Ok(Some(frame)) = reader.next_frame() else { break };
        if index.time(frame.number).map(|time| time.rescale(film.time_base)) != Some(frame.pts) {
            return Ok(false);
        }
    }
    Ok(true)
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
