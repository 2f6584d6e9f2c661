//! Plans the video: combines all decisions about its frames.

use std::collections::BTreeMap;

use trix_av::{
    pixel::PixelFormat,
    stream::{StreamFacts, StreamKind},
};
use trix_model::{
    color::Matrix,
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    format::{Chroma, FrameFormat},
    mistake::{Mistake, hint},
    orientation::Orientation,
    time::Rational,
};

use crate::{
    encode::{lavc, option_names, options},
    filter::{
        recipe::zimg_is_there,
        transform::{Shape, is_identity},
    },
    plan::{StepId, Transform, VideoPlan},
    planner::{
        diagnostics::Diagnostics,
        drafted::Drafted,
        frame_request::{FrameRequest, Target},
        frames::{self, Frames},
        holding,
        request::OutputRequest,
        video_facts::VideoFacts,
    },
    settings::{
        audio::AudioSettings,
        job::{Container, VerifyLevel},
        picture::{Alpha, ColorOverride, PictureSettings},
        video::{EncodeSettings, Encoder, Ffv1Settings, FrameSettings, ProresSettings, RateControl, VideoSettings},
    },
    source::Source,
};

/// Mistakes of the video encode settings that do not depend on the source.
pub(super) fn check_numbers(job: &OutputRequest<'_>, mistakes: &mut Vec<Mistake>) {
    let video = &job.output.video;
    let (Some(encoder), Some(frames)) = (video.encoder(), video.frames()) else { return };
    if let Some(depth) = frames.depth.filter(|depth| !encoder.depths().contains(depth)) {
        let known: Vec<String> = encoder.depths().iter().map(u32::to_string).collect();
        mistakes.push(Mistake::new("video.depth", depth, format!("{encoder} encodes {} bits", known.join(", "))));
    }
    match video {
        VideoSettings::X264(settings) | VideoSettings::X265(settings) => {
            encode_mistakes(encoder, settings, job.threads, mistakes);
        }
        VideoSettings::Ffv1(settings) => option_mistakes(encoder, &settings.params, mistakes),
        VideoSettings::Prores(settings) => {
            option_mistakes(encoder, &settings.params, mistakes);
            prores_mistakes(settings, mistakes);
        }
        VideoSettings::Auto | VideoSettings::Copy | VideoSettings::None => {}
    }
}

/// Mistakes of the settings of x264 and x265.
fn encode_mistakes(encoder: Encoder, settings: &EncodeSettings, threads: Option<u32>, mistakes: &mut Vec<Mistake>) {
    match settings.rate {
        Some(RateControl::Crf { value }) if !(0.0..=51.0).contains(&value) => {
            mistakes.push(Mistake::new("video.rate.crf", value, "must be 0 to 51"));
        }
        Some(RateControl::Qp { value }) if value > encoder.most_qp() => {
            let problem = format!("must be 0 to {} for {encoder}", encoder.most_qp());
            mistakes.push(Mistake::new("video.rate.qp", value, problem));
        }
        Some(RateControl::Bitrate { kbps, passes }) => {
            if !(1..=2_000_000).contains(&kbps) {
                mistakes.push(Mistake::new("video.rate.kbps", kbps, "must be 1 to 2000000 kbit/s"));
            }
            if !(1..=2).contains(&passes) {
                mistakes.push(Mistake::new("video.rate.passes", passes, "must be 1 or 2"));
            }
        }
        Some(RateControl::Target { metric, value }) => {
            let (least, most) = metric.range();
            if !(least..=most).contains(&value) {
                let problem = format!("must be {least} to {most} for {metric}");
                mistakes.push(Mistake::new("video.rate.value", value, problem));
            }
        }
        _ => {}
    }
    if settings.maxrate.is_some() != settings.bufsize.is_some() {
        let (name, value) = match (settings.maxrate, settings.bufsize) {
            (Some(rate), _) => ("video.maxrate", rate),
            (_, size) => ("video.bufsize", size.unwrap_or(0)),
        };
        mistakes.push(Mistake::new(name, value, "maxrate and bufsize only work together"));
    }
    for (name, value) in [("video.maxrate", settings.maxrate), ("video.bufsize", settings.bufsize)] {
        if value.is_some_and(|value| !(1..=4_000_000).contains(&value)) {
            mistakes.push(Mistake::new(name, value.unwrap_or(0), "must be 1 to 4000000"));
        }
    }
    if settings.gop == Some(0) {
        mistakes.push(Mistake::new("video.gop", 0, "must be 1 or more"));
    }
    let lossless = settings.rate == Some(RateControl::Lossless);
    if lossless && encoder == Encoder::X264 && settings.profile.as_deref().is_some_and(|name| name != "high444") {
        mistakes.push(Mistake::new(
            "video.profile",
            settings.profile.as_deref().unwrap_or(""),
            "lossless H.264 only exists in profile high444",
        ));
    }
    let depth = settings.depth.filter(|depth| encoder.depths().contains(depth)).unwrap_or(8);
    mistakes.extend(options::mistakes(encoder, settings, depth, threads));
}

