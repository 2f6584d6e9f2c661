//! `trix encode`: makes a job with one output from arguments.

use trix_core::{
    Error, ErrorKind, Job, OnDamage, Stage,
    media::color::Range,
    mistake::Mistake,
    settings::{
        audio::{AudioDrift, AudioShape},
        job::VerifyLevel,
        picture::{Alpha, Deinterlace, DynamicHdr, OnChange, PictureSettings, Resampler, Rotate, Tonemap},
        video::{EncodeSettings, Encoder, RateControl, VideoSettings},
    },
};

use super::{
    files::Files,
    running::{Watching, execute},
};
use crate::{
    args::{
        AlphaChoice, ChangeChoice, DamageChoice, DeinterlaceChoice, DriftChoice, DynamicHdrChoice, Encode, Kept,
        RangeChoice, ResamplerChoice, RotateChoice, TonemapChoice, VerifyChoice, VideoChoice,
    },
    output,
};

/// Runs `trix encode`.
pub fn encode(args: &Encode) -> u8 {
    let (job, mistakes) = match job(args) {
        Ok(read) => read,
        Err(problem) => {
            let error = Error::new(ErrorKind::InvalidSpec, Stage::Plan, problem);
            return output::failure(&error, args.json);
        }
    };
    if !mistakes.is_empty() {
        return output::failure(&refusal(&job, mistakes), args.json);
    }
    let written = match Files::default().with_job(&job).open(&args.records) {
        Ok(written) => written,
        Err(error) => return output::failure(&error, args.json),
    };
    let work = |control: &trix_core::Control| trix_core::run_job(&job, control);
    let watching = Watching::new(args.progress, &written.log, None).with_chunks(&args.chunk_run);
    execute(watching, written, args.json, work, |error| error)
}

/// The error of a job with `mistakes` in its arguments. It has the other mistakes of the job too.
fn refusal(job: &Job, mut mistakes: Vec<Mistake>) -> Error {
    match trix_core::Source::of(&job.source).and_then(|source| trix_core::plan(job, &source)) {
        Err(error) if error.mistakes().is_empty() => error,
        planned => {
            mistakes.extend(planned.err().iter().flat_map(|error| error.mistakes().iter().cloned()));
            Error::of_mistakes(mistakes)
        }
    }
}

/// The job, and the mistakes of arguments that the encoder does not have.
fn job(args: &Encode) -> Result<(Job, Vec<Mistake>), String> {
    let mut job = Job::new(&args.source, &args.output);
    job.chunks = args.chunks.into();
    job.source.raw = args.reading.raw.clone();
    job.source.rate = args.reading.source_rate;
    job.source.video_stream = args.video_stream;
    job.source.audio_tracks = args.audio_tracks.clone();
    job.source.start = args.start;
    job.source.duration = args.duration;
    job.source.frames = args.frames;
    job.source.audio_drift = match args.audio_drift {
        DriftChoice::Fill => AudioDrift::Fill,
        DriftChoice::Stretch => AudioDrift::Stretch,
    };
    job.source.on_damage = match args.on_damage {
        DamageChoice::Fail => OnDamage::Fail,
        DamageChoice::Conceal => OnDamage::Conceal,
    };
    job.threads = args.threads;
    job.outputs[0].overwrite = args.overwrite;
    job.outputs[0].verify = match args.verify {
        VerifyChoice::Off => VerifyLevel::Off,
        VerifyChoice::Structure => VerifyLevel::Structure,
        VerifyChoice::Full => VerifyLevel::Full,
    };
    job.outputs[0].subtitles = args.subtitles;
    for (key, value) in &args.metadata {
        if job.outputs[0].metadata.insert(key.clone(), value.clone()).is_some() {
            return Err(format!("--metadata {key} is given twice"));
        }
    }
    job.outputs[0].audio = args.audio;
    job.outputs[0].picture = picture(args);
    job.outputs[0].audio_shape = AudioShape {
        layout: args.audio_layout.clone(),
        sample_rate: args.audio_rate,
        matrix: args.audio_matrix.as_ref().map(|matrix| matrix.0.clone()).unwrap_or_default(),
        ..AudioShape::default()
    };
    let mut asked = job.outputs[0].picture.clone();
    if args.video == VideoChoice::Copy && asked.alpha == Alpha::Refuse {
        // Refusing alpha does not change frames, so it applies to a copy too.
        asked.alpha = Alpha::default();
    }
    let settings = settings(args)?;
    let is_plain = settings == EncodeSettings::default() && asked == PictureSettings::default();
    let encoder = match args.video {
        VideoChoice::Auto if is_plain => None,
        VideoChoice::Auto | VideoChoice::X264 => Some(Encoder::X264),
        VideoChoice::X265 => Some(Encoder::X265),
        VideoChoice::Ffv1 => Some(Encoder::Ffv1),
        VideoChoice::Prores => Some(Encoder::Prores),
        VideoChoice::Copy | VideoChoice::None => {
            if !is_plain {
                return Err("options for encoding video need --video x264, x265, ffv1 or prores".into());
            }
            None
        }
    };
    let mut mistakes = Vec::new();
    job.outputs[0].video = match (encoder, args.video) {
        (Some(encoder), _) => {
            let (video, lacking) = VideoSettings::of(encoder, settings);
            mistakes = lacking;
            video
        }
        (None, VideoChoice::Copy) => VideoSettings::Copy,
        (None, VideoChoice::None) => VideoSettings::None,
        (None, _) => VideoSettings::Auto,
    };
    let is_kept = matches!(args.depth, Some(Kept::Keep)) || matches!(args.chroma, Some(Kept::Keep));
    if !is_kept {
        job.make_for_players();
    }
    Ok((job, mistakes))
}

