//! Describes a source: container, streams, times, colour, and disagreements between the container and its streams. On
//! request, decodes the whole source.
//!
//! Invariant: values that a file does not state are absent; no conventions fill them in. Without a full decode, a
//! probe reads only the header, the data that the limits allow for probing, and the same amount once more
//! (`packet_scan.rs`).

mod commercial;
mod compare;
mod dates;
mod disagreement;
mod display;
mod dynamic_range;
mod info;
mod packet_scan;
mod rate_mode;
mod timecodes;

use std::io::{Read, Seek, SeekFrom};

use trix_av::{
    container::DurationMethod,
    pixel::PixelFormat,
    stream::{StreamFacts, StreamKind},
};
use trix_bitstream::mpeg_audio;
use trix_model::{
    control::cancel::Cancel,
    damage::OnDamage,
    error::Result,
    json,
    orientation::Orientation,
    time::{Rational, TimeBase, Timestamp},
};

pub use self::{
    dates::{DateInfo, Occasion},
    disagreement::{Disagreement, Subject},
    dynamic_range::{HdrFormat, HdrInfo},
    info::{
        AttachmentInfo, AudioInfo, ContainerInfo, MediaInfo, Method, ProgramInfo, StreamInfo, SubtitleForm,
        SubtitleInfo, TimecodeInfo, TimecodeOrigin, TimingExtent, VideoInfo,
    },
    packet_scan::Measured,
    rate_mode::{BitRateMode, RateKind, RateMethod},
};
pub use crate::{decode::data_bursts::DataBursts, reading::bitstream_facts::BitstreamFacts, source::movie::EditInfo};

use self::{
    rate_mode::RateReader,
    timecodes::{named, timecodes},
};
use crate::{
    reading::full_decode_count,
    source::{Source, matroska, movie},
};

/// Describes `source`.
pub fn probe(source: &Source) -> MediaInfo {
    let micro = TimeBase::new(1, 1_000_000);
    let input = &source.input;
    let movie = input.demuxer().starts_with("mov,").then(|| movie::read(&mut source.reader().ok()?)).flatten();
    let demuxer = input.demuxer();
    let is_matroska = demuxer.starts_with("matroska");
    let segment = is_matroska.then(|| matroska::segment_info(&mut source.reader().ok()?)).flatten().unwrap_or_default();
    let metadata = input.metadata();
    let brand = named(&metadata, "major_brand").filter(|_| movie.is_some()).map(|brand| brand.trim().to_owned());
    let writer = segment.writing_application.or_else(|| writing_application(&metadata));
    let mut found = packet_scan::scan_packets(source);
    let camera = found.values().filter_map(|scan| scan.rates.as_ref()).find_map(|rates| rates.camera.recorded.clone());
    let header = if input.demuxer() == "mp3" { audio_header(source) } else { None };
    let streams: Vec<StreamInfo> = source
        .streams()
        .iter()
        .map(|facts| {
            let track = movie.as_ref().and_then(|movie| movie::track_of(movie, facts));
            let index = track.filter(|_| movie.as_ref().is_some_and(|movie| !movie.is_fragmented));
            let mut found = found.remove(&facts.index).unwrap_or_default();
            // Codec-specific data, metadata and header have their facts even if no packet can be read.
            let rates = found.rates.take().unwrap_or_else(|| RateReader::new(facts));
            let mut info = stream(source, facts, track, index, found);
            let header = header.or(track.and_then(|track| track.bit_rates).and_then(is_constant));
            describe_coding(&mut info, facts, &rates, header, (brand.as_deref(), writer.as_deref()));
            info
        })
        .collect();
    let programs = input.programs().into_iter().map(|program| {
        let named = |key: &str| named(&program.metadata, key);
        ProgramInfo {
            number: program.number,
            name: named("service_name"),
            provider: named("service_provider"),
            streams: program.streams.clone(),
        }
    });
    // Some releases of libavformat use the duration of the last track instead of the movie header.
    let header = movie.as_ref().filter(|movie| !movie.is_fragmented).and_then(|movie| movie.duration);
    let header = header.map(|duration| duration.rescale(micro)).filter(|micros| *micros > 0);
    let bytes = source.extent().size;
    let by_header = |micros: i64| u64::try_from(i128::from(bytes) * 8_000_000 / i128::from(micros)).ok();
    let duration = header.or(source.duration()).map(|ticks| Timestamp::new(ticks, micro));
    MediaInfo {
        trix: json::VERSION,
        file: source.path().map(ToOwned::to_owned),
        bytes: source.path().map(|_| bytes),
        container: ContainerInfo {
            format: input.demuxer(),
            description: input.demuxer_description(),
            duration: duration.or_else(|| streams.iter().filter_map(|stream| stream.duration).max()),
            duration_method: match duration {
                Some(_) => Some(method(input.duration_method())),
                None => streams.iter().find_map(|stream| stream.duration_method),
            },
            start: source.start().map(|ticks| Timestamp::new(ticks, micro)),
            bit_rate: header.and_then(by_header).or(input.bit_rate()),
            brand,
            muxing_application: segment.muxing_application,
            writing_application: writer,
            dates: dates::dates(&metadata, &demuxer, segment.date, camera.as_deref()),
            metadata: metadata.into_iter().collect(),
        },
        chapters: input.chapters(),
        programs: programs.collect(),
        timecodes: timecodes(source, &streams),
        disagreements: compare::disagreements(source, movie.as_ref(), &streams),
        film: source.video().map(|facts| facts.index),
        streams,
        full_decode_count: None,
    }
}

