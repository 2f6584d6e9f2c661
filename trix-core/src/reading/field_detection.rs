//! Measures properties for which flags are not reliable: whether frames are combed, and the width of their black
//! borders.
//!
//! Invariant: field detection reads a bounded part of the source at several positions, and states no verdict.

use serde::{Deserialize, Serialize};
use trix_av::{
    codec::{Decoder, Output},
    frame::Frame,
    frame_pool::FramePool,
    graph::Graph,
    stream::StreamFacts,
};
use trix_model::{
    color::Range,
    time::{Rational, TimeBase, Timestamp},
};

use crate::{settings::picture::Rectangle, source::Source};

/// The measurements of field detection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FieldDetection {
    /// The number of examined frames.
    #[serde(rename = "pictures")]
    pub frames: u64,
    /// Frames without combing (libavfilter's idet, as for the next three).
    pub progressive: u64,
    /// Combed frames whose top field is the earlier one.
    pub top_first: u64,
    /// Combed frames whose bottom field is the earlier one.
    pub bottom_first: u64,
    /// Frames with too little motion to decide.
    pub undetermined: u64,
    /// Frames that repeat a field of the previous frame, as pulldown does.
    pub repeated_fields: u64,
    /// The smallest rectangle that contains everything that is not black (cropdetect).
    pub content: Option<Rectangle>,
}

impl FieldDetection {
    /// Percentage of combed frames among those that could be classified. `None` if fewer than ten could be.
    pub fn combed_percent(&self) -> Option<u64> {
        let combed = self.top_first + self.bottom_first;
        let decided = combed + self.progressive;
        (decided >= 10).then(|| combed * 100 / decided)
    }
}

/// Positions in the source at which frames are examined, in hundredths of its duration.
const PLACES: [i64; 5] = [0, 20, 40, 60, 80];

/// Number of frames at each position.
const AT_EACH: u64 = 48;

/// Number of frames for a source of unknown duration, or one too short for several positions.
const AT_ONCE: u64 = 240;

/// Runs field detection on stream `facts` with a second reader of `source`. Returns `None` if nothing can be decoded.
pub(crate) fn field_detection(source: &Source, facts: &StreamFacts, rate: Rational) -> Option<FieldDetection> {
    let mut found = FieldDetection::default();
    let micro = TimeBase::new(1, 1_000_000);
    let start = facts.start.map_or(0, |ticks| Timestamp::new(ticks, facts.time_base).rescale(micro));
    // A source with at most twice the number of examined frames is examined from its start.
    let frames = |duration: &i64| Timestamp::new(*duration, micro).rescale(rate.inverse());
    let duration = source.duration().filter(|duration| frames(duration) > 2 * AT_ONCE as i64);
    match duration {
        None => window(source, facts, rate, None, AT_ONCE, &mut found)?,
        Some(duration) => {
            for place in PLACES {
                let time = Timestamp::new(start.saturating_add(duration / 100 * place), micro);
                window(source, facts, rate, (place > 0).then(|| time.rescale(facts.time_base)), AT_EACH, &mut found);
            }
        }
    }
    (found.frames > 0).then_some(found)
}

