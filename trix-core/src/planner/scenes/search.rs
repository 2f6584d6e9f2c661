//! Divides a film where scenes begin, stretch by stretch.
//!
//! Invariant: the result depends on the film and the lengths of parts alone, whatever the number of decodes, and whatever was found
//! before.

use std::sync::{Mutex, PoisonError};

use rayon::{ThreadPoolBuilder, prelude::*};
use serde_json::{Value, json};
use trix_model::{
    control::cancel::Cancel,
    error::{Error, ErrorKind, Result, Stage},
    plan::FrameRange,
};

use super::{
    super::chunk_lengths::{Lengths, Reach, ranges},
    nearest::Scenes,
    outline::Outline,
};
use crate::{index, settings::job::SourceSettings, source::Source};

/// A film in which scenes have still to be looked for, which takes a decode of parts of it.
pub(crate) struct SceneSearch {
    pub(crate) all: FrameRange,
    pub(crate) lengths: Lengths,
}

/// Version of the search for scenes. It grows when that finds others, so that a store from before keeps none of its results.
const SEARCH: u32 = 2;

/// What a search for scenes may use.
#[derive(Clone, Copy)]
pub(crate) struct SearchThreads {
    /// Cores of this machine.
    pub(crate) cores: u32,
    /// The most decodes at the same time, for which there is memory.
    pub(crate) decodes: u32,
}

/// Results of earlier searches of the same film, each under a text that describes what was searched.
pub(crate) trait Findings: Sync {
    /// The result of a search; `None` if there was none.
    fn get(&self, what: &str) -> Option<Vec<u8>>;
    /// Keeps the result of a search. One that cannot be kept is searched again.
    fn put(&self, what: &str, found: &[u8]);
}

/// No findings: a plan that is made without running its job keeps none.
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
    pub(crate) fn ranges(
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
        let outline = Outline::of(&index);
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
            let scenes = Scenes { source: &source, film, index: &index, outline: &outline, cancel };
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
            .encoded(&format!("-vf {scenes} -c:v libx264 -preset ultrafast -qp 10 -g 5"), "mp4");
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
    #[test]
    fn scenes_of_a_real_clip_are_those_that_av_scenechange_finds() {
        let Some(clip) = trix_fixtures::media::file("scene_cuts.mp4") else { return };
        let source = Source::open(&clip).expect("a source");
        let (film, cancel) = (source.video().expect("a stream"), Cancel::default());
        let index = index::of(&source, film, None).expect("an index");
        let outline = Outline::of(&index);
        let own = Scenes { source: &source, film, index: &index, outline: &outline, cancel: &cancel };
        assert_eq!(own.all_in(0, index.len() - 1).expect("scenes"), [30, 137, 187, 242]);
    }

    #[test]
    fn scenes_are_found_in_sources_of_every_kind() {
        let begins = [307, 435, 532, 614, 687, 752, 813];
        let clip = Clip { frames: 900, width: 192, height: 108, ..Clip::default() };
        let codings = [
            // Every frame is a keyframe.
            ("-c:v prores_ks -profile:v 0", "mov"),
            ("-c:v mjpeg -q:v 3", "mkv"),
            // Groups of constant length and constant bit rate.
            ("-c:v mpeg2video -g 12 -bf 2 -sc_threshold 1G -b:v 4M -minrate 4M -maxrate 4M -bufsize 1M", "mxf"),
            ("-c:v libx264 -preset veryfast -x264-params scenecut=0:keyint=25 -b:v 900k", "mp4"),
            // Long groups, which begin or do not begin with scenes.
            ("-c:v libx264 -preset veryfast", "mp4"),
            ("-c:v libx264 -preset veryfast -g 50 -x264-params open-gop=1", "mkv"),
            ("-c:v libx264 -preset veryfast -x264-params scenecut=0:keyint=50", "ts"),
            ("-c:v libx265 -preset superfast -x265-params log-level=none", "mp4"),
        ];
        let mut missed = Vec::new();
        for (coding, ending) in codings {
            let scenes = "-vf negate=enable='gt(sin(n*n/30000),0)'";
            let film = clip.encoded(&format!("{scenes} {coding}"), ending);
            let source = Source::open(&film).expect("a source");
            let stream = source.video().expect("a stream");
            let index = index::of(&source, stream, None).expect("an index");
            let (outline, cancel) = (Outline::of(&index), Cancel::default());
            let own = Scenes { source: &source, film: stream, index: &index, outline: &outline, cancel: &cancel };
            for begin in begins {
                let found = own.nearest(begin - 125, begin - 20, begin + 125).expect("a search");
                if !found.is_some_and(|found| begins.contains(&found)) {
                    missed.push((coding, begin, found));
                }
            }
            // There is none.
            assert_eq!(own.nearest(40, 150, 290).expect("a search"), None, "{coding}");
        }
        // No more than half of the frames are decoded, so that one may be missed.
        assert!(missed.len() < 2, "{missed:?}");
    }
}