/// Describes `source` and decodes it completely, to count frames and samples and to find damage.
///
/// # Errors
/// Those of reading and of missing decoders. Damage is counted and is not an error.
///
/// ```no_run
/// use trix_core::{Cancel, Source, probe};
/// let source = Source::open("master.mov")?;
/// let info = probe::probe_and_count(source, 0, &Cancel::default())?;
/// println!("{}", serde_json::to_string_pretty(&info).expect("plain data"));
/// # Ok::<(), trix_core::Error>(())
/// ```
pub fn probe_and_count(source: Source, threads: u32, cancel: &Cancel) -> Result<MediaInfo> {
    let mut info = probe(&source);
    info.full_decode_count = Some(full_decode_count::count(source, OnDamage::Conceal, threads, cancel)?);
    Ok(info)
}

/// Width and height of the clean aperture of stream `facts`, if an MP4 or MOV file states it.
pub(crate) fn clean_aperture(source: &Source, facts: &StreamFacts) -> Option<(Rational, Rational)> {
    let is_movie = source.input.demuxer().starts_with("mov,");
    let movie = movie::read(&mut source.reader().ok().filter(|_| is_movie)?)?;
    movie::track_of(&movie, facts)?.clean_aperture
}

/// Adds what the stream says of its encoder and its bit rate. `header`: true if a header states a constant bit rate. The
/// major brand and the writer of the file help to name it.
fn describe_coding(
    info: &mut StreamInfo,
    facts: &StreamFacts,
    rates: &RateReader,
    header: Option<bool>,
    (brand, writer): (Option<&str>, Option<&str>),
) {
    let seen = info.video.as_ref().and_then(|video| video.bitstream.as_ref());
    let tag = |keys: &[&str]| keys.iter().find_map(|key| named(&facts.metadata, key));
    let encoder = seen.and_then(|seen| seen.encoder.clone()).or_else(|| rates.camera.model.clone());
    let settings = seen.and_then(|seen| seen.encoder_settings.clone());
    info.encoder = encoder.or_else(|| tag(&["encoder"])).map(|name| name.trim().to_owned());
    info.encoder_settings = settings.or_else(|| tag(&["encoder_settings", "encoder_options", "encoding_settings"]));
    // AV1 in ISO BMFF, 2.3: seq_tier_0 is the first bit of byte 2.
    let is_high_tier = match (facts.codec.as_str(), facts.parameters.extradata()) {
        ("av1", [0x81, _, byte, ..]) => Some(byte & 0x80 != 0),
        _ => rates.set.is_high_tier,
    };
    info.tier = is_high_tier.map(|is_high| if is_high { "High".to_owned() } else { "Main".to_owned() });
    info.bit_rate_mode = rates.mode(facts, header, info.encoder_settings.as_deref());
    let video = info.video.as_ref();
    let measured = info.measured.as_ref().filter(|measured| measured.packets > 0);
    let mode = info.bit_rate_mode;
    info.commercial_name = commercial::name(&commercial::Facts {
        codec: &facts.codec,
        tag: facts.tag.as_deref(),
        brand,
        writer,
        profile: facts.profile.as_deref(),
        level: facts.level,
        chroma: video.and_then(|video| video.pixel_format).map(PixelFormat::chroma_shift).unwrap_or_default(),
        depth: video.and_then(|video| video.bit_depth),
        size: (facts.width, facts.height),
        is_interlaced: video.and_then(|video| video.bitstream.as_ref()).map(|seen| seen.interlaced > 0),
        rate: video
            .and_then(|video| video.timing.map(|timing| timing.customary_rate).or(video.average_rate))
            .map(Rational::to_f64),
        is_intra: measured.is_some_and(|measured| measured.keys == measured.packets),
        is_constant: mode.map(|mode| mode.kind == RateKind::Constant),
        stated: mode.and_then(|mode| mode.stated),
        frame_bytes: measured.map(|measured| measured.bytes / measured.packets),
        joint_objects: info.audio.as_ref().and_then(|audio| audio.joint_objects),
    });
}

