//! What playlists, the manifest and the header state of a track, as `trix_bitstream` takes it.

use trix_av::stream::StreamKind;
use trix_bitstream::manifest::{Audio, Content, Description, Role, Video};

use super::{language, rendition::RenditionRecord};
use crate::mux::TrackSpec;

/// What the samples of a track are.
pub(super) fn content(spec: &TrackSpec) -> Content {
    if spec.parameters.kind() != StreamKind::Video {
        let (sample_rate, channels) = spec.parameters.audio();
        return Content::Audio(Audio { sample_rate, channels });
    }
    let (width, height, sample_aspect) = spec.parameters.coded_size();
    let (primaries, transfer, matrix) = spec.parameters.code_points();
    Content::Video(Video {
        width,
        height,
        sample_aspect,
        orientation: spec.display.orientation,
        rate: spec.rate,
        primaries,
        transfer,
        matrix,
        dolby_vision: spec.display.dolby_vision,
    })
}

/// The facts by which a player chooses a rendition.
pub(super) fn description(spec: &TrackSpec, record: &RenditionRecord) -> Description {
    let title = spec.metadata.iter().find(|(key, value)| key == "title" && !value.trim().is_empty());
    Description {
        id: record.id.clone(),
        title: title.map(|(_, title)| title.clone()),
        language: language::tag(spec),
        roles: spec.disposition.iter().filter_map(|name| Role::from_name(name)).collect(),
        peak_bit_rate: record.peak_bit_rate,
        average_bit_rate: record.average_bit_rate,
    }
}
