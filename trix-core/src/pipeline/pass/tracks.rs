//! Describes each track for the muxer.
//!
//! Invariant: the description of an encoded track comes from the plan, that of a copied track from the source.

use trix_av::stream::{CodecParameters, StreamFacts, VideoParameters};
use trix_model::{
    error::{Error, Result, Stage},
    frame_facts::Display,
    orientation::Orientation,
    time::{Rational, TimeBase},
};

use crate::{
    encode::video::VideoEncoder,
    mux::{Attached, CoverSpec, FileMetadata, TrackSpec},
    plan::{OutputPlan, TrackTags, VideoPlan},
    settings::{container::Container, video::Encoder},
    source::Source,
};

/// Describes an encoded video track.
pub(super) fn of_frames(
    plan: &VideoPlan,
    time_base: TimeBase,
    encoder: &dyn VideoEncoder,
    extradata: &[u8],
    container: Container,
    tags: &TrackTags,
) -> Result<TrackSpec> {
    let tag = match plan.encoder {
        Encoder::X264 if container.is_iso() => Some(*b"avc1"),
        // Parameter sets stand only in the sample description, as Apple's players require.
        Encoder::X265 if container.is_iso() => Some(*b"hvc1"),
        _ => None,
    };
    let parameters = match encoder.parameters() {
        Some(parameters) => parameters?,
        None => CodecParameters::for_video(&VideoParameters {
            codec: encoder.codec().ok_or_else(|| Error::bug(Stage::Encode, "an encoder of no codec"))?,
            tag,
            width: plan.width,
            height: plan.height,
            format: plan.format,
            sample_aspect: plan.sample_aspect,
            color: plan.color,
            fields: plan.fields,
            delay: 0,
            extradata,
        }),
    };
    Ok(TrackSpec {
        parameters,
        time_base,
        rate: Some(plan.rate),
        metadata: tags.metadata(),
        disposition: tags.disposition.clone(),
        display: Display { orientation: plan.orientation, hdr: plan.hdr, dolby_vision: plan.dolby_vision },
        looks_ahead: !plan.encoder.is_mezzanine(),
        hides_start: false,
    })
}

/// Describes a copied track.
pub(super) fn copied(facts: &StreamFacts, rate: Option<Rational>, tags: &TrackTags) -> TrackSpec {
    let mut parameters = facts.parameters.clone();
    // A four-character code of one container may have no meaning in another, so the muxer chooses its own.
    parameters.set_tag([0; 4]);
    TrackSpec {
        parameters,
        time_base: facts.time_base,
        rate,
        metadata: tags.metadata(),
        disposition: tags.disposition.clone(),
        display: Display {
            orientation: facts.display_matrix.and_then(|matrix| Orientation::from_matrix(&matrix)).unwrap_or_default(),
            hdr: facts.hdr,
            dolby_vision: facts.dolby_vision,
        },
        looks_ahead: false,
        hides_start: false,
    }
}

/// Everything in the file besides its tracks.
pub(super) fn file_metadata<'a>(plan: &'a OutputPlan, source: &Source) -> FileMetadata<'a> {
    let planned = &plan.metadata;
    let owned = |key: &str, value: &String| (key.to_owned(), value.clone());
    let mut metadata: Vec<(String, String)> = planned.metadata.iter().map(|(key, value)| owned(key, value)).collect();
    metadata.extend(planned.timecode.iter().map(|timecode| owned("timecode", timecode)));
    if plan.container.is_transport_stream() && !planned.metadata.contains_key("service_provider") {
        // Without a provider, libavformat writes its own name.
        metadata.push(("service_provider".to_owned(), "Trix".to_owned()));
    }
    FileMetadata {
        metadata,
        chapters: &planned.chapters,
        attachments: planned
            .attachments
            .iter()
            .map(|own| Attached {
                name: &own.name,
                media_type: &own.media_type,
                data: source.attached_data(own.stream),
            })
            .collect(),
        covers: planned
            .covers
            .iter()
            .filter_map(|own| {
                let parameters = source.streams().get(own.stream)?.parameters.clone();
                Some(CoverSpec { parameters, data: source.attached_data(own.stream) })
            })
            .collect(),
    }
}