/// False if MPEG-4 audio states a largest bit rate but no average: a variable rate (ISO/IEC 14496-1, 7.2.6.6). The largest
/// rate is that of any second, which exceeds the average of a constant rate too. libavformat even states the rate that was
/// asked for.
fn is_constant((largest, average): (u32, u32)) -> Option<bool> {
    (average == 0 && largest > 0).then_some(false)
}

/// True if the first frame of an MP3 file states a constant bit rate, false if it states a variable one.
fn audio_header(source: &Source) -> Option<bool> {
    /// Maximum number of tags before the first frame.
    const TAGS: usize = 16;
    /// Bytes that hold the first frame, with the filling before it: libavformat searches as many.
    const FRAME: u64 = 64 << 10;
    let mut reader = source.reader().ok()?;
    let mut piece = |at: u64| {
        let mut bytes = Vec::new();
        reader.seek(SeekFrom::Start(at)).ok()?;
        reader.by_ref().take(FRAME).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    };
    let mut at = 0u64;
    for _ in 0..TAGS {
        // A tag may hold a cover image of any size.
        let head = piece(at)?;
        match mpeg_audio::tag_size(&head) {
            Some(size) => at = at.checked_add(size)?,
            None => return mpeg_audio::is_constant(&head),
        }
    }
    None
}

