//! Owner of a muxer: an `AVFormatContext` that writes to a file.

use std::{
    ffi::{CString, c_int},
    os::unix::ffi::OsStrExt,
    path::Path,
    ptr,
    ptr::NonNull,
    sync::Arc,
};

use ffmpeg_sys_next as av;
use trix_model::{
    chapter::Chapter,
    time::{Rational, TimeBase},
};

use super::{
    AvError, Dictionary, c_string, check,
    log::Sink,
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
    context: NonNull<av::AVFormatContext>,
    sink: Arc<Sink>,
    header_written: bool,
}

// SAFETY: the context is used through this owner only; libavformat has no thread affinity.
unsafe impl Send for Output {}

impl Output {
    /// Opens a muxer, by FFmpeg's name, that writes to `path`. The file must exist. Its content stays until it is
    /// overwritten.
    pub fn create(muxer: &str, path: &Path) -> Result<Self, AvError> {
        let sink = Sink::new();
        let entered = sink.enter();
        let muxer = c_string(muxer);
        // The prefix prevents that a name with a colon is read as a protocol.
        let url = CString::new([b"file:", path.as_os_str().as_bytes()].concat()).map_err(|_| AvError::INVALID)?;
        // SAFETY: strings live during the calls; every failure path frees the context through `Output`'s drop.
        unsafe {
            let mut context = ptr::null_mut();
            check(av::avformat_alloc_output_context2(&mut context, ptr::null(), muxer.as_ptr(), url.as_ptr()))?;
            let context = NonNull::new(context).ok_or(AvError(av::AVERROR_BUG))?;
            drop(entered);
            let output = Output { context, sink, header_written: false };
            let raw = output.context.as_ptr();
            (*raw).opaque = output.sink.opaque();
            // The streams state encoder build and settings. The muxer's version and the time of day would only make the
            // results of equal jobs differ.
            (*raw).flags |= av::AVFMT_FLAG_BITEXACT;
            let mut options = Dictionary::new([("truncate", "0")]);
            let flags = av::AVIO_FLAG_WRITE;
            check(av::avio_open2(&mut (*raw).pb, url.as_ptr(), flags, ptr::null(), options.as_mut()))?;
            Ok(output)
        }
    }

    /// Adds a stream and returns its index.
    pub fn add_stream(&mut self, new: &NewStream<'_>) -> Result<usize, AvError> {
        // SAFETY: the context is ours; the new stream belongs to it.
        unsafe {
            let stream = av::avformat_new_stream(self.context.as_ptr(), ptr::null());
            let stream = stream.as_mut().ok_or(AvError(-12))?;
            check(av::avcodec_parameters_copy(stream.codecpar, new.parameters.as_ptr()))?;
            stream.time_base = rational(new.time_base);
            stream.sample_aspect_ratio = (*stream.codecpar).sample_aspect_ratio;
            if let Some(rate) = new.rate {
                stream.avg_frame_rate = rational(rate);
                stream.r_frame_rate = rational(rate);
            }
            for name in new.disposition {
                let name = c_string(name);
                stream.disposition |= check(av::av_disposition_from_string(name.as_ptr()))?;
            }
            stream.metadata = dictionary(new.metadata).into_raw();
            for (kind, data) in new.side_data {
                side_data::attach(stream, *kind, data);
            }
            Ok(stream.index as usize)
        }
    }

    /// Sets the metadata of the whole file.
    pub fn set_metadata(&mut self, metadata: &[(String, String)]) {
        // SAFETY: the context is ours and owns what is assigned; nothing was there before.
        unsafe { (*self.context.as_ptr()).metadata = dictionary(metadata).into_raw() };
    }

