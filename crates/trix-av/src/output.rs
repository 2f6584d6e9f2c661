//! Files that are written: streams, chapters, metadata and packets in the order in which a muxer takes them.

use std::{ffi::CString, os::unix::ffi::OsStrExt, path::Path, ptr, sync::Arc};

use ffmpeg_sys_next as av;
use trix_model::{
    chapter::Chapter,
    time::{Rational, TimeBase},
};

use super::{
    AvError, Dictionary, c_string, check,
    log::Sink,
    muxer::{Format, Muxer},
    packet::Packet,
    side_data::{self, StreamKind as StreamSide},
    stream::CodecParameters,
};
use crate::rational::{from_av, rational};

/// A stream to add.
pub struct NewStream<'a> {
    /// The codec parameters.
    pub parameters: &'a CodecParameters,
    /// Time base of the packets.
    pub time_base: TimeBase,
    /// Frame rate; `None` for anything but video.
    pub rate: Option<Rational>,
    /// Metadata, such as language and title.
    pub metadata: &'a [(String, String)],
    /// Dispositions of the stream, by FFmpeg's names.
    pub disposition: &'a [String],
    /// Side data for the container.
    pub side_data: &'a [(StreamSide, Vec<u8>)],
}

/// A file that is being written.
pub struct Output {
    muxer: Muxer,
    sink: Arc<Sink>,
    header_written: bool,
}

impl Output {
    /// Opens a muxer, by FFmpeg's name, that writes to `path`. The file must exist. Its content stays until it is
    /// overwritten.
    pub fn create(muxer: &str, path: &Path) -> Result<Self, AvError> {
        let sink = Sink::new();
        let entered = sink.enter();
        let muxer = c_string(muxer);
        // The prefix prevents that a name with a colon is read as a protocol.
        let url = CString::new([b"file:", path.as_os_str().as_bytes()].concat()).map_err(|_| AvError::INVALID)?;
        let mut muxer = Muxer::named(&muxer, Some(&url), Arc::clone(&sink))?;
        drop(entered);
        // The streams state encoder build and settings. The muxer's version and the time of day would only make the
        // results of equal jobs differ.
        muxer.raw_mut().flags |= av::AVFMT_FLAG_BITEXACT;
        muxer.open_file(&url, &mut Dictionary::new([("truncate", "0")]))?;
        Ok(Output { muxer, sink, header_written: false })
    }

    /// Adds a stream and returns its index.
    pub fn add_stream(&mut self, new: &NewStream<'_>) -> Result<usize, AvError> {
        let stream = self.muxer.add_stream(new.parameters)?;
        stream.time_base = rational(new.time_base);
        stream.sample_aspect_ratio = new.parameters.raw().sample_aspect_ratio;
        if let Some(rate) = new.rate {
            stream.avg_frame_rate = rational(rate);
            stream.r_frame_rate = rational(rate);
        }
        for name in new.disposition {
            let name = c_string(name);
            // SAFETY: the string lives during the call.
            stream.disposition |= check(unsafe { av::av_disposition_from_string(name.as_ptr()) })?;
        }
        stream.metadata = dictionary(new.metadata).into_raw();
        for (kind, data) in new.side_data {
            // SAFETY: the stream is valid and belongs to our muxer.
            unsafe { side_data::attach(stream, *kind, data) };
        }
        Ok(stream.index as usize)
    }

    /// Sets the metadata of the whole file.
    pub fn set_metadata(&mut self, metadata: &[(String, String)]) {
        // The context frees it. There was none before.
        self.muxer.raw_mut().metadata = dictionary(metadata).into_raw();
    }

    /// Sets the chapters.
    pub fn set_chapters(&mut self, chapters: &[Chapter]) -> Result<(), AvError> {
        let raw = self.muxer.raw_mut();
        // The context frees list and chapters with libavutil, and so libavutil allocates them.
        // SAFETY: no preconditions.
        raw.chapters = unsafe { av::av_calloc(chapters.len().max(1), size_of::<*mut av::AVChapter>()) }.cast();
        if raw.chapters.is_null() {
            return Err(AvError(-12));
        }
        for (index, chapter) in chapters.iter().enumerate() {
            // SAFETY: zeros are a valid chapter, for which there is room.
            let new = unsafe { av::av_mallocz(size_of::<av::AVChapter>()).cast::<av::AVChapter>().as_mut() };
            let new = new.ok_or(AvError(-12))?;
            new.id = index as i64 + 1;
            new.time_base = rational(chapter.start.base);
            new.start = chapter.start.ticks;
            new.end = chapter.end.rescale(chapter.start.base);
            let title = chapter.title.as_deref().map(|title| ("title", title));
            new.metadata = Dictionary::new(title).into_raw();
            // SAFETY: the list has room for every chapter. The count grows after the chapter is in place.
            unsafe { raw.chapters.add(index).write(new) };
            raw.nb_chapters = index as u32 + 1;
        }
        Ok(())
    }

    /// Writes the header. Afterwards, [`Self::time_base`] returns the time bases that the muxer chose.
    pub fn write_header(&mut self, options: &[(&str, &str)]) -> Result<(), AvError> {
        let _entered = self.sink.enter();
        let mut options = Dictionary::new(options.iter().copied());
        // SAFETY: context and dictionary are ours.
        check(unsafe { av::avformat_write_header(self.muxer.as_ptr(), options.as_mut()) })?;
        self.header_written = true;
        Ok(())
    }

