//! The time codes of the first frame.

use trix_model::timecode::Timecode;

use crate::{
    probe::info::{StreamInfo, TimecodeInfo, TimecodeOrigin},
    source::Source,
};

/// All time codes of the first frame.
pub(super) fn timecodes(source: &Source, streams: &[StreamInfo]) -> Vec<TimecodeInfo> {
    let read = |metadata: &[(String, String)]| named(metadata, "timecode")?.parse::<Timecode>().ok();
    let mut list = Vec::new();
    let mut add = |value: Option<Timecode>, origin, stream| {
        list.extend(value.map(|value| TimecodeInfo { value, origin, stream }));
    };
    add(read(&source.input.metadata()), TimecodeOrigin::Container, None);
    let has_track = source.streams().iter().any(|facts| facts.tag.as_deref() == Some("tmcd"));
    for (facts, info) in source.streams().iter().zip(streams) {
        let is_track = facts.tag.as_deref() == Some("tmcd");
        // libavformat copies the time code of a track to the streams that refer to it.
        if is_track || !has_track {
            let origin = if is_track { TimecodeOrigin::Track } else { TimecodeOrigin::Stream };
            add(read(&facts.metadata), origin, Some(facts.index));
        }
        if let Some(bitstream_facts) = info.video.as_ref().and_then(|video| video.bitstream.as_ref()) {
            add(bitstream_facts.smpte_timecode, TimecodeOrigin::Picture, Some(facts.index));
            add(bitstream_facts.gop_timecode, TimecodeOrigin::GroupOfPictures, Some(facts.index));
        }
    }
    list
}

pub(super) fn named(metadata: &[(String, String)], key: &str) -> Option<String> {
    let entry = metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
    entry.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
}
