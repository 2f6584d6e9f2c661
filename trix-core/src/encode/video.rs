//! Video encoders: all of them behind one trait.
//!
//! Invariant: the encoder matches the plan, and encoders with equal options yield equal streams.

use std::{path::Path, time::Duration};

use trix_av::{
    frame::Frame,
    stream::VideoCodec,
    thread_time::thread_time,
    x264::{self, Refused},
    x265,
};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    format::Chroma,
    frame_facts::FieldOrder,
};

pub use super::encoder::{Coding, Encoded, Headers, VideoEncoder};
use super::{
    cpu::OwnThreads,
    encoder::failed,
    lavc::Lavc,
    shared::{self, Link},
    x265::X265,
};
use crate::{
    encode::options::{self, Pass},
    plan::VideoPlan,
    settings::video::Encoder,
};

/// Opens the encoder of `plan`.
///
/// # Errors
/// `InvalidSpec` if the encoder rejects the combination of options and frame format.
pub fn open(plan: &VideoPlan, threads: Option<u32>, pass: Option<(u32, &Path)>) -> Result<Box<dyn VideoEncoder>> {
    open_linked(plan, threads, pass, None)
}

/// As [`open`]. An encoder of x265 can be linked to others with which it shares an analysis.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_linked(
    plan: &VideoPlan,
    threads: Option<u32>,
    pass: Option<(u32, &Path)>,
    link: Option<Link>,
) -> Result<Box<dyn VideoEncoder>> {
    let pass = pass.map(|(number, stats)| Pass { number, stats });
    match plan.encoder {
        Encoder::Ffv1 | Encoder::Prores => Ok(Box::new(Lavc::open(plan, threads)?)),
        Encoder::X264 => Timed::open(|| Ok(X264 { encoder: x264_encoder(plan, pass)? })),
        Encoder::X265 => Timed::open(|| {
            let leads = matches!(link, Some(Link::Lead(_)));
            let encoder = x265_encoder(plan, pass, link.as_ref());
            let encoder = encoder.map_err(|error| if leads { shared::of_lead(error) } else { error })?;
            Ok(X265::new(encoder, plan.fields, link))
        }),
    }
}

fn x265_encoder(plan: &VideoPlan, pass: Option<Pass<'_>>, link: Option<&Link>) -> Result<x265::Encoder> {
    let mut parameters = options::x265_parameters(plan, pass).ok_or_else(|| unknown(plan))?;
    parameters.set_frame(plan.width, plan.height, plan.format, plan.rate);
    parameters.set_color(plan.color, plan.sample_aspect);
    if let Some(order) = plan.fields {
        parameters.set_fields(order == FieldOrder::Top);
    }
    if let Some(profile) = &plan.profile
        && !parameters.apply_profile(profile)
    {
        return Err(profile_refused(plan, profile));
    }
    if let Some(link) = link {
        parameters.share(link.role());
    }
    if plan.format.depth == 12 {
        limit_quantisers(plan, &mut parameters)?;
    }
    x265::Encoder::open(parameters, plan.format).map_err(|error| refused_by(plan, error))
}

/// The largest quantiser that libavcodec decodes at 12 bits. It shows blocks of 50 and 51 in grey (docs/decisions/hevc-12-bits.md).
const MOST_AT_12_BITS: u32 = 49;

/// What x265 adds to the quantiser of chroma with 4:4:4.
const CHROMA_444: u32 = 6;

/// Keeps x265 from quantisers at 12 bits that players with libavcodec cannot show, unless the options state a largest one.
fn limit_quantisers(plan: &VideoPlan, parameters: &mut x265::Parameters) -> Result<()> {
    let option = |name: &str| plan.options.iter().rev().find(|(option, _)| option == name);
    let constant = option("qp").and_then(|(_, value)| value.parse::<u32>().ok());
    let of_chroma = if plan.format.chroma == Chroma::C444 { CHROMA_444 } else { 0 };
    let most = MOST_AT_12_BITS - of_chroma;
    if constant.is_some_and(|qp| qp > most) {
        let problem = format!("qp must be 0 to {most} at 12 bits: many players show others in grey");
        return Err(refused(plan, &problem));
    }
    if option("qpmax").is_none() {
        parameters.set("qpmax", &most.to_string()).map_err(|_| unknown(plan))?;
    }
    Ok(())
}