/// Examines up to `frames` frames, starting at `from` (ticks).
fn window(
    source: &Source,
    facts: &StreamFacts,
    rate: Rational,
    from: Option<i64>,
    frames: u64,
    found: &mut FieldDetection,
) -> Option<()> {
    let mut again = source.reopen().ok()?;
    if let Some(from) = from {
        again.seek(facts.index, from).ok()?;
    }
    let mut decoder =
        Decoder::open(&facts.parameters, facts.time_base, 0, source.limits().pixels, facts.alpha_layer).ok()?;
    let pool = FramePool::default();
    let mut graph: Option<Graph> = None;
    let mut last: Option<Frame> = None;
    let mut seen = 0;
    // A stream that yields no frame is not read to its end.
    let mut patience = 4 * frames;
    // After the last packet of the stream, the other streams are not read to their end. The limit is that of
    // `bitstream_facts::at_most`.
    let limit = source.limits().probe_bytes.saturating_mul(2);
    let mut others = 0;
    'read: loop {
        if again.is_cancelled() {
            return None;
        }
        let packet = again.read().ok().flatten().filter(|_| patience > 0 && others < limit);
        if let Some(other) = packet.as_ref().filter(|packet| packet.stream() != facts.index) {
            others += other.data().len() as u64;
            continue;
        }
        others = 0;
        patience = patience.saturating_sub(1);
        let _ = decoder.send(packet.as_ref());
        while let Ok(Output::Item(mut frame)) = decoder.receive() {
            // The filters measure planes of 8 bits and more.
            let planar = frame.pixel_format().and_then(|format| format.planar(false));
            if let Some(planar) = planar.and_then(|planar| frame.unpacked(planar, Range::Limited, 16, &pool)) {
                frame = planar;
            }
            // The measurement does not need times, and broken ones must not disturb it.
            frame.set_time(seen as i64);
            let graph = match &mut graph {
                Some(graph) => graph,
                None => graph
                    .insert(Graph::for_video(&frame, facts.time_base, rate, "idet,cropdetect=round=2:reset=0").ok()?),
            };
            graph.send(Some(&frame)).ok()?;
            while let Ok(Output::Item(frame)) = graph.receive() {
                last = Some(frame);
            }
            seen += 1;
            if seen >= frames {
                break 'read;
            }
        }
        if packet.is_none() {
            break;
        }
    }
    found.frames += seen;
    let last = last?;
    let number = |key: &str| last.note(key).and_then(|text| text.parse::<f64>().ok());
    let count = |key: &str| number(key).map_or(0, |value| value.max(0.0) as u64);
    found.progressive += count("lavfi.idet.multiple.progressive");
    found.top_first += count("lavfi.idet.multiple.tff");
    found.bottom_first += count("lavfi.idet.multiple.bff");
    found.undetermined += count("lavfi.idet.multiple.undetermined");
    found.repeated_fields += count("lavfi.idet.repeated.top") + count("lavfi.idet.repeated.bottom");
    let side = |key: &str| number(key).filter(|value| *value >= 0.0).map(|value| value as usize);
    let edges = (
        side("lavfi.cropdetect.x1"),
        side("lavfi.cropdetect.y1"),
        side("lavfi.cropdetect.x2"),
        side("lavfi.cropdetect.y2"),
    );
    if let (Some(left), Some(top), Some(right), Some(bottom)) = edges
        && left < right
        && top < bottom
    {
        found.content = Some(match found.content {
            None => Rectangle { left, top, width: right + 1 - left, height: bottom + 1 - top },
            Some(before) => {
                let (l, t) = (left.min(before.left), top.min(before.top));
                let r = (right + 1).max(before.left + before.width);
                let b = (bottom + 1).max(before.top + before.height);
                Rectangle { left: l, top: t, width: r - l, height: b - t }
            }
        });
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use trix_fixtures::{clip, program};

    use super::*;
    use crate::Limits;

    #[test]
    fn audio_behind_the_end_of_the_video_is_not_read_to_its_end() {
        let file = clip::made("second-of-video-in-minutes-of-audio.mov", |path| {
            program::ffmpeg(&format!(
                "-f lavfi -i testsrc2=s=128x96:r=25:d=1 -f lavfi -i sine=r=48000:d=240 -c:v mjpeg -c:a pcm_s16le -ac 2 \
                 {}",
                path.display()
            ));
        });
        let limits = Limits { probe_bytes: 500_000, ..Limits::default() };
        let source = Source::open_within(&file, limits).expect("a source");
        let facts = source.video().expect("a video stream").clone();
        let found = field_detection(&source, &facts, Rational::new(25, 1)).expect("frames");
        assert!(found.frames >= 25, "{found:?}");
        let (read, size) = (source.disk_bytes(), source.extent().size);
        assert!(size > 40_000_000 && read < size / 2, "{read} of {size} bytes");
    }
}