/// Mistakes of the options of FFV1 and ProRes.
fn option_mistakes(encoder: Encoder, params: &BTreeMap<String, String>, mistakes: &mut Vec<Mistake>) {
    for (name, value) in params {
        if let Err(problem) = lavc::check_option(encoder, name, value) {
            mistakes.push(Mistake::new(format!("video.params.{name}"), value, problem));
        }
    }
}

fn prores_mistakes(settings: &ProresSettings, mistakes: &mut Vec<Mistake>) {
    let is_unknown = |profile: &&str| !option_names::PRORES_PROFILES.contains(profile);
    if let Some(profile) = settings.profile.as_deref().filter(is_unknown) {
        let known = option_names::PRORES_PROFILES.join(", ");
        let hint = hint(profile, &option_names::PRORES_PROFILES);
        mistakes.push(Mistake::new(
            "video.profile",
            profile,
            format!("is no profile of ProRes; {hint}ProRes knows {known}"),
        ));
    }
    if let Some(chroma) = settings.chroma.filter(|chroma| !matches!(chroma, Chroma::C422 | Chroma::C444)) {
        mistakes.push(Mistake::new("video.chroma", chroma, "ProRes is 4:2:2 or 4:4:4; use --profile"));
    }
}

pub(super) fn plan(
    job: &OutputRequest<'_>,
    source: &Source,
    container: Container,
    mistakes: &mut Vec<Mistake>,
    decisions: &mut Vec<Decision>,
    notes: &mut Vec<String>,
) -> Result<(Option<VideoPlan>, Option<usize>)> {
    let Some(stream) = source.video() else {
        // The default is x264; the job asked for any other setting.
        let is_asked_for = !matches!(job.output.video, VideoSettings::None | VideoSettings::X264(_));
        let has_audio = job.output.audio != AudioSettings::None
            && (source.chosen_audio().next().is_some() || !job.external_audio.is_empty());
        if is_asked_for || (job.output.video != VideoSettings::None && !has_audio) {
            let detail = "the source has no video stream; --video none writes the audio alone, and in a job, \
                          { when = { video = true } } leaves out what needs video";
            return Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail).in_file(&source.label()));
        }
        // A truncated file may still declare the video that it has lost.
        let lost = source.streams().iter().find(|facts| facts.kind == StreamKind::Video && !facts.is_attached_picture);
        if let Some(lost) = lost.filter(|_| job.output.video != VideoSettings::None) {
            let detail = format!("the {} stream has no frame; --video none takes the audio alone", lost.codec);
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Plan, detail)
                .in_file(&source.label())
                .in_stream(lost.index));
        }
        if job.output.video != VideoSettings::None {
            decisions.push(Decision::new("the output is of audio alone", "the source has no video stream"));
        }
        return Ok((None, None));
    };
    let (Some(encoder), Some(settings)) = (job.output.video.encoder(), job.output.video.frames()) else {
        if job.output.video == VideoSettings::None {
            return Ok((None, None));
        }
        if let Err(problem) = holding::holds(container, &stream.parameters, stream.time_base) {
            mistakes.push(Mistake::new("video", "copy", problem));
        }
        copied_layers(job, stream, container, mistakes, notes);
        let turned = stream.display_matrix.as_ref().and_then(Orientation::from_matrix);
        if let Some(turned) = turned.filter(|_| !matches!(container, Container::Mp4 | Container::Mov)) {
            notes.push(format!("frames should be shown {turned}, and this container cannot say so"));
        }
        return Ok((None, Some(stream.index)));
    };
    let facts = VideoFacts::gather(source, stream, &job.output.picture, job.probe);
    let (pixel, samples) = facts.samples()?;
    let mut diagnostics = Diagnostics { mistakes, decisions, notes };
    if pixel.is_xyz() && encoder == Encoder::Ffv1 {
        diagnostics.mistake(
            "video",
            "ffv1",
            "cannot hold X, Y and Z of digital cinema without a loss; use --video copy",
        );
    }
    alpha_layer(job, &facts, samples, &mut diagnostics);
    let prores = match &job.output.video {
        VideoSettings::Prores(own) => own.profile.as_deref(),
        _ => None,
    };
    // FFV1 and ProRes have none of the settings that only x264 and x265 take.
    let own = job.output.video.encode().map_or_else(EncodeSettings::default, |(_, own)| own.clone());
    // Frames of one row or column have no 4:2:0.
    let is_tiny = facts.width.min(facts.height) < 2;
    let is_free =
        job.output.video.encode().is_some() && own.profile.is_none() && own.rate != Some(RateControl::Lossless);
    let is_for_players = job.output.compatible && is_free && !is_tiny;
    let format = format(encoder, &settings, prores, &job.output.picture, is_for_players, samples, &mut diagnostics);
    let is_lossless = own.rate == Some(RateControl::Lossless) || encoder == Encoder::Ffv1;
    let request = FrameRequest {
        target: Target::Encoder(encoder),
        picture: &job.output.picture,
        probe: job.probe,
        container: Container::from_path(&job.output.path),
        size: job.output.picture.size,
        resampler: job.output.picture.resampler,
        chroma_is_fixed: settings.chroma_is_fixed,
        is_lossless,
        samples,
        format,
    };
    let pack = |transform: &Transform, diagnostics: &mut Diagnostics<'_>| {
        let odd = pixel.odd_chroma().filter(|_| settings.chroma.is_none() && encoder != Encoder::Prores);
        if let Some(name) = odd {
            let own = same_samples(pixel, transform, (facts.width, facts.height), samples.depth);
            if let Some(own) = own.filter(|_| encoder == Encoder::Ffv1) {
                return Some(own);
            }
            let why = format!("the source is {name}, which is not encoded as it is; nothing of it is lost");
            diagnostics.decide(format!("chroma {}", format.chroma), why);
        }
        packing(encoder, format)
    };
    let Frames { geometry, color, hdr, mut transform } = frames::plan(&request, &facts, pack, &mut diagnostics);
    let shape = Shape { width: facts.width, height: facts.height, format: pixel.0 };
    let converted = !is_identity(&transform, shape) || transform.pad.is_some() || job.output.picture.rate.is_some();

    let (width, height) = transform.size();
    // H.264 and HEVC store both parts in 16 bits each (E.2.1, E.3.1).
    let exact = geometry.sample_aspect;
    let sample_aspect = exact.nearest_within(u16::MAX.into());
    if sample_aspect != exact {
        diagnostics.notes.push(format!("sample aspect {exact} is written as {sample_aspect}, the nearest that fits"));
    }
    if let Some(rounded) = container.rounds_aspect(width, height, sample_aspect) {
        diagnostics.notes.push(rounded_aspect(container, sample_aspect, rounded));
    }
    let mut written = color.to;
    if format.chroma != Chroma::C420 || samples.chroma != Chroma::C420 {
        // Only 4:2:0 states a chroma location (H.264 E.2.1, H.265 E.3.1). Chroma that is subsampled here has the
        // default location of the standards.
        written.chroma_location = Default::default();
    }
    if encoder == Encoder::X264 && format.chroma == Chroma::C400 {
        // libx264 writes no matrix for luma without chroma, which needs none.
        written.matrix = Matrix::UNSPECIFIED;
    }
    transform.to.chroma_location = written.chroma_location;
    if !zimg_is_there() && converted {
        diagnostics.notes.push("libavfilter has no zimg; swscale converts".into());
    }
    let passes = match own.rate {
        Some(RateControl::Bitrate { passes, .. }) => passes,
        _ => 1,
    };
    let plan = VideoPlan {
        stream: stream.index,
        encoder,
        width,
        height,
        format,
        converted,
        on_change: job.output.picture.on_change,
        follows_color: job.output.picture.source_color == ColorOverride::default(),
        source_rate: facts.rate,
        rate: job.output.picture.rate.map_or(transform.rate(facts.rate), |rate| rate.0),
        resampled_rate: job.output.picture.rate.map(|rate| rate.0),
        constant_rate: job.output.picture.rate.is_some() || stream.average_rate == stream.base_rate,
        sample_aspect,
        color: written,
        fields: geometry.fields,
        hdr: hdr.hdr,
        dolby_vision: hdr.dolby_vision,
        hdr10_plus: hdr.hdr10_plus,
        orientation: geometry.left_turned,
        transform,
        filter: StepId(0),
        passes,
        lossless: is_lossless,
        preset: own.preset.unwrap_or_else(|| "medium".into()),
        tune: own.tune,
        profile: match encoder {
            Encoder::Prores => Some(prores_profile(prores, format).to_owned()),
            _ => own.profile,
        },
        keyframes: own.keyframes,
        key_interval: own.key_interval,
        options: Vec::new(),
    };
    if encoder.is_mezzanine() && !holding::knows(container, &encoder.to_string()) {
        let known = if encoder == Encoder::Ffv1 { ".mkv" } else { ".mov, .mkv or .mxf" };
        let problem = format!("{} cannot hold {encoder}; use {known}", container.name());
        diagnostics.mistake("output.path", job.output.path.display(), problem);
    }
    if job.output.verify == VerifyLevel::Full && plan.lossless && plan.converted {
        diagnostics.notes.push("lossless is proved against the frames after conversion".into());
    }
    Ok((Some(plan), None))
}