    /// Sets the chapters.
    pub fn set_chapters(&mut self, chapters: &[Chapter]) -> Result<(), AvError> {
        // SAFETY: the context is ours; it frees list and chapters, which are allocated as it frees them. The count grows
        // only after its chapter is in place.
        unsafe {
            let raw = &mut *self.context.as_ptr();
            raw.chapters = av::av_calloc(chapters.len().max(1), size_of::<*mut av::AVChapter>()).cast();
            if raw.chapters.is_null() {
                return Err(AvError(-12));
            }
            for (index, chapter) in chapters.iter().enumerate() {
                let new: *mut av::AVChapter = av::av_mallocz(size_of::<av::AVChapter>()).cast();
                let Some(place) = new.as_mut() else { return Err(AvError(-12)) };
                place.id = index as i64 + 1;
                place.time_base = rational(chapter.start.base);
                place.start = chapter.start.ticks;
                place.end = chapter.end.rescale(chapter.start.base);
                let title = chapter.title.as_deref().map(|title| ("title", title));
                place.metadata = Dictionary::new(title).into_raw();
                raw.chapters.add(index).write(new);
                raw.nb_chapters = index as u32 + 1;
            }
        }
        Ok(())
    }

    /// Writes the header. Afterwards, [`Self::time_base`] returns the time bases that the muxer chose.
    pub fn write_header(&mut self, options: &[(&str, &str)]) -> Result<(), AvError> {
        let _entered = self.sink.enter();
        let mut options = Dictionary::new(options.iter().copied());
        // SAFETY: context and dictionary are ours.
        check(unsafe { av::avformat_write_header(self.context.as_ptr(), options.as_mut()) })?;
        self.header_written = true;
        Ok(())
    }

    /// Sets the longest time in microseconds between the first and the last of the packets that wait for those of other
    /// streams. 0: they wait as long as it takes.
    pub fn set_patience(&mut self, micros: i64) {
        // SAFETY: the context is ours. libavformat reads this field with each packet.
        unsafe { (*self.context.as_ptr()).max_interleave_delta = micros };
    }

    /// Time base of stream `index`.
    pub fn time_base(&self, index: usize) -> TimeBase {
        // SAFETY: `index` came from `add_stream`; checked against the count all the same.
        unsafe {
            let raw = self.context.as_ref();
            assert!(index < raw.nb_streams as usize, "a stream of this muxer");
            from_av((**raw.streams.add(index)).time_base)
        }
    }

    /// Writes a packet. The muxer interleaves the packets of different streams.
    pub fn write(&mut self, packet: Packet) -> Result<(), AvError> {
        let _entered = self.sink.enter();
        // SAFETY: both are valid; the call takes over the packet's reference and leaves it blank.
        check(unsafe { av::av_interleaved_write_frame(self.context.as_ptr(), packet.as_ptr()) }).map(drop)
    }

    /// Bytes written so far.
    pub fn position(&self) -> u64 {
        // SAFETY: `pb` is open; `avio_tell` is a seek by nothing.
        unsafe { av::avio_seek((*self.context.as_ptr()).pb, 0, 1).max(0) as u64 }
    }

    /// Writes pending packets and the index, and closes the file.
    pub fn finish(mut self) -> Result<(), AvError> {
        let _entered = self.sink.enter();
        // SAFETY: the header was written, as the trailer demands; afterwards the file is closed and its last error,
        // which a full disk may only raise now, is returned.
        unsafe {
            if self.header_written {
                check(av::av_write_trailer(self.context.as_ptr()))?;
            }
            let raw = self.context.as_mut();
            av::avio_flush(raw.pb);
            let error = (*raw.pb).error;
            let closed = av::avio_closep(&mut raw.pb);
            check(error as c_int)?;
            check(closed)?;
        }
        Ok(())
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
        // SAFETY: the header was written, as the trailer demands.
        check(unsafe { av::av_write_trailer(self.context.as_ptr()) }).map(drop)
    }

    /// The messages of the muxer, for the text of an error.
    pub fn complaints(&self) -> Vec<String> {
        self.sink.take().0.into_iter().map(|line| line.text).collect()
    }
}

