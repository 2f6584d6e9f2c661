//! Owner of the context of a muxer and of what it writes to: a file, or a buffer in memory.
//!
//! Invariant: the destination is closed before the context is freed, and both happen once.

use std::{
    ffi::{CStr, c_int},
    ptr::{self, NonNull},
    sync::Arc,
};

use ffmpeg_sys_next as av;

use super::{AvError, Dictionary, check, log::Sink, stream::CodecParameters};

/// A muxer of this build of libavformat.
#[derive(Clone, Copy)]
pub(crate) struct Format(&'static av::AVOutputFormat);

impl Format {
    /// The muxer with FFmpeg's name `name`.
    pub(crate) fn named(name: &CStr) -> Option<Self> {
        // SAFETY: the name lives during the call; muxers are static.
        unsafe { av::av_guess_format(name.as_ptr(), ptr::null(), ptr::null()).as_ref() }.map(Format)
    }

    /// True if the muxer supports streams of `codec`.
    pub(crate) fn takes(self, codec: av::AVCodecID) -> bool {
        // SAFETY: the muxer is valid; the call takes any codec.
        unsafe { av::avformat_query_codec(self.0, codec, av::FF_COMPLIANCE_EXPERIMENTAL) == 1 }
    }
}

/// A context of libavformat that writes.
pub(crate) struct Muxer {
    context: NonNull<av::AVFormatContext>,
    /// True if the destination is a buffer in memory.
    in_memory: bool,
    sink: Arc<Sink>,
}

// SAFETY: the context is used through this owner only; libavformat has no thread affinity.
unsafe impl Send for Muxer {}

impl Muxer {
    /// A context for the muxer with FFmpeg's name `name`, with the name `url` of its file. Nothing is opened.
    pub(crate) fn named(name: &CStr, url: Option<&CStr>, sink: Arc<Sink>) -> Result<Self, AvError> {
        let (mut context, url) = (ptr::null_mut(), url.map_or(ptr::null(), CStr::as_ptr));
        // SAFETY: the strings live during the call, which sets the pointer to a new context.
        check(unsafe { av::avformat_alloc_output_context2(&mut context, ptr::null(), name.as_ptr(), url) })?;
        Muxer::of(context, sink)
    }

    /// A context for `format`. Nothing is opened.
    pub(crate) fn new(format: Format, sink: Arc<Sink>) -> Result<Self, AvError> {
        let mut context = ptr::null_mut();
        // SAFETY: the muxer is valid; the call sets the pointer to a new context.
        check(unsafe { av::avformat_alloc_output_context2(&mut context, format.0, ptr::null(), ptr::null()) })?;
        Muxer::of(context, sink)
    }

    fn of(context: *mut av::AVFormatContext, sink: Arc<Sink>) -> Result<Self, AvError> {
        let context = NonNull::new(context).ok_or(AvError(av::AVERROR_BUG))?;
        let mut this = Muxer { context, in_memory: false, sink };
        this.raw_mut().opaque = this.sink.opaque();
        Ok(this)
    }

    pub(crate) fn as_ptr(&self) -> *mut av::AVFormatContext {
        self.context.as_ptr()
    }

    pub(crate) fn raw(&self) -> &av::AVFormatContext {
        // SAFETY: the pointer is valid until drop.
        unsafe { self.context.as_ref() }
    }

    pub(crate) fn raw_mut(&mut self) -> &mut av::AVFormatContext {
        // SAFETY: as above, and we hold the only reference.
        unsafe { self.context.as_mut() }
    }

    /// Opens the file `url` for writing.
    pub(crate) fn open_file(&mut self, url: &CStr, options: &mut Dictionary) -> Result<(), AvError> {
        let (file, flags) = (&raw mut self.raw_mut().pb, av::AVIO_FLAG_WRITE);
        // SAFETY: name and options live during the call. The context is ours and keeps the file.
        check(unsafe { av::avio_open2(file, url.as_ptr(), flags, ptr::null(), options.as_mut()) }).map(drop)
    }

    /// Flushes and closes the file, and returns its first error. Only a full disk may raise it as late as this.
    pub(crate) fn close_file(&mut self) -> Result<(), AvError> {
        let raw = self.raw_mut();
        // SAFETY: the file is open.
        unsafe { av::avio_flush(raw.pb) };
        // SAFETY: as above.
        let error = unsafe { (*raw.pb).error };
        // SAFETY: the file is ours; the call sets the pointer to null.
        let closed = unsafe { av::avio_closep(&mut raw.pb) };
        check(error as c_int)?;
        check(closed).map(drop)
    }

    /// Lets the muxer write to a buffer in memory.
    pub(crate) fn open_memory(&mut self) -> Result<(), AvError> {
        // SAFETY: the context is ours and keeps the buffer.
        check(unsafe { av::avio_open_dyn_buf(&mut self.raw_mut().pb) })?;
        self.in_memory = true;
        Ok(())
    }

    /// Closes the buffer in memory and returns its content. Empty if there is no buffer.
    pub(crate) fn close_memory(&mut self) -> Vec<u8> {
        if !std::mem::take(&mut self.in_memory) {
            return Vec::new();
        }
        let mut buffer = ptr::null_mut();
        let from = std::mem::replace(&mut self.raw_mut().pb, ptr::null_mut());
        // SAFETY: the context was opened as a buffer and is closed once. The call gives us the bytes.
        let size = unsafe { av::avio_close_dyn_buf(from, &mut buffer) };
        let content = match usize::try_from(size) {
            // SAFETY: the call returned the number of bytes.
            Ok(size) if !buffer.is_null() => unsafe { std::slice::from_raw_parts(buffer, size) }.to_vec(),
            _ => Vec::new(),
        };
        // SAFETY: the bytes are ours.
        unsafe { av::av_free(buffer.cast()) };
        content
    }

    /// Adds a stream with these parameters.
    pub(crate) fn add_stream(&mut self, parameters: &CodecParameters) -> Result<&mut av::AVStream, AvError> {
        // SAFETY: the context is ours and owns the new stream.
        let stream = unsafe { av::avformat_new_stream(self.as_ptr(), ptr::null()).as_mut() };
        let stream = stream.ok_or(AvError(-12))?;
        // SAFETY: every stream has parameters; both are valid.
        check(unsafe { av::avcodec_parameters_copy(stream.codecpar, parameters.as_ptr()) })?;
        Ok(stream)
    }

    /// Writes pending packets and the index. The header must have been written.
    pub(crate) fn write_trailer(&mut self) -> Result<(), AvError> {
        // SAFETY: the context is ours and open.
        check(unsafe { av::av_write_trailer(self.as_ptr()) }).map(drop)
    }
}

impl Drop for Muxer {
    fn drop(&mut self) {
        let sink = Arc::clone(&self.sink);
        let _entered = sink.enter();
        self.close_memory();
        // SAFETY: the file is ours; the call accepts null, to which a closed destination is set.
        unsafe { av::avio_closep(&mut self.raw_mut().pb) };
        // SAFETY: we own the context.
        unsafe { av::avformat_free_context(self.as_ptr()) };
    }
}

const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Muxer>();
};