/// Sets the options of every encoder once its number of threads is known.
pub(super) fn set_options(drafts: &mut [Drafted]) {
    for Drafted { settings, plan: output, .. } in drafts {
        let Some(video) = &mut output.video else { continue };
        video.options = match &settings.video {
            VideoSettings::X264(own) | VideoSettings::X265(own) => {
                options::list(video.encoder, own, &video.hdr, output.threads)
            }
            VideoSettings::Ffv1(Ffv1Settings { params, .. }) | VideoSettings::Prores(ProresSettings { params, .. }) => {
                lavc::options(video, params)
            }
            VideoSettings::Auto | VideoSettings::Copy | VideoSettings::None => continue,
        };
    }
}

/// Reports the alpha layer or sample aspect that the container of a copy may not hold.
fn copied_layers(
    job: &OutputRequest<'_>,
    stream: &StreamFacts,
    container: Container,
    mistakes: &mut Vec<Mistake>,
    notes: &mut Vec<String>,
) {
    let own = PixelFormat::from_raw(stream.format).and_then(PixelFormat::samples).is_some_and(|samples| samples.alpha);
    if (stream.alpha_layer || own) && job.output.picture.alpha == Alpha::Refuse {
        mistakes.push(Mistake::new("picture.alpha", "refuse", "the source has an alpha channel"));
    } else if stream.alpha_layer && !container.is_matroska() {
        let name = container.name();
        notes.push(format!("the alpha layer of stream {} is lost: {name} has no place for it; .mkv has", stream.index));
    }
    if let Some(rounded) = container.rounds_aspect(stream.width, stream.height, stream.sample_aspect) {
        notes.push(rounded_aspect(container, stream.sample_aspect, rounded));
    }
}