fn dictionary(entries: &[(String, String)]) -> Dictionary {
    Dictionary::new(entries.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

impl Drop for Output {
    fn drop(&mut self) {
        let _entered = self.sink.enter();
        // SAFETY: we own the context and the file it opened; both calls accept what is already closed.
        unsafe {
            av::avio_closep(&mut (*self.context.as_ptr()).pb);
            av::avformat_free_context(self.context.as_ptr());
        }
    }
}

/// Muxes one stream with some packets into memory with `muxer` (FFmpeg's name), and returns the file.
pub fn in_memory(muxer: &str, stream: &NewStream<'_>, packets: &[Packet]) -> Result<Vec<u8>, AvError> {
    let sink = Sink::new();
    let name = c_string(muxer);
    let mut context = ptr::null_mut();
    // SAFETY: the name lives during the call; the context is owned by `output` from here on, whose drop only closes a
    // file, which a buffer in memory is not: it is taken away before on every path.
    unsafe {
        check(av::avformat_alloc_output_context2(&mut context, ptr::null(), name.as_ptr(), ptr::null()))?;
        let context = NonNull::new(context).ok_or(AvError(av::AVERROR_BUG))?;
        let mut output = Output { context, sink, header_written: false };
        let raw = context.as_ptr();
        (*raw).opaque = output.sink.opaque();
        (*raw).flags |= av::AVFMT_FLAG_BITEXACT;
        check(av::avio_open_dyn_buf(&mut (*raw).pb))?;
        let written = output.fill(stream, packets);
        let mut buffer = ptr::null_mut();
        let size = av::avio_close_dyn_buf((*raw).pb, &mut buffer);
        (*raw).pb = ptr::null_mut();
        let file = match usize::try_from(size) {
            Ok(size) if !buffer.is_null() => std::slice::from_raw_parts(buffer, size).to_vec(),
            _ => Vec::new(),
        };
        av::av_free(buffer.cast());
        written.map(|()| file)
    }
}

/// True if `muxer` supports streams of `codec`, by FFmpeg's names.
pub fn muxer_knows(muxer: &str, codec: &str) -> bool {
    let (muxer, codec) = (c_string(muxer), c_string(codec));
    // SAFETY: strings live during the calls; formats and descriptors are static.
    unsafe {
        let format = av::av_guess_format(muxer.as_ptr(), ptr::null(), ptr::null());
        let codec = av::avcodec_descriptor_get_by_name(codec.as_ptr()).as_ref();
        let known = |codec: &av::AVCodecDescriptor| {
            av::avformat_query_codec(format, codec.id, av::FF_COMPLIANCE_EXPERIMENTAL) == 1
        };
        !format.is_null() && codec.is_some_and(known)
    }
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
    let name = c_string(muxer);
    let codec_name = parameters.codec_name();
    let refused = || Err(format!("{muxer} cannot hold {codec_name}"));
    if let Some(listed) = listed {
        return if listed.contains(&codec_name.as_str()) { Ok(()) } else { refused() };
    }
    // SAFETY: strings live during the calls; context and buffer are freed on every path;
    // the muxer only gets as far as its own checks, with a buffer in memory in place of a file.
    unsafe {
        let format = av::av_guess_format(name.as_ptr(), ptr::null(), ptr::null());
        let codec = (*parameters.as_ptr()).codec_id;
        if format.is_null() || av::avformat_query_codec(format, codec, av::FF_COMPLIANCE_EXPERIMENTAL) != 1 {
            return refused();
        }
        let mut context = ptr::null_mut();
        if av::avformat_alloc_output_context2(&mut context, format, ptr::null(), ptr::null()) < 0 {
            return Err("out of memory".to_owned());
        }
        (*context).opaque = sink.opaque();
        (*context).strict_std_compliance = av::FF_COMPLIANCE_EXPERIMENTAL;
        if av::avio_open_dyn_buf(&mut (*context).pb) < 0 {
            av::avformat_free_context(context);
            return Err("out of memory".to_owned());
        }
        let stream = av::avformat_new_stream(context, ptr::null());
        let mut code = -12;
        if let Some(stream) = stream.as_mut() {
            code = av::avcodec_parameters_copy(stream.codecpar, parameters.as_ptr());
            (*stream.codecpar).codec_tag = 0;
            stream.time_base = rational(time_base);
            if code >= 0 {
                code = av::avformat_init_output(context, ptr::null_mut());
            }
        }
        let mut buffer = ptr::null_mut();
        av::avio_close_dyn_buf((*context).pb, &mut buffer);
        av::av_free(buffer.cast());
        av::avformat_free_context(context);
        if code >= 0 {
            return Ok(());
        }
        let said: Vec<String> = sink.take().0.into_iter().map(|line| line.text).collect();
        Err(format!("{muxer} cannot hold {codec_name}: {}", said.join("; ")))
    }
}