fn x264_encoder(plan: &VideoPlan, pass: Option<Pass<'_>>) -> Result<x264::Encoder> {
    let mut parameters = options::x264_parameters(plan, pass).ok_or_else(|| unknown(plan))?;
    parameters.set_frame(plan.width, plan.height, plan.format, plan.rate, plan.constant_rate);
    parameters.set_color(plan.color, plan.sample_aspect);
    if let Some(order) = plan.fields {
        parameters.set_fields(order == FieldOrder::Top);
    }
    if !plan.options.iter().any(|(name, _)| name == "asm") {
        parameters.avoid_uninitialised_reads();
    }
    if let Some(profile) = &plan.profile
        && !parameters.apply_profile(profile)
    {
        return Err(profile_refused(plan, profile));
    }
    x264::Encoder::open(parameters, plan.format).map_err(|error| refused_by(plan, error))
}

fn refused(plan: &VideoPlan, what: &str) -> Error {
    Error::new(ErrorKind::InvalidSpec, Stage::Encode, format!("{}: {what}", plan.encoder))
}

fn refused_by(plan: &VideoPlan, error: Refused) -> Error {
    refused(plan, &error.to_string()).caused_by(error)
}

fn unknown(plan: &VideoPlan) -> Error {
    refused(plan, "refuses an option that passed inspection")
}

fn profile_refused(plan: &VideoPlan, profile: &str) -> Error {
    refused(plan, &format!("profile {profile} cannot hold {}", plan.format))
}

/// Keeps x264 from deriving parameter sets from the bit rate of `plan` or from the statistics of a first pass, so that encoders of the
/// parts of a film have equal ones.
///
/// # Errors
/// As [`open`].
pub(crate) fn settle_parameter_sets(plan: &mut VideoPlan) -> Result<()> {
    if plan.encoder != Encoder::X264 {
        return Ok(());
    }
    if !plan.options.iter().any(|(name, _)| name == "level") {
        let level = x264_encoder(plan, None)?.level();
        plan.options.push(("level".to_owned(), level.to_string()));
    }
    plan.options.push(("stitchable".to_owned(), "1".to_owned()));
    Ok(())
}

/// An encoder whose processor time is measured.
struct Timed<E> {
    encoder: E,
    own: OwnThreads,
    /// The time of the calls.
    of_callers: Duration,
}

impl<E: VideoEncoder + 'static> Timed<E> {
    fn open(open: impl FnOnce() -> Result<E>) -> Result<Box<dyn VideoEncoder>> {
        let (encoder, own) = OwnThreads::of(open);
        Ok(Box::new(Timed { encoder: encoder?, own, of_callers: Duration::ZERO }))
    }

    /// Calls the encoder, and adds the time that the calling thread takes.
    fn call<T>(&mut self, call: impl FnOnce(&mut E) -> T) -> T {
        let before = thread_time();
        let result = call(&mut self.encoder);
        self.of_callers += thread_time().saturating_sub(before);
        result
    }
}

impl<E: VideoEncoder + 'static> VideoEncoder for Timed<E> {
    fn headers(&mut self) -> Result<Headers> {
        self.call(E::headers)
    }

    fn push(&mut self, frame: &Frame, number: u64, coding: Coding) -> Result<Option<Encoded>> {
        self.call(|encoder| encoder.push(frame, number, coding))
    }

    fn finish(&mut self) -> Result<Option<Encoded>> {
        self.call(E::finish)
    }

    fn release_followers(&mut self) {
        self.encoder.release_followers();
    }

    fn codec(&self) -> Option<VideoCodec> {
        self.encoder.codec()
    }

    fn frame_threads(&self) -> Option<u32> {
        self.encoder.frame_threads()
    }

    fn cpu_seconds(&self) -> Option<f64> {
        Some((self.own.time() + self.of_callers).as_secs_f64())
    }

    fn complaints(&self) -> Vec<String> {
        self.encoder.complaints()
    }
}

struct X264 {
    encoder: x264::Encoder,
}

impl VideoEncoder for X264 {
    fn headers(&mut self) -> Result<Headers> {
        self.encoder.headers().map_err(failed)
    }

    fn push(&mut self, frame: &Frame, number: u64, coding: Coding) -> Result<Option<Encoded>> {
        self.encoder.encode(Some((frame, number as i64, coding))).map_err(failed)
    }

    fn finish(&mut self) -> Result<Option<Encoded>> {
        // While frame threads fill up, x264 may return nothing even though frames are still inside.
        while self.encoder.delayed() {
            if let Some(encoded) = self.encoder.encode(None).map_err(failed)? {
                return Ok(Some(encoded));
            }
        }
        Ok(None)
    }

    fn codec(&self) -> Option<VideoCodec> {
        Some(VideoCodec::H264)
    }

    fn frame_threads(&self) -> Option<u32> {
        Some(self.encoder.threads())
    }

    fn complaints(&self) -> Vec<String> {
        self.encoder.complaints()
    }
}
