//! Video encoders: all of them behind one trait.
//!
//! Invariant: the encoder matches the plan, and encoders with equal options yield equal streams.

use std::path::Path;

use trix_av::{
    frame::Frame,
    packet::Packet,
    stream::VideoCodec,
    x264::{self, Refused},
    x265,
};
use trix_bitstream::sei;
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    frame_facts::FieldOrder,
};

pub use super::encoder::{Coding, Encoded, Headers, VideoEncoder};
use super::lavc::Lavc;
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
    let pass = pass.map(|(number, stats)| Pass { number, stats });
    match plan.encoder {
        Encoder::Ffv1 | Encoder::Prores => Ok(Box::new(Lavc::open(plan, threads)?)),
        Encoder::X264 => Ok(Box::new(X264 { encoder: x264_encoder(plan, pass)? })),
        Encoder::X265 => {
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
            let encoder = x265::Encoder::open(parameters, plan.format).map_err(|error| refused_by(plan, error))?;
            Ok(Box::new(X265 { encoder, fields: plan.fields }))
        }
    }
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

fn failed(error: Refused) -> Error {
    Error::new(ErrorKind::Codec, Stage::Encode, error.to_string()).caused_by(error)
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

struct X265 {
    encoder: x265::Encoder,
    fields: Option<FieldOrder>,
}

impl X265 {
    /// Adds the field order message that the parameter sets announce. x265 writes it only with a buffer model.
    fn with_field_order(&self, encoded: Option<Encoded>) -> Option<Encoded> {
        let Some(order) = self.fields else { return encoded };
        encoded.map(|frame| match sei::with_field_order(frame.packet.data(), order) {
            Some(parts) => Encoded { packet: Packet::joined(&parts), ..frame },
            None => frame,
        })
    }
}

impl VideoEncoder for X265 {
    fn headers(&mut self) -> Result<Headers> {
        let headers = self.encoder.headers().map_err(failed)?;
        if self.fields.is_none() {
            return Ok(headers);
        }
        Ok(Headers { parameter_sets: sei::of_interlaced_source(&headers.parameter_sets), ..headers })
    }

    fn push(&mut self, frame: &Frame, number: u64, coding: Coding) -> Result<Option<Encoded>> {
        let encoded = self.encoder.encode(Some((frame, number as i64, coding))).map_err(failed)?;
        Ok(self.with_field_order(encoded))
    }

    fn finish(&mut self) -> Result<Option<Encoded>> {
        let encoded = self.encoder.encode(None).map_err(failed)?;
        Ok(self.with_field_order(encoded))
    }

    fn codec(&self) -> Option<VideoCodec> {
        Some(VideoCodec::Hevc)
    }

    fn frame_threads(&self) -> Option<u32> {
        Some(self.encoder.frame_threads())
    }

    fn complaints(&self) -> Vec<String> {
        Vec::new()
    }
}