    /// Sets the longest time in microseconds between the first and the last of the packets that wait for those of other
    /// streams. 0: they wait as long as it takes.
    pub fn set_patience(&mut self, micros: i64) {
        // libavformat reads this field with each packet.
        self.muxer.raw_mut().max_interleave_delta = micros;
    }

    /// Time base of stream `index`.
    pub fn time_base(&self, index: usize) -> TimeBase {
        let raw = self.muxer.raw();
        assert!(index < raw.nb_streams as usize, "a stream of this muxer");
        // SAFETY: `streams` holds `nb_streams` valid pointers.
        from_av(unsafe { (**raw.streams.add(index)).time_base })
    }

    /// Writes a packet. The muxer interleaves the packets of different streams.
    pub fn write(&mut self, packet: Packet) -> Result<(), AvError> {
        let _entered = self.sink.enter();
        // SAFETY: both are valid; the call takes over the packet's reference and leaves it blank.
        check(unsafe { av::av_interleaved_write_frame(self.muxer.as_ptr(), packet.as_ptr()) }).map(drop)
    }

    /// Bytes written so far.
    pub fn position(&self) -> u64 {
        // SAFETY: `pb` is open; `avio_tell` is a seek by nothing.
        unsafe { av::avio_seek(self.muxer.raw().pb, 0, 1).max(0) as u64 }
    }

    /// Writes pending packets and the index, and closes the file.
    pub fn finish(mut self) -> Result<(), AvError> {
        let _entered = self.sink.enter();
        if self.header_written {
            self.muxer.write_trailer()?;
        }
        self.muxer.close_file()
    }

    /// Writes a complete file with one stream. Its destination stays open.
    fn fill(&mut self, stream: &NewStream<'_>, packets: &[Packet]) -> Result<(), AvError> {
        let index = self.add_stream(stream)?;
        self.write_header(&[("strict", "-2")])?;
        let to = self.time_base(index);
        for packet in packets {
            let mut copy = packet.shared()?;
            copy.set_stream(index);
            copy.rescale(stream.time_base, to);
            self.write(copy)?;
        }
        let _entered = self.sink.enter();
        self.muxer.write_trailer()
    }

    /// The messages of the muxer, for the text of an error.
    pub fn complaints(&self) -> Vec<String> {
        self.sink.take().0.into_iter().map(|line| line.text).collect()
    }
}

fn dictionary(entries: &[(String, String)]) -> Dictionary {
    Dictionary::new(entries.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

/// Muxes one stream with some packets into memory with `muxer` (FFmpeg's name), and returns the file.
pub fn in_memory(muxer: &str, stream: &NewStream<'_>, packets: &[Packet]) -> Result<Vec<u8>, AvError> {
    let sink = Sink::new();
    let mut muxer = Muxer::named(&c_string(muxer), None, Arc::clone(&sink))?;
    muxer.raw_mut().flags |= av::AVFMT_FLAG_BITEXACT;
    muxer.open_memory()?;
    let mut output = Output { muxer, sink, header_written: false };
    let written = output.fill(stream, packets);
    let file = output.muxer.close_memory();
    written.map(|()| file)
}

/// True if `muxer` supports streams of `codec`, by FFmpeg's names.
pub fn muxer_knows(muxer: &str, codec: &str) -> bool {
    let (muxer, codec) = (c_string(muxer), c_string(codec));
    let format = Format::named(&muxer);
    // SAFETY: the name lives during the call; descriptors are static.
    let codec = unsafe { av::avcodec_descriptor_get_by_name(codec.as_ptr()).as_ref() };
    format.zip(codec).is_some_and(|(format, codec)| format.takes(codec.id))
}

/// Tests whether `muxer` can hold a stream with `parameters`. The error says why not. For a muxer without a codec table
/// of its own, `listed` names the codecs that it supports.
pub fn muxer_holds(
    muxer: &str,
    listed: Option<&[&str]>,
    parameters: &CodecParameters,
    time_base: TimeBase,
) -> Result<(), String> {
    let sink = Sink::new();
    let _entered = sink.enter();
    let codec_name = parameters.codec_name();
    let refused = || format!("{muxer} cannot hold {codec_name}");
    if let Some(listed) = listed {
        return if listed.contains(&codec_name.as_str()) { Ok(()) } else { Err(refused()) };
    }
    let format = Format::named(&c_string(muxer)).filter(|format| format.takes(parameters.raw().codec_id));
    let format = format.ok_or_else(refused)?;
    let memory = |_| "out of memory".to_owned();
    let mut context = Muxer::new(format, Arc::clone(&sink)).map_err(memory)?;
    context.raw_mut().strict_std_compliance = av::FF_COMPLIANCE_EXPERIMENTAL;
    // A buffer in place of a file: the muxer only gets as far as its own checks.
    context.open_memory().map_err(memory)?;
    let checked = accepts(&mut context, parameters, time_base);
    // The muxer may say more while it is freed.
    drop(context);
    checked.map_err(|_| {
        let said: Vec<String> = sink.take().0.into_iter().map(|line| line.text).collect();
        format!("{}: {}", refused(), said.join("; "))
    })
}

/// Adds a stream without a tag, and lets the muxer check it.
fn accepts(muxer: &mut Muxer, parameters: &CodecParameters, time_base: TimeBase) -> Result<(), AvError> {
    let stream = muxer.add_stream(parameters)?;
    stream.time_base = rational(time_base);
    // SAFETY: every stream has parameters, and these are ours.
    unsafe { (*stream.codecpar).codec_tag = 0 };
    // SAFETY: the context is ours and has a destination.
    check(unsafe { av::avformat_init_output(muxer.as_ptr(), ptr::null_mut()) }).map(drop)
}