fn picture(args: &Encode) -> PictureSettings {
    PictureSettings {
        deinterlace: match args.deinterlace {
            DeinterlaceChoice::Auto => Deinterlace::Auto,
            DeinterlaceChoice::On => Deinterlace::On,
            DeinterlaceChoice::Fields => Deinterlace::Fields,
            DeinterlaceChoice::Off => Deinterlace::Off,
        },
        inverse_telecine: args.inverse_telecine,
        crop: args.crop,
        rotate: match args.rotate {
            RotateChoice::Auto => Rotate::Auto,
            RotateChoice::Off => Rotate::Off,
        },
        size: args.size,
        resampler: match args.resampler {
            ResamplerChoice::Lanczos => Resampler::Lanczos,
            ResamplerChoice::Bicubic => Resampler::Bicubic,
            ResamplerChoice::Bilinear => Resampler::Bilinear,
        },
        pad: args.pad,
        rate: args.fps,
        tonemap: match args.tonemap {
            TonemapChoice::Auto => Tonemap::Auto,
            TonemapChoice::Off => Tonemap::Off,
            TonemapChoice::Mobius => Tonemap::Mobius,
            TonemapChoice::Hable => Tonemap::Hable,
            TonemapChoice::Reinhard => Tonemap::Reinhard,
        },
        source_color: args.color_override.unwrap_or_default(),
        color: args.color,
        range: args.range.map(|range| match range {
            RangeChoice::Limited => Range::Limited,
            RangeChoice::Full => Range::Full,
        }),
        alpha: match args.alpha {
            AlphaChoice::Auto => Alpha::Auto,
            AlphaChoice::Black => Alpha::Black,
            AlphaChoice::Refuse => Alpha::Refuse,
        },
        dynamic_hdr: match args.dynamic_hdr {
            DynamicHdrChoice::Carry => DynamicHdr::Carry,
            DynamicHdrChoice::Drop => DynamicHdr::Drop,
            DynamicHdrChoice::Require => DynamicHdr::Require,
        },
        on_change: match args.on_change {
            ChangeChoice::Scale => OnChange::Scale,
            ChangeChoice::Refuse => OnChange::Refuse,
        },
    }
}

fn settings(args: &Encode) -> Result<EncodeSettings, String> {
    let rate = if let Some(value) = args.crf {
        Some(RateControl::Crf { value })
    } else if let Some(value) = args.qp {
        Some(RateControl::Qp { value })
    } else if let Some(kbps) = args.bitrate {
        Some(RateControl::Bitrate { kbps, passes: args.passes.unwrap_or(1) })
    } else if let Some((metric, value)) = args.target {
        Some(RateControl::Target { metric, value })
    } else {
        args.lossless.then_some(RateControl::Lossless)
    };
    let mut params = std::collections::BTreeMap::new();
    for (key, value) in &args.param {
        if params.insert(key.clone(), value.clone()).is_some() {
            return Err(format!("--param {key} is given twice"));
        }
    }
    Ok(EncodeSettings {
        depth: args.depth.and_then(Kept::value),
        chroma: args.chroma.and_then(Kept::value),
        chroma_is_fixed: args.chroma.and_then(Kept::value).is_some(),
        preset: args.preset.clone(),
        tune: args.tune.clone(),
        profile: args.profile.clone(),
        level: args.level.clone(),
        rate,
        maxrate: args.maxrate,
        bufsize: args.bufsize,
        gop: args.gop,
        open_gop: if args.open_gop { Some(true) } else { args.closed_gop.then_some(false) },
        keyframes: args.force_keyframes.clone(),
        params,
        ..EncodeSettings::default()
    })
}
