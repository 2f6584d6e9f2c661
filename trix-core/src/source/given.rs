//! A source whose frames and audio a program gives. It has streams, and no packets.
//!
//! Invariant: all that a job reads of such a source before it runs is what the program stated.

use std::sync::Arc;

use trix_av::{
    input::Input,
    stated::{StatedAudio, StatedVideo},
    stream::{CodecParameters, StreamFacts, StreamKind},
};
use trix_model::{
    control::cancel::Cancel,
    error::{Error, ErrorKind, Result, Stage},
    time::Rational,
};

use super::{joints::Joints, opened::Source, origin::Origin, parts::Parts, place::ReadingPlace};
use crate::{
    extent::Extent,
    settings::{
        shape::{Shape, TrackShape, VideoShape},
        source::{Limits, Reading},
    },
};

impl Source {
    /// A source of what a program gives in this shape.
    ///
    /// # Errors
    /// `InvalidSpec` with every mistake of the shape; `Limit` if it is larger than `limits` allow.
    pub(crate) fn given(shape: &Shape, limits: Limits) -> Result<Self> {
        let mistakes = shape.check();
        if !mistakes.is_empty() {
            return Err(Error::of_mistakes(mistakes));
        }
        Self::from_origin(&Origin::Given(Arc::new(shape.clone())), &limits.into(), None, Arc::default())
    }

    /// The streams of `shape`, without a reader.
    pub(super) fn from_shape(shape: &Arc<Shape>, reading: &Reading) -> Result<Self> {
        let unknown =
            |what: &str| Error::new(ErrorKind::InvalidSpec, Stage::Source, format!("{what} cannot be stated"));
        let video = shape.video.as_ref().map(|video| parameters_of(video).ok_or_else(|| unknown("these frames")));
        let audio = shape.audio.iter().map(|track| parameters_of_track(track).ok_or_else(|| unknown("this audio")));
        let parameters = video.into_iter().chain(audio).collect::<Result<Vec<_>>>()?;
        let input = Input::without_reader(&parameters);
        let mut streams = input.streams();
        let (mut video, mut tracks) = (shape.video.iter(), shape.audio.iter());
        for facts in &mut streams {
            match facts.kind {
                StreamKind::Video => video.next().into_iter().for_each(|own| describe(own, shape, facts)),
                _ => tracks.next().into_iter().for_each(|own| describe_track(own, shape, facts)),
            }
        }
        Ok(Source {
            clock: None,
            failed: None,
            input,
            sequence: None,
            mark: None,
            origin: Origin::Given(Arc::clone(shape)),
            reading: reading.clone(),
            streams,
            extent: Extent { size: 0, declared: None },
            frame_bytes: None,
            is_open_ended: false,
            skips_samples: false,
            decisions: Vec::new(),
            selection: Arc::default(),
            joints: Joints::default(),
            parts: Parts::default(),
            companions: Arc::default(),
            place: ReadingPlace::default(),
            cancel: Cancel::default(),
        })
    }
}

fn parameters_of(video: &VideoShape) -> Option<CodecParameters> {
    let VideoShape { width, height, format, color, fields, sample_aspect, .. } = *video;
    CodecParameters::of_frames(&StatedVideo { width, height, format, sample_aspect, color, fields })
}

fn parameters_of_track(track: &TrackShape) -> Option<CodecParameters> {
    CodecParameters::of_samples(&StatedAudio {
        sample_rate: track.sample_rate,
        layout: &track.layout,
        format: track.interleaved(),
        bits: track.significant_bits(),
    })
}

fn describe(video: &VideoShape, shape: &Shape, facts: &mut StreamFacts) {
    facts.time_base = video.ticks();
    facts.average_rate = video.rate;
    // A base rate other than the average rate says that frames are uneven. A factor of two would say that they have
    // fields.
    let factor = if video.uneven { 4 } else { 1 };
    facts.base_rate = Rational::new(video.rate.num.saturating_mul(factor), video.rate.den);
    facts.start = Some(shape.start.rescale(facts.time_base));
    facts.hdr = video.hdr;
    facts.is_default = true;
}

fn describe_track(track: &TrackShape, shape: &Shape, facts: &mut StreamFacts) {
    facts.time_base = track.ticks();
    facts.start = Some(shape.start.rescale(facts.time_base));
    let named = [("language", &track.language), ("title", &track.title)];
    let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
    facts.metadata = named.collect();
    facts.disposition = track.disposition.iter().map(|purpose| purpose.name().to_owned()).collect();
    facts.is_default = true;
    // Facts of a stream without packets say nothing about a rate of frames.
    (facts.average_rate, facts.base_rate) = (Rational::new(0, 1), Rational::new(0, 1));
}