/// The program that wrote the file, by the metadata of its container.
fn writing_application(metadata: &[(String, String)]) -> Option<String> {
    let product = ["company_name", "product_name", "product_version"].map(|key| named(metadata, key));
    let product = product.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let program = named(metadata, "encoder").or_else(|| named(metadata, "encoding_tool"));
    program.or(Some(product)).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

fn method(method: DurationMethod) -> Method {
    match method {
        DurationMethod::Times => Method::LastPackets,
        DurationMethod::Header => Method::Container,
        DurationMethod::BitRate => Method::BitRate,
    }
}

fn stream(
    source: &Source,
    facts: &StreamFacts,
    track: Option<&movie::Track>,
    index: Option<&movie::Track>,
    found: packet_scan::PacketScan,
) -> StreamInfo {
    let time = |ticks: i64| Timestamp::new(ticks, facts.time_base);
    let (duration, duration_method) = duration(source, facts, track, found.measured.as_ref());
    let has = |name: &str| facts.disposition.iter().any(|known| known == name);
    StreamInfo {
        index: facts.index,
        id: facts.id,
        kind: facts.kind,
        codec: facts.codec.clone(),
        codec_description: facts.codec_description.clone(),
        tag: facts.tag.clone(),
        profile: facts.profile.clone(),
        level: facts.level,
        tier: None,
        commercial_name: None,
        time_base: facts.time_base,
        start: facts.start.map(time),
        duration,
        duration_method,
        bit_rate: facts.bit_rate,
        bit_rate_mode: None,
        declared_frames: facts.declared_frames,
        language: named(&facts.metadata, "language").filter(|language| language != "und"),
        title: named(&facts.metadata, "title"),
        encoder: None,
        encoder_settings: None,
        is_default: facts.is_default,
        is_attached_picture: facts.is_attached_picture,
        left_out: source.selection().reason(facts.index),
        disposition: facts.disposition.clone(),
        edits: track.filter(|track| !track.shows_all()).map(|track| track.edits.clone()).unwrap_or_default(),
        media_start: index.and_then(movie::Track::earliest),
        metadata: facts.metadata.iter().cloned().collect(),
        audio: (facts.kind == StreamKind::Audio).then(|| audio(facts, track, found.bursts.clone())),
        subtitle: (facts.kind == StreamKind::Subtitle).then(|| SubtitleInfo {
            form: if facts.is_text { SubtitleForm::Text } else { SubtitleForm::Bitmap },
            is_forced: has("forced"),
            is_for_hearing_impaired: has("hearing_impaired"),
        }),
        attachment: (facts.kind == StreamKind::Attachment).then(|| AttachmentInfo {
            name: named(&facts.metadata, "filename"),
            media_type: named(&facts.metadata, "mimetype"),
            bytes: facts.parameters.extradata().len() as u64,
        }),
        measured: found.measured.clone(),
        video: (facts.kind == StreamKind::Video)
            .then(|| video(facts, source.input.declared().get(facts.index), track, index, found)),
    }
}

/// Duration of a stream from the most reliable source.
fn duration(
    source: &Source,
    facts: &StreamFacts,
    track: Option<&movie::Track>,
    measured: Option<&Measured>,
) -> (Option<Timestamp>, Option<Method>) {
    let input = &source.input;
    let has_header = input.declared().get(facts.index).is_some_and(|declared| declared.duration.is_some());
    let own = facts.duration.map(|ticks| Timestamp::new(ticks, facts.time_base));
    let whole = measured.filter(|measured| measured.is_whole).and_then(Measured::duration);
    let container = source.duration().map(|ticks| Timestamp::new(ticks, TimeBase::new(1, 1_000_000)));
    let candidates = [
        (own.filter(|_| has_header && track.is_some_and(|track| track.media_duration.is_none())), Method::Index),
        (own.filter(|_| has_header), Method::StreamHeader),
        (whole, Method::Measured),
        (own, method(input.duration_method())),
        (container, method(input.duration_method())),
    ];
    let found = candidates.into_iter().find_map(|(duration, method)| Some((duration?, method)));
    // Cover images and attachments have no duration.
    let found = found.filter(|_| !facts.is_attached_picture && facts.kind != StreamKind::Attachment);
    found.unzip()
}

fn video(
    facts: &StreamFacts,
    declared: Option<&StreamFacts>,
    track: Option<&movie::Track>,
    index: Option<&movie::Track>,
    found: packet_scan::PacketScan,
) -> VideoInfo {
    // The container states the pixel format without the alpha layer.
    let layered = found
        .bitstream_facts
        .as_ref()
        .filter(|_| facts.alpha_layer)
        .and_then(|bitstream_facts| bitstream_facts.pixel_format);
    let format = layered.or(PixelFormat::from_raw(facts.format));
    let positive = |ratio: Rational| ratio.is_positive().then_some(ratio);
    let orientation = facts.display_matrix.as_ref().map(Orientation::from_matrix);
    let is_whole = found.measured.as_ref().is_some_and(|measured| measured.is_whole);
    let by_packets = if is_whole { TimingExtent::AllPackets } else { TimingExtent::FirstPackets };
    // The index covers all frames without reading them. Packets give more only if the index is incomplete.
    let indexed = index.filter(|_| !facts.is_attached_picture).and_then(movie::Track::intervals);
    let indexed = indexed.and_then(|intervals| intervals.timing());
    let (timing, timing_extent) = match (indexed, found.timing) {
        (Some(timing), _) => (Some(timing), Some(TimingExtent::Index)),
        (None, Some(timing)) => (Some(timing), Some(by_packets)),
        (None, None) => (None, None),
    };
    // Values in frames take precedence over the container's values. libavformat does not decode every codec to get
    // them. If it does, a decoder that states nothing (ProRes) overwrites the container's values.
    let own = found.bitstream_facts.as_ref().map(|bitstream_facts| bitstream_facts.color).unwrap_or_default();
    let color = own.or(facts.color).or(declared.map(|declared| declared.color).unwrap_or_default());
    VideoInfo {
        width: facts.width,
        height: facts.height,
        pixel_format: format,
        bit_depth: format.map(PixelFormat::depth),
        chroma: format.filter(|format| format.odd_chroma().is_none()).and_then(PixelFormat::chroma),
        sample_aspect: positive(facts.sample_aspect),
        display_aspect: compare::display_aspect(facts.width, facts.height, positive(facts.sample_aspect)),
        orientation: orientation.flatten(),
        has_odd_matrix: orientation.is_some_and(|orientation| orientation.is_none()),
        clean_aperture: track.and_then(|track| track.clean_aperture),
        field_order: facts.field_order.to_owned(),
        declared_rate: positive(facts.base_rate),
        average_rate: positive(facts.average_rate),
        timing,
        timing_extent,
        color,
        hdr: dynamic_range::of(facts, found.bitstream_facts.as_ref(), color),
        is_spherical: facts.is_spherical,
        bitstream: found.bitstream_facts,
    }
}

fn audio(facts: &StreamFacts, track: Option<&movie::Track>, data_bursts: Option<DataBursts>) -> AudioInfo {
    // In MP4, the edit list states the number of priming samples.
    let edit = track.and_then(|track| track.edits.iter().find_map(|edit| edit.media_start));
    let edit = edit.map(|start| start.rescale(Rational::new(1, facts.sample_rate.into())));
    let priming = edit.and_then(|samples| u64::try_from(samples).ok()).unwrap_or(facts.padding.into());
    AudioInfo {
        data_bursts,
        sample_rate: facts.sample_rate,
        channels: facts.channels,
        layout: facts.layout.clone(),
        channel_labels: facts.channel_labels.clone(),
        bit_depth: Some(facts.raw_bits).filter(|bits| *bits > 0 && facts.is_lossless),
        block_samples: Some(facts.block_samples).filter(|samples| *samples > 0),
        priming: Some(priming).filter(|samples| *samples > 0),
        joint_objects: track.and_then(|track| track.joint_objects),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_whose_packets_cannot_be_read_again_still_states_what_its_header_holds() {
        let options = "-c:v libx265 -preset ultrafast -x265-params log-level=0";
        let file = trix_fixtures::Clip::default().encoded(options, "mp4");
        let mut source = Source::open(&file).unwrap();
        source.cancel = Cancel::default();
        source.cancel.cancel();
        let info = probe(&source);
        let stream = &info.streams[0];
        assert_eq!(stream.measured, None);
        assert_eq!(stream.tier.as_deref(), Some("Main"));
        assert!(stream.encoder.as_deref().is_some_and(|encoder| encoder.contains("libx265")), "{:?}", stream.encoder);
    }

    #[test]
    fn only_a_missing_average_is_a_variable_rate() {
        assert_eq!(is_constant((128_000, 0)), Some(false));
        for rates in [(0, 0), (96_000, 72_000), (128_000, 125_073), (96_000, 96_000), (90_000, 96_000)] {
            assert_eq!(is_constant(rates), None, "{rates:?}");
        }
    }
}
