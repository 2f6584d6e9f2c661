//! FFV1 and ProRes through libavcodec.
//!
//! Invariant: each frame is coded independently, and neither the number of threads nor that of cores changes a byte.

use std::collections::VecDeque;

use trix_av::{
    AvError,
    codec::Output,
    frame::Frame,
    pixel::PixelFormat,
    stream::{CodecParameters, VideoCodec},
    video_encoder::{self, VideoEncoderSettings},
};
use trix_model::error::{Error, ErrorKind, Result, Stage};

use super::encoder::{Coding, Encoded, Headers, VideoEncoder};
use crate::{encode::option_names::PRORES_PROFILES, plan::VideoPlan, settings::video::Encoder};

/// libavcodec's name of the encoder.
pub fn encoder_name(encoder: Encoder) -> &'static str {
    match encoder {
        Encoder::Ffv1 => "ffv1",
        Encoder::Prores => "prores_ks",
        Encoder::X264 => "libx264",
        Encoder::X265 => "libx265",
    }
}

/// Options that a user may set by FFmpeg's names.
const OPTIONS: [(Encoder, &[&str]); 2] = [
    (Encoder::Ffv1, &["coder", "context", "slices"]),
    (Encoder::Prores, &["alpha_bits", "bits_per_mb", "mbs_per_slice", "quant_mat", "vendor"]),
];

/// Checks whether a user may set `name` to `value` for `encoder`.
pub fn check_option(encoder: Encoder, name: &str, value: &str) -> std::result::Result<(), String> {
    let known = OPTIONS.iter().find(|(of, _)| *of == encoder).map_or(&[][..], |(_, names)| names);
    if !known.contains(&name) {
        return Err(format!("{encoder} takes {}", known.join(", ")));
    }
    // FFV1 reads the number of slices from the context fields that all codecs share.
    let takes = match name {
        "slices" => value.parse::<u32>().is_ok_and(|slices| (1..=1024).contains(&slices)),
        _ => video_encoder::takes_option(encoder_name(encoder), name, value),
    };
    if takes { Ok(()) } else { Err(format!("is not a value that {encoder} takes for it")) }
}

/// The options for `plan`: those that the stream format requires, then those of the user.
pub fn options(plan: &VideoPlan, params: &std::collections::BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut list: Vec<(&str, String)> = Vec::new();
    match plan.encoder {
        Encoder::Ffv1 => {
            list.push(("level", "3".into()));
            list.push(("slicecrc", "1".into()));
            list.push(("coder", "1".into()));
            list.push(("context", "1".into()));
            // Slices limit the extent of damage, and threads work on them in parallel. Their number depends on the
            // frame size and not on the machine. If chroma dimensions are rounded up, only few numbers are possible,
            // and libavcodec selects one by the size.
            let (x, y) = plan.format.chroma.shift();
            let whole = plan.width.is_multiple_of(1 << x) && plan.height.is_multiple_of(1 << y);
            let slices = match plan.width * plan.height {
                // One slice is sufficient, and is the only number that every small size allows.
                ..1024 => Some(1),
                _ if !whole => None,
                921_600.. => Some(24),
                _ => Some(4),
            };
            list.extend(slices.map(|slices: u32| ("slices", slices.to_string())));
        }
        Encoder::Prores => {
            list.push(("profile", prores_number(plan).to_string()));
            list.push(("vendor", "apl0".into()));
            if plan.format.alpha {
                list.push(("alpha_bits", "16".into()));
            }
        }
        Encoder::X264 | Encoder::X265 => {}
    }
    list.retain(|(name, _)| !params.contains_key(*name));
    let own = list.into_iter().map(|(name, value)| (name.to_owned(), value));
    own.chain(params.iter().map(|(name, value)| (name.clone(), value.clone()))).collect()
}