fn rounded_aspect(container: Container, exact: Rational, rounded: Rational) -> String {
    let name = container.name();
    format!(
        "{name} states the shape of samples as a display size in whole numbers: sample aspect {exact} becomes {rounded}"
    )
}

/// Notes that an alpha layer is left out, or refuses it.
fn alpha_layer(
    job: &OutputRequest<'_>,
    facts: &VideoFacts<'_>,
    samples: FrameFormat,
    diagnostics: &mut Diagnostics<'_>,
) {
    let index = facts.stream.index;
    if facts.bitstream_facts.second_layer {
        let why = "it is another view, or alpha, and the decoder reads the first layer";
        diagnostics
            .notes
            .push(format!("the second layer of stream {index} ({}) is left out: {why}", facts.stream.codec));
    }
    let (declared, seen) = (facts.stream.alpha_layer, facts.bitstream_facts.alpha_layer);
    if samples.alpha || !(declared || seen) {
        return;
    }
    if job.output.picture.alpha == Alpha::Refuse {
        diagnostics.mistake("picture.alpha", "refuse", "the source has an alpha layer");
        return;
    }
    let why = match declared {
        true => "no decoder of this build of libavcodec reads it",
        false => "the container does not declare it",
    };
    diagnostics.notes.push(format!("the alpha layer of stream {index} is left out: {why}"));
}

