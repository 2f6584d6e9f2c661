//! What `trix probe` prints.

use std::fmt::Write;

use trix_core::{
    decode::census::Census,
    media::time::Rational,
    probe::{MediaInfo, StreamInfo},
};

use super::{bit_rate, bytes, timing};

/// A file at a glance: a line for the container, a few for each stream.
pub fn text(info: &MediaInfo) -> String {
    let mut out = String::new();
    let file = info.file.as_ref().map_or_else(String::new, |file| file.display().to_string());
    let mut facts = vec![info.container.description.clone()];
    facts.extend(info.bytes.map(bytes));
    facts.extend(info.container.duration.map(|duration| duration.to_string()));
    facts.extend(info.container.bit_rate.map(bit_rate));
    let _ = writeln!(out, "{file}\n  {}", facts.join(", "));
    if let Some(start) = info.container.start.filter(|start| start.ticks != 0) {
        let _ = writeln!(out, "  starts at {start}");
    }
    for stream in &info.streams {
        write_stream(&mut out, stream, info.census.as_ref());
    }
    if let Some(census) = &info.census {
        if census.damage.is_empty() {
            let _ = writeln!(out, "  no damage found");
        }
        for (kind, count) in &census.damage.counts {
            let kind = serde_json::to_value(kind).ok();
            let kind = kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or("other");
            let _ = writeln!(out, "  damage: {count} x {kind}");
        }
        for damage in census.damage.first.iter().take(5) {
            let time = damage.time.map_or_else(String::new, |time| format!(" at {time}"));
            let stream = damage.stream.map_or_else(String::new, |stream| format!(" stream {stream}"));
            let _ = writeln!(out, "   {stream}{time}: {}", damage.detail);
        }
    }
    out
}

fn write_stream(out: &mut String, stream: &StreamInfo, census: Option<&Census>) {
    let kind = format!("{:?}", stream.kind).to_lowercase();
    let mut head = stream.codec.clone();
    if let Some(profile) = &stream.profile {
        let _ = write!(head, " {profile}");
    }
    if let Some(level) = stream.level {
        let _ = write!(head, ", level {level}");
    }
    let mut notes = Vec::new();
    notes.extend(stream.language.clone());
    notes.extend(stream.title.as_ref().map(|title| format!("\"{title}\"")));
    if stream.is_attached_picture {
        notes.push("cover picture".into());
    }
    if stream.is_default {
        notes.push("default".into());
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    let _ = writeln!(out, "  {} {kind:8} {head}{notes}", stream.index);
    let mut lines: Vec<Vec<String>> = Vec::new();
    if let Some(video) = &stream.video {
        let mut shape = vec![format!("{}x{}", video.width, video.height)];
        if let Some(aspect) = video.sample_aspect.filter(|aspect| *aspect != Rational::new(1, 1)) {
            shape.push(format!("sample aspect {}:{}", aspect.num, aspect.den));
        }
        shape.extend(video.average_rate.map(|rate| format!("{} fps", decimal(rate))));
        if video.declared_rate != video.average_rate {
            shape.extend(video.declared_rate.map(|rate| format!("declared {}", decimal(rate))));
        }
        shape.push(video.field_order.clone());
        lines.push(shape);
        let mut samples = Vec::new();
        samples.extend(video.pixel_format.map(|format| format.to_string()));
        samples.extend(video.bit_depth.map(|depth| format!("{depth} bits")));
        samples.extend(video.chroma.map(|chroma| chroma.to_string()));
        let color = video.color;
        samples.push(format!("{}/{}/{}", color.primaries, color.transfer, color.matrix));
        samples.push(format!("range {}", color.range));
        samples.push(format!("chroma {}", color.chroma_location));
        lines.push(samples);
    }
    if let Some(audio) = &stream.audio {
        let mut sound = vec![format!("{} Hz", audio.sample_rate), audio.layout.clone()];
        sound.extend(audio.bit_depth.map(|depth| format!("{depth} bits")));
        lines.push(sound);
    }
    let mut times = Vec::new();
    times.extend(stream.duration.map(|duration| duration.to_string()));
    times.extend(stream.start.filter(|start| start.ticks != 0).map(|start| format!("starts at {start}")));
    times.extend(stream.declared_frames.map(|frames| format!("{frames} frames declared")));
    times.extend(stream.bit_rate.map(bit_rate));
    lines.push(times);
    if let Some(found) = census.and_then(|census| census.streams.get(&stream.index)) {
        let mut counts = vec![format!("{} packets", found.packets)];
        counts.extend(found.frames.map(|frames| format!("{frames} frames decoded")));
        counts.extend(found.samples.map(|samples| format!("{samples} samples decoded")));
        counts.extend(found.measured_rate.map(|rate| format!("{} fps measured", decimal(rate))));
        lines.push(counts);
        lines.extend(timing(&found.timing).map(|line| vec![format!("times: {line}")]));
    }
    for line in lines.iter().filter(|line| !line.is_empty()) {
        let _ = writeln!(out, "             {}", line.join(", "));
    }
}

/// A rate as people say it: 25, 23.976, 59.94.
fn decimal(rate: Rational) -> String {
    let text = format!("{:.3}", rate.to_f64());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
