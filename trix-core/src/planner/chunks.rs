//! Divides a film into the parts that are encoded one by one.
//!
//! Invariant: the division depends on the source and the job alone.

use trix_model::{
    damage::OnDamage,
    decision::Decision,
    error::Result,
    plan::{ChunkPlan, Cut, FrameRange},
    time::{Rational, Timestamp},
};

use super::drafted::Drafted;
use crate::{
    index::{self, FrameIndex},
    settings::job::{Chunks, Job},
    source::Source,
};

/// `chunks = "auto"` divides films that are longer than this, in seconds.
const LONG: i64 = 600;

/// The length of a part in seconds: the least, the usual and the greatest. An encoder begins each part with a keyframe, and
/// places one every ten seconds at 25 frames a second anyway (`keyint` of x264 and x265).
const LEAST: i64 = 5;
const USUAL: i64 = 10;
const GREATEST: i64 = 15;

/// Frames on both sides of a part that a deinterlacer looks at, with a reserve (bwdif: two).
const NEIGHBOURS: u64 = 4;

/// Options of x264 and x265 that hold for the whole stream: a bit rate, and the buffer of a decoder.
const RATE_OF_THE_WHOLE: [&str; 3] = ["bitrate", "vbv-maxrate", "vbv-bufsize"];

/// What a decision says about a film in one piece.
pub(super) const WHOLE: &str = "the film is not encoded in chunks";

/// The parts of the film of a job, and why, or why not.
pub(super) struct Division {
    pub(super) chunks: Option<ChunkPlan>,
    pub(super) decision: Option<Decision>,
}

/// Divides the film that `drafts` encode.
///
/// # Errors
/// `Io` if the source cannot be read; `Cancelled`.
pub(super) fn plan(job: &Job, source: &Source, drafts: &[Drafted]) -> Result<Division> {
    let whole = |decision| Division { chunks: None, decision };
    let encoded: Vec<&Drafted> = drafts.iter().filter(|draft| draft.plan.video.is_some()).collect();
    let (Some(film), Some(first)) = (source.video(), encoded.first()) else { return Ok(whole(None)) };
    let is_long = source.duration().is_some_and(|micros| micros > LONG * 1_000_000);
    match job.chunks {
        Chunks::Off => return Ok(whole(None)),
        Chunks::Auto if !is_long => return Ok(whole(None)),
        Chunks::Auto | Chunks::On => {}
    }
    let refused = |why: String| Ok(whole(Some(Decision::new(WHOLE.to_owned(), why))));
    if source.is_given() {
        return refused("a program gives its frames one by one".into());
    }
    if job.source.on_damage == OnDamage::Conceal {
        return refused("what replaces damaged frames depends on all frames before them".into());
    }
    if let Some(why) = encoded.iter().find_map(|draft| needs_whole(draft)) {
        return refused(why);
    }
    let cut = first.cut();
    if encoded.iter().any(|draft| draft.cut() != cut) {
        return refused("its outputs begin or end at different places".into());
    }
    let index = index::of(source, film, None)?;
    if let Some(trouble) = index.trouble() {
        return refused(format!("the places of its frames are not known: {trouble}"));
    }
    let all = frames_of(&cut, &index);
    let video = encoded.iter().filter_map(|draft| draft.plan.video.as_ref());
    let has_neighbours = video.clone().any(|video| video.transform.deinterlace.is_some());
    let neighbours = if has_neighbours { NEIGHBOURS } else { 0 };
    let rate = video.map(|video| video.source_rate).next().unwrap_or(Rational::new(25, 1));
    let ranges = ranges(all, rate, &|number| index.lead_in(number).is_ok_and(|lead| lead == 0));
    if ranges.is_empty() || job.chunks == Chunks::Auto && ranges.len() < 2 {
        return Ok(whole(None));
    }
    // Otherwise, each unit would decode all that comes before its frames.
    if let Some(why) = ranges.iter().skip(1).find_map(|range| index.lead_in(range.start).err()) {
        return refused(format!("decoding cannot begin everywhere: {why}"));
    }
    let what = format!("the film is encoded in {} chunks of {LEAST} to {GREATEST} seconds", ranges.len());
    let why = match job.chunks {
        Chunks::Auto => format!("it is longer than {} minutes", LONG / 60),
        _ => "the job asks for chunks".to_owned(),
    };
    let chunks = ChunkPlan { ranges, lead_in: neighbours };
    Ok(Division { chunks: Some(chunks), decision: Some(Decision::new(what, why)) })
}