/// libavcodec's number of the profile in `plan`.
fn prores_number(plan: &VideoPlan) -> u32 {
    let profile = plan.profile.as_deref().unwrap_or("hq");
    PRORES_PROFILES.iter().position(|name| *name == profile).unwrap_or(3) as u32
}

/// One of libavcodec's encoders.
pub struct Lavc {
    encoder: video_encoder::VideoEncoder,
    ready: VecDeque<Encoded>,
    ended: bool,
    finished: bool,
}

impl Lavc {
    /// Opens the encoder of `plan`.
    ///
    /// # Errors
    /// `Unsupported` if this build lacks the encoder, `InvalidSpec` if the encoder rejects the frame format or the
    /// options.
    pub fn open(plan: &VideoPlan, threads: Option<u32>) -> Result<Self> {
        let name = plan.transform.packing.clone().unwrap_or_else(|| plan.format.name().into_owned());
        let format = PixelFormat::from_name(&name)
            .ok_or_else(|| Error::bug(Stage::Encode, format!("libavutil does not know {name}")))?;
        let settings = VideoEncoderSettings {
            encoder: encoder_name(plan.encoder),
            format,
            width: plan.width,
            height: plan.height,
            rate: plan.rate,
            sample_aspect: plan.sample_aspect,
            color: plan.color,
            fields: plan.fields,
            profile: (plan.encoder == Encoder::Prores).then(|| prores_number(plan)),
            threads: threads.unwrap_or(0),
            options: &plan.options,
        };
        let encoder = video_encoder::VideoEncoder::open(&settings).map_err(|(code, said)| {
            let missing = code == AvError::NO_ENCODER;
            let kind = if missing { ErrorKind::Unsupported } else { ErrorKind::InvalidSpec };
            Error::new(kind, Stage::Encode, format!("{}: {code} ({said})", plan.encoder)).caused_by(code)
        })?;
        Ok(Lavc { encoder, ready: VecDeque::new(), ended: false, finished: false })
    }

    fn collect(&mut self) -> Result<()> {
        loop {
            match self.encoder.receive() {
                Ok(Output::Item(packet)) => self.ready.push_back(Encoded {
                    pts: packet.pts().unwrap_or(0),
                    dts: packet.dts().or(packet.pts()).unwrap_or(0),
                    key: packet.is_key(),
                    samples: None,
                    packet: packet.bare(),
                }),
                Ok(Output::Hungry) => return Ok(()),
                Ok(Output::End) => {
                    self.finished = true;
                    return Ok(());
                }
                Err(code) => return Err(failed(code)),
            }
        }
    }
}

fn failed(code: AvError) -> Error {
    Error::new(ErrorKind::Codec, Stage::Encode, format!("the encoder failed: {code}")).caused_by(code)
}

impl VideoEncoder for Lavc {
    fn headers(&mut self) -> Result<Headers> {
        Ok(Headers { parameter_sets: Vec::new(), info: Vec::new() })
    }

    fn push(&mut self, frame: &Frame, number: u64, _coding: Coding) -> Result<Option<Encoded>> {
        while let Err(code) = self.encoder.send(Some((frame, number))) {
            if code != AvError::AGAIN {
                return Err(failed(code));
            }
            self.collect()?;
        }
        self.collect()?;
        Ok(self.ready.pop_front())
    }

    fn finish(&mut self) -> Result<Option<Encoded>> {
        if !std::mem::replace(&mut self.ended, true) {
            self.encoder.send(None).map_err(failed)?;
        }
        while self.ready.is_empty() && !self.finished {
            self.collect()?;
        }
        Ok(self.ready.pop_front())
    }

    fn parameters(&self) -> Option<Result<CodecParameters>> {
        Some(self.encoder.parameters().map_err(failed))
    }

    fn codec(&self) -> Option<VideoCodec> {
        None
    }

    fn frame_threads(&self) -> Option<u32> {
        None
    }

    fn complaints(&self) -> Vec<String> {
        self.encoder.complaints()
    }
}
