//! [`MediaInfo`] in words, as `trix probe` prints it: a block for the container and one for each stream, with the same
//! labels in the same order.
//!
//! Invariant: no line is longer than [`WIDTH`], except for a file name or a single long word. A line that needs attention begins with `!`.

mod settings;
mod words;

use std::fmt::{self, Display};

use trix_av::stream::StreamKind;
use trix_model::{
    amount::{bit_rate, bytes, counted},
    time::{Rational, Timestamp},
};

use crate::{
    probe::{AudioInfo, Disagreement, HdrFormat, MediaInfo, Method, StreamInfo, SubtitleForm, VideoInfo, dates::Date},
    reading::{
        bitstream_facts::BitstreamFacts,
        full_decode_count::{FrameSize, FullDecodeCount},
    },
};

/// Columns that every terminal has.
const WIDTH: usize = 100;
/// Columns of the labels, with their indentation.
const LABELS: usize = 15;

/// Several lines of at most 100 columns, the last of which ends with a line feed: first the container, then each stream.
///
/// ```
/// # let master = trix_fixtures::clip::master();
/// use trix_core::{Source, probe::probe};
///
/// let text = probe(&Source::open(&master)?).to_string();
/// assert!(text.starts_with(&format!("{}\n  container    QuickTime / MOV", master.display())), "{text}");
/// # Ok::<(), trix_core::Error>(())
/// ```
impl Display for MediaInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut page = Page::default();
        page.container(self);
        for stream in &self.streams {
            page.stream(stream, self);
        }
        if let Some(full_decode_count) = &self.full_decode_count {
            page.damage(full_decode_count);
        }
        f.write_str(&page.text)
    }
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    /// A labelled line of facts, wrapped between facts.
    fn facts<T: Display>(&mut self, label: &str, facts: impl IntoIterator<Item = T>) {
        let mut line = format!("  {label:<width$}", width = LABELS - 2);
        let mut is_first = true;
        for fact in facts {
            // Wrap at words and not at facts, as some facts are sentences.
            let fact = fact.to_string();
            if !is_first {
                line.push(',');
            }
            for word in fact.split_whitespace() {
                let gap = usize::from(!is_first);
                // Leave room for a comma after the word.
                if !is_first && line.chars().count() + gap + word.chars().count() + 1 > WIDTH {
                    self.text.push_str(line.trim_end());
                    self.text.push('\n');
                    line = " ".repeat(LABELS);
                } else if !is_first {
                    line.push(' ');
                }
                line.push_str(word);
                is_first = false;
            }
        }
        if !is_first {
            self.text.push_str(&line);
            self.text.push('\n');
        }
    }

    /// A line that needs attention.
    fn warn(&mut self, label: &str, text: impl Display) {
        let from = self.text.len();
        self.facts(label, [text]);
        if self.text.len() > from {
            self.text.replace_range(from..=from, "!");
        }
    }

    fn disagreements(&mut self, all: &[Disagreement], stream: Option<usize>) {
        for found in all.iter().filter(|found| found.stream == stream) {
            let Disagreement { what, container, bitstream, .. } = found;
            self.warn("disagrees", format!("{what}: container {container}, stream {bitstream}"));
        }
    }

    fn container(&mut self, info: &MediaInfo) {
        let container = &info.container;
        let file = info.file.as_ref().map_or_else(|| "(memory)".to_owned(), |file| file.display().to_string());
        self.text.push_str(&file);
        self.text.push('\n');
        let tag = |key: &str| {
            let found = container.metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
            found.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let mut facts = vec![container.description.replace(',', " /")];
        facts.extend(container.brand.as_ref().map(|brand| format!("brand {brand}")));
        facts.extend(info.bytes.map(bytes));
        facts.extend(container.bit_rate.map(bit_rate));
        self.facts("container", facts);
        self.times(container.duration.map(|time| time.to_string()), container.duration_method, container.start);
        self.facts("title", tag("title"));
        let application = container.writing_application.as_ref();
        let library = container.muxing_application.as_ref().filter(|library| Some(*library) != application);
        let library = library.map(|library| format!("muxed by {library}"));
        self.facts("written by", application.cloned().into_iter().chain(library));
        let mut last = None;
        for date in &container.dates {
            // A second date of the same kind says where it stands.
            let (label, place) = if last == Some(date.what) {
                ("", Some(format!("by {}", date.origin)))
            } else {
                (date.what.word(), None)
            };
            last = Some(date.what);
            let words = Date::parse(&date.value).map_or_else(|| date.value.clone(), Date::words);
            self.facts(label, [words].into_iter().chain(place));
        }
        for program in &info.programs {
            let mut facts = vec![program.number.to_string()];
            facts.extend(program.name.as_ref().map(|name| format!("\"{name}\"")));
            facts.extend(program.provider.as_ref().map(|provider| format!("by {provider}")));
            let streams: Vec<String> = program.streams.iter().map(|index| format!("#{index}")).collect();
            facts.push(format!("streams {}", streams.join(" ")));
            self.facts("programme", facts);
        }
        for (at, chapter) in info.chapters.iter().enumerate() {
            let title = chapter.title.as_ref().map(|title| format!("  {title}")).unwrap_or_default();
            let label = if at == 0 { "chapters" } else { "" };
            self.facts(label, [format!("{} to {}{title}", chapter.start, chapter.end)]);
        }
        for (at, code) in info.timecodes.iter().enumerate() {
            let drop = if code.value.drop_frame { " drop frame" } else { "" };
            let stream = code.stream.map(|index| format!(" of #{index}")).unwrap_or_default();
            let label = if at == 0 { "time code" } else { "" };
            self.facts(label, [format!("{}{drop} ({}{stream})", code.value, words::origin(code.origin))]);
        }
        self.disagreements(&info.disagreements, None);
    }

    fn times(&mut self, duration: Option<String>, method: Option<Method>, start: Option<Timestamp>) {
        let start = start.filter(|start| start.ticks != 0).map(|start| format!("starts at {start}"));
        let duration = duration.map(|duration| match method {
            Some(method) => format!("{duration} {}", words::method(method)),
            None => duration,
        });
        self.facts("duration", duration.into_iter().chain(start));
    }

    fn stream(&mut self, stream: &StreamInfo, info: &MediaInfo) {
        let kind = match stream.kind {
            StreamKind::Video if stream.is_attached_picture => "cover",
            StreamKind::Video => "video",
            StreamKind::Audio => "audio",
            StreamKind::Subtitle => "subtitles",
            StreamKind::Attachment => "file",
            StreamKind::Data => "data",
        };
        let mut head = vec![words::codec(stream)];
        // QuickTime files name the codec as the encoder.
        let encoder = stream.encoder.as_ref().filter(|name| !head[0].starts_with(name.as_str())).cloned();
        head.extend(stream.commercial_name.clone());
        if info.container.format.starts_with("mpeg") {
            head.push(format!("packets {:#x}", stream.id));
        }
        head.extend(stream.language.as_ref().map(|code| words::language(code)));
        head.extend(stream.title.as_ref().map(|title| format!("\"{title}\"")));
        head.extend(
            stream.disposition.iter().filter(|name| *name != "attached_pic").map(|name| name.replace('_', " ")),
        );
        let films = info.streams.iter().filter(|other| other.kind == StreamKind::Video && !other.is_attached_picture);
        if films.count() > 1 && info.film == Some(stream.index) {
            head.push("the film".to_owned());
        }
        self.text.push('\n');
        self.facts(&format!("#{} {kind}", stream.index), head);
        self.facts("left out", stream.left_out.as_ref());
        if let Some(video) = &stream.video {
            self.video(stream, video);
        }
        if let Some(audio) = &stream.audio {
            self.audio(audio);
        }
        self.facts("encoded by", encoder);
        // A comma may follow each word, so a full line has one column less.
        let room = WIDTH - LABELS - 1;
        self.facts("settings", stream.encoder_settings.as_deref().and_then(|all| settings::brief(all, room)));
        if let Some(subtitle) = &stream.subtitle {
            let form = match subtitle.form {
                SubtitleForm::Text => "text",
                SubtitleForm::Bitmap => "images of text",
            };
            self.facts("format", [form]);
        }
        if let Some(attachment) = &stream.attachment {
            let facts = attachment.name.clone().into_iter().chain(attachment.media_type.clone());
            self.facts("content", facts.chain([bytes(attachment.bytes)]));
        }
        let start = stream.start.filter(|_| stream.attachment.is_none());
        self.times(stream.duration.map(|time| time.to_string()), stream.duration_method, start);
        self.edits(stream);
        self.data(stream);
        if let Some(found) =
            info.full_decode_count.as_ref().and_then(|full_decode_count| full_decode_count.streams.get(&stream.index))
        {
            let mut counts = vec![counted(found.packets, "packet")];
            counts.extend(found.frames.map(|frames| counted(frames, "frame")));
            counts.extend(found.samples.map(|samples| format!("{samples} samples")));
            if found.frames.is_some() {
                let part = |count: u64, what: &str| (count > 0).then(|| format!("{count} {what}"));
                counts.extend(part(found.interlaced, "interlaced"));
                counts.extend(part(found.captions, "with captions"));
                counts.extend(part(found.times_repaired, "without a usable time"));
            }
            self.facts("decoded", counts);
            self.facts("", found.intervals.as_ref().map(words::evenness));
            if let Some(remarkable) = found.timing.summary() {
                self.warn("times", remarkable);
            }
            if found.sizes.len() > 1 {
                let size = |size: &FrameSize| format!("{}x{} from frame {}", size.width, size.height, size.first);
                self.warn("size varies", found.sizes.iter().map(size).collect::<Vec<_>>().join(", "));
            }
        }
        self.disagreements(&info.disagreements, Some(stream.index));
    }

    fn video(&mut self, stream: &StreamInfo, video: &VideoInfo) {
        let mut frame = vec![words::shape(video)];
        frame.extend(video.chroma.map(|chroma| chroma.to_string()));
        frame.extend(video.bit_depth.map(|depth| format!("{depth} bits")));
        frame.extend(video.pixel_format.map(|format| format.to_string()));
        self.facts("frame", frame);
        if stream.is_attached_picture {
            return;
        }
        let mut shown = Vec::from_iter(words::screen(video));
        shown.extend(video.orientation.map(|orientation| orientation.to_string()));
        if video.has_odd_matrix {
            shown.push("by a display matrix that is no quarter turn".into());
        }
        if video.is_spherical {
            shown.push("as a sphere (360 degrees)".into());
        }
        let aperture = video.clean_aperture.map(|(width, height)| (words::decimal(width), words::decimal(height)));
        shown.extend(aperture.map(|(width, height)| format!("clean aperture {width}x{height}")));
        shown.extend(
            video.bitstream.as_ref().and_then(|seen| seen.active_format).map(|code| format!("active format {code}")),
        );
        self.facts("shown", shown);
        self.facts("scan", [words::fields(video)]);
        self.facts("rate", words::rate(video));
        self.facts("colour", [words::color(&video.color)]);
        if let Some(hdr) = &video.hdr {
            let seen = video.bitstream.as_ref();
            let share = |count: u64, what: &str| {
                let of = seen.map_or(0, |seen| seen.frames);
                (count > 0 && count < of).then(|| format!("{what} in {count} of the first {of} frames"))
            };
            let mut facts = vec![hdr.summary.clone()];
            if hdr.formats.contains(&HdrFormat::DolbyVision) && hdr.formats.contains(&HdrFormat::Hdr10Plus) {
                facts.push("also HDR10+".into());
            }
            facts.extend(share(seen.map_or(0, |seen| seen.hdr10_plus), "HDR10+"));
            facts.extend(share(seen.map_or(0, |seen| seen.dolby_vision), "Dolby Vision"));
            self.facts("HDR", facts);
            let mastered = hdr.mastering_display.map(|display| format!("mastered on {display}"));
            self.facts("", mastered.into_iter().chain(hdr.content_light.map(|light| light.to_string())));
        }
        if let Some(seen) = &video.bitstream {
            self.facts("captions", captions(seen));
        }
    }

    fn audio(&mut self, audio: &AudioInfo) {
        let mut words = vec![format!("{} Hz", audio.sample_rate)];
        let labels = audio.channel_labels.join(" ");
        words.push(match (audio.channel_labels.is_empty(), audio.channels) {
            // FFmpeg has no name for some layouts, and lists their channels instead.
            (false, _) if audio.layout.contains('+') => {
                format!("{} ({labels})", counted(audio.channels.into(), "channel"))
            }
            (false, _) => format!("{} ({labels})", audio.layout),
            (true, _) => format!("{}, layout not stated", counted(audio.channels.into(), "channel")),
        });
        words.extend(audio.data_bursts.as_ref().map(ToString::to_string));
        words.extend(audio.bit_depth.map(|depth| format!("{depth} bits")));
        words
            .extend(audio.joint_objects.map(|objects| format!("Dolby Atmos (joint object coding, {objects} objects)")));
        self.facts("format", words);
        let mut blocks = Vec::new();
        // A block of uncompressed audio is one sample.
        blocks.extend(audio.block_samples.filter(|samples| *samples > 1).map(|samples| format!("{samples} samples")));
        blocks.extend(audio.priming.map(|samples| format!("the first {samples} samples not heard")));
        self.facts("blocks", blocks);
    }

    /// An edit list that does more than skip reordering delay and priming at the start.
    fn edits(&mut self, stream: &StreamInfo) {
        let is_usual = match (&stream.edits[..], stream.kind) {
            ([], _) => true,
            ([edit], StreamKind::Audio) => edit.media_start.is_some() && edit.speed == Rational::new(1, 1),
            ([edit], _) => edit.media_start == stream.media_start && edit.speed == Rational::new(1, 1),
            _ => false,
        };
        if is_usual {
            return;
        }
        const SHOWN: usize = 8;
        for (at, edit) in stream.edits.iter().take(SHOWN).enumerate() {
            self.facts(if at == 0 { "edit list" } else { "" }, [words::edit(edit)]);
        }
        if let Some(more) = stream.edits.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            self.facts("", [format!("and {more} more")]);
        }
    }

    fn data(&mut self, stream: &StreamInfo) {
        let measured = stream.measured.as_ref();
        let mut facts = Vec::new();
        let rate = measured.filter(|measured| measured.is_whole).and_then(|measured| measured.bit_rate());
        match (stream.bit_rate, rate) {
            (_, Some(rate)) => facts.push(format!("{} measured", bit_rate(rate))),
            (Some(rate), None) => facts.push(format!("{} by the header", bit_rate(rate))),
            (None, None) => {}
        }
        facts.extend(stream.bit_rate_mode.map(words::rate_mode));
        if let Some(measured) = measured.filter(|_| stream.kind == StreamKind::Video && !stream.is_attached_picture) {
            facts.push(match (measured.keys, measured.packets) {
                (keys, packets) if keys == packets => "every frame a keyframe".into(),
                (0, _) => "no keyframe flagged".into(),
                _ => format!("keyframes at most {} frames apart", measured.longest_group),
            });
        }
        self.facts("data", facts);
    }

    fn damage(&mut self, full_decode_count: &FullDecodeCount) {
        self.text.push('\n');
        if full_decode_count.damage.is_empty() {
            self.facts("damage", ["none found"]);
        }
        for (kind, count) in &full_decode_count.damage.counts {
            let kind = serde_json::to_value(kind).ok();
            let kind = kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or("other");
            self.warn("damage", format!("{count} x {kind}"));
        }
        for damage in full_decode_count.damage.first.iter().take(5) {
            let time = damage.time.map_or_else(String::new, |time| format!(" at {time}"));
            let stream = damage.stream.map_or_else(String::new, |stream| format!("#{stream}"));
            self.facts("", [format!("{stream}{time}: {}", damage.detail)]);
        }
        for note in &full_decode_count.notes {
            self.facts("note", [note.clone()]);
        }
    }
}

/// The captions in the frames.
fn captions(seen: &BitstreamFacts) -> Option<String> {
    let kinds: Vec<&str> = [("CTA-608", seen.captions_608), ("CTA-708", seen.captions_708)]
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, _)| *name)
        .collect();
    match (seen.captions, kinds.is_empty()) {
        (0, _) => None,
        (_, true) => Some(format!("room for captions, empty in the first {} frames", seen.frames)),
        (_, false) => Some(format!("{} in the frames", kinds.join(" and "))),
    }
}