/// Why an output needs an encode of the whole film, if it does.
fn needs_whole(draft: &Drafted) -> Option<String> {
    let video = draft.plan.video.as_ref()?;
    let name = draft.plan.path.display();
    if video.passes == 2 {
        return Some(format!("{name} has two passes"));
    }
    let of_the_whole = |(option, _): &&(String, String)| RATE_OF_THE_WHOLE.contains(&option.as_str());
    if let Some((option, _)) = video.options.iter().find(of_the_whole) {
        return Some(format!("{name} has a rate control over the whole film ({option})"));
    }
    if video.resampled_rate.is_some() {
        return Some(format!("{name} has another frame rate"));
    }
    video.transform.inverse_telecine.map(|_| format!("{name} is freed of pulldown"))
}

/// The frames of a cut.
fn frames_of(cut: &Cut, index: &FrameIndex) -> FrameRange {
    let start = cut.start.map_or(0, |start| index.number_at(start));
    let end = cut.end.map_or(index.len(), |end| index.number_at(end)).min(index.len());
    let end = cut.frames.map_or(end, |frames| end.min(start.saturating_add(frames)));
    FrameRange { start: start.min(end), end }
}

/// Divides `all` at the places that `is_entry` accepts, as near to the usual length as it goes. Without one within reach, a part
/// has the usual length.
fn ranges(all: FrameRange, rate: Rational, is_entry: &dyn Fn(u64) -> bool) -> Vec<FrameRange> {
    let frames = |seconds: i64| -> u64 {
        u64::try_from(Timestamp::new(seconds, Rational::new(1, 1)).rescale(rate.inverse())).unwrap_or(1).max(1)
    };
    let (least, usual, greatest) = (frames(LEAST), frames(USUAL), frames(GREATEST));
    let mut found = Vec::new();
    let mut start = all.start;
    // What is left is divided only if both parts have the least length.
    while all.end.saturating_sub(start) >= greatest.max(2 * least) {
        let latest = (start + greatest).min(all.end - least);
        let entries = (start + least..=latest).filter(|number| is_entry(*number));
        let nearest = entries.min_by_key(|number| number.abs_diff(start + usual));
        let end = nearest.unwrap_or_else(|| (start + usual).min(latest));
        found.push(FrameRange { start, end });
        start = end;
    }
    if start < all.end {
        found.push(FrameRange { start, end: all.end });
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_partition_the_film_and_keep_to_their_lengths(
            start in 0u64..1000,
            frames in 1u64..20_000,
            rate in prop_oneof![Just(Rational::new(24000, 1001)), Just(Rational::new(25, 1)), Just(Rational::new(60, 1))],
            every in 1u64..700,
        ) {
            let all = FrameRange { start, end: start + frames };
            let found = ranges(all, rate, &|number| number % every == 0);
            prop_assert_eq!((found[0].start, found[found.len() - 1].end), (all.start, all.end));
            prop_assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start));
            let frames = |seconds: f64| (seconds * rate.to_f64()).round() as u64;
            for range in &found {
                prop_assert!(range.frames() > 0 && range.frames() <= frames(GREATEST as f64) + 1);
                prop_assert!(found.len() == 1 || range.frames() + 1 >= frames(LEAST as f64));
            }
        }
    }

    #[test]
    fn parts_end_at_the_entry_that_is_nearest_to_ten_seconds() {
        let all = FrameRange { start: 0, end: 1000 };
        let found = ranges(all, Rational::new(25, 1), &|number| [100, 240, 270, 600].contains(&number));
        let ends: Vec<u64> = found.iter().map(|range| range.end).collect();
        assert_eq!(ends, [240, 600, 850, 1000]);
    }
}