/// Chroma, depth, RGB and alpha of the output. `prores` is the profile of ProRes, if the job sets one.
fn format(
    encoder: Encoder,
    settings: &FrameSettings,
    prores: Option<&str>,
    picture: &PictureSettings,
    is_for_players: bool,
    samples: FrameFormat,
    diagnostics: &mut Diagnostics<'_>,
) -> FrameFormat {
    if samples.alpha && picture.alpha == Alpha::Refuse {
        diagnostics.mistake("picture.alpha", "refuse", "the source has an alpha channel");
    }
    let depths = encoder.depths();
    // The largest depth that is taken over from the source.
    let most = match encoder {
        Encoder::X264 if is_for_players => 8,
        _ if is_for_players => 10,
        _ => u32::MAX,
    };
    let depth = settings.depth.unwrap_or_else(|| match encoder {
        // FFV1 is lossless, so the depth must not fall.
        Encoder::Ffv1 => *depths.iter().find(|depth| **depth >= samples.depth).unwrap_or(&16),
        _ => *depths.iter().rev().find(|depth| **depth <= samples.depth.min(most)).unwrap_or(&depths[0]),
    });
    let own_chroma = if is_for_players { Chroma::C420 } else { samples.chroma };
    let mut format = FrameFormat {
        chroma: settings.chroma.unwrap_or(own_chroma),
        depth,
        rgb: samples.rgb && encoder == Encoder::Ffv1 && settings.chroma.is_none(),
        alpha: samples.alpha && picture.alpha == Alpha::Auto && encoder == Encoder::Ffv1,
    };
    if encoder == Encoder::Ffv1 && format.alpha && !format.rgb && format.chroma == Chroma::C400 {
        // FFV1 has no planar format for grey with alpha.
        format.chroma = Chroma::C444;
    }
    if encoder == Encoder::Ffv1 && format.alpha && !format.rgb && format.depth == 12 {
        // libavcodec's FFV1 supports YCbCr with alpha at 8, 10 and 16 bits.
        match settings.depth {
            None => format.depth = 16,
            Some(depth) => diagnostics.mistake("video.depth", depth, "ffv1 with opacity has 8, 10 or 16 bits"),
        }
    }
    if encoder == Encoder::Prores {
        let is_free = prores.is_none() && settings.chroma.is_none();
        if is_free && samples.alpha && picture.alpha == Alpha::Auto {
            // Only this profile holds alpha.
            format.chroma = Chroma::C444;
        }
        let full = prores_profile(prores, format).starts_with("4444");
        format.chroma = if full { Chroma::C444 } else { Chroma::C422 };
        format.alpha = full && samples.alpha && picture.alpha == Alpha::Auto;
        if format.chroma != samples.chroma && prores.is_none() {
            diagnostics
                .decide(format!("ProRes {}", prores_profile(prores, format)), format!("the source is {samples}"));
        }
    }
    if samples.alpha && !format.alpha && picture.alpha == Alpha::Auto {
        diagnostics.decide("frames are laid on black", format!("{encoder} output has no alpha channel"));
    }
    let is_other_chroma = is_for_players && settings.chroma.is_none() && format.chroma != samples.chroma;
    let is_less_deep = settings.depth.is_none() && samples.depth > most;
    match (is_other_chroma, is_less_deep) {
        (true, true) => diagnostics.decide(
            format!("{} at {depth} bits", format.chroma),
            format!("most players decode that, and not {samples}; to keep it, state chroma and depth"),
        ),
        (true, false) => diagnostics.decide(
            format!("chroma {}", format.chroma),
            format!("most players decode no other, and not {}; to keep it, state chroma", samples.chroma),
        ),
        (false, true) => diagnostics.decide(
            format!("{depth} bits"),
            format!(
                "most players decode no more with {encoder}, and not {} bits; to keep them, state depth",
                samples.depth
            ),
        ),
        (false, false) => {}
    }
    if !is_less_deep && depth < samples.depth && settings.depth.is_none() {
        diagnostics.decide(format!("{depth} bits, with error diffusion"), {
            format!("the source has {}, {encoder} takes up to {}", samples.depth, depths.last().unwrap_or(&8))
        });
    }
    if samples.rgb
        && !format.rgb
        && format.chroma == Chroma::C444
        && settings.chroma.is_none()
        && encoder != Encoder::Prores
    {
        diagnostics.decide("chroma 4:4:4", "the source is RGB, which has full chroma");
    }
    format
}

/// The ProRes profile of the settings, or else the one that the format needs.
fn prores_profile(own: Option<&str>, format: FrameFormat) -> &str {
    match own {
        Some(profile) => profile,
        None if format.chroma == Chroma::C444 => "4444",
        None => "hq",
    }
}

/// The planar format of a 4:1:1, 4:1:0 or 4:4:0 source that FFV1 takes unchanged, if `transform` does not change it.
fn same_samples(pixel: PixelFormat, transform: &Transform, size: (usize, usize), depth: u32) -> Option<String> {
    let planes = pixel.planar(false)?;
    let name = planes.name().replacen("yuvj", "yuv", 1);
    let same = Transform { packing: Some(name.clone()), ..transform.clone() };
    let shape = Shape { width: size.0, height: size.1, format: planes.0 };
    (is_identity(&same, shape) && transform.pad.is_none() && transform.format.depth == depth).then_some(name)
}

/// The packed format for 8-bit RGB, which FFV1 takes only packed.
fn packing(encoder: Encoder, format: FrameFormat) -> Option<String> {
    let packed = encoder == Encoder::Ffv1 && format.rgb && format.depth == 8;
    packed.then(|| if format.alpha { "bgra" } else { "bgr0" }.to_owned())
}
