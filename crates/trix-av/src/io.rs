//! Lets libavformat read from a Rust reader: one open file or a block of memory, and nothing else.
//!
//! Invariant: a demuxer reads only the bytes that it was given. It cannot open a second file or a network address. Its
//! reads end at once when the job is cancelled. An error of the operating system is kept unchanged.

use std::{
    ffi::{c_int, c_void},
    io::{ErrorKind, Read, Seek, SeekFrom},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::NonNull,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use ffmpeg_sys_next as av;
use trix_model::control::cancel::Cancel;

use super::AvError;

/// A source that libavformat can read.
pub trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// State shared by a reader and its owner.
#[derive(Default)]
pub struct IoState {
    /// If set, every further read fails. All readers of a source share this flag.
    pub cancelled: Arc<AtomicBool>,
    /// The caller's request to stop, after which every further read fails too.
    caller: Cancel,
    /// Set to make every further read give zeros, as many as there are bytes, and read nothing.
    pub blank: AtomicBool,
    error: Mutex<Option<std::io::Error>>,
}

impl IoState {
    /// State for the first reader of a source. `caller` stops all reads.
    pub fn under(caller: &Cancel) -> Self {
        IoState { caller: caller.clone(), ..IoState::default() }
    }

    /// State for a further reader, which shares the flag of this one. `caller` stops its reads too.
    pub fn beside(&self, caller: &Cancel) -> Self {
        IoState { cancelled: Arc::clone(&self.cancelled), ..IoState::under(caller) }
    }

    /// The handle by which the caller stops all reads.
    pub fn caller(&self) -> &Cancel {
        &self.caller
    }

    /// True if every further read must fail.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) || self.caller.is_cancelled()
    }

    /// Keeps `error`, unless an earlier error is still stored.
    pub fn fail(&self, error: std::io::Error) {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// Takes the first error of the operating system since the last call.
    pub fn take_error(&self) -> Option<std::io::Error> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

struct Reader {
    inner: Box<dyn ReadSeek>,
    size: i64,
    state: Arc<IoState>,
}

impl Reader {
    /// Passes over as many bytes as `buffer` has, and gives zeros for them.
    fn skip(&mut self, buffer: &mut [u8]) -> std::io::Result<c_int> {
        let left = self.size.saturating_sub(self.inner.stream_position()? as i64).max(0);
        let count = (buffer.len() as i64).min(left);
        if count == 0 {
            return Ok(AvError::EOF.0);
        }
        buffer[..count as usize].fill(0);
        self.inner.seek(SeekFrom::Current(count))?;
        Ok(count as c_int)
    }

    /// Keeps an error of the operating system, and returns its code for libavformat.
    fn failed(&self, error: std::io::Error) -> c_int {
        // A reader may fail by itself when it is cancelled during a call. That is not a disk error.
        if self.state.is_cancelled() {
            return AvError::EXIT.0;
        }
        let code = error.raw_os_error().map_or(av::AVERROR_EXTERNAL, |code| -code);
        self.state.fail(error);
        code
    }
}

/// An `AVIOContext` that reads from a Rust reader.
pub(crate) struct AvIo {
    context: NonNull<av::AVIOContext>,
    reader: NonNull<Reader>,
}

// SAFETY: the context and the reader are only used through this owner, and the reader is Send itself.
unsafe impl Send for AvIo {}

/// Large enough for sequential reads from a hard disk or a network mount, and small compared to one frame.
const BUFFER: usize = 256 * 1024;

impl AvIo {
    pub fn new(mut inner: Box<dyn ReadSeek>, state: Arc<IoState>) -> std::io::Result<Self> {
        let size = inner.seek(SeekFrom::End(0))? as i64;
        inner.rewind()?;
        // From libavutil, because the context may replace and free the buffer.
        // SAFETY: no preconditions.
        let buffer = unsafe { av::av_malloc(BUFFER) };
        let buffer = NonNull::new(buffer).ok_or(ErrorKind::OutOfMemory)?.as_ptr().cast::<u8>();
        let reader = NonNull::from(Box::leak(Box::new(Reader { inner, size, state })));
        let opaque = reader.as_ptr().cast();
        // SAFETY: the buffer is as long as stated. The opaque pointer stays valid until drop, which frees the context
        // first.
        let context =
            unsafe { av::avio_alloc_context(buffer, BUFFER as c_int, 0, opaque, Some(read), None, Some(seek)) };
        match NonNull::new(context) {
            Some(context) => Ok(AvIo { context, reader }),
            None => {
                // SAFETY: the box was leaked above and nobody else has it.
                drop(unsafe { Box::from_raw(reader.as_ptr()) });
                // SAFETY: no context took over the buffer.
                unsafe { av::av_free(buffer.cast()) };
                Err(ErrorKind::OutOfMemory.into())
            }
        }
    }

    pub(crate) fn as_ptr(&self) -> *mut av::AVIOContext {
        self.context.as_ptr()
    }
}

impl Drop for AvIo {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: the buffer belongs to the context, which may have replaced the first one.
        unsafe { av::av_freep((&raw mut (*context).buffer).cast()) };
        // SAFETY: we own the context.
        unsafe { av::avio_context_free(&mut context) };
        // SAFETY: the box was leaked in `new`. The context that pointed to it is gone.
        drop(unsafe { Box::from_raw(self.reader.as_ptr()) });
    }
}

unsafe extern "C" fn read(opaque: *mut c_void, buffer: *mut u8, size: c_int) -> c_int {
    catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: `opaque` is the leaked reader, used by one thread at a time; the buffer has `size` bytes.
        let (reader, buffer) =
            unsafe { (&mut *opaque.cast::<Reader>(), std::slice::from_raw_parts_mut(buffer, size.max(0) as usize)) };
        if reader.state.is_cancelled() {
            return AvError::EXIT.0;
        }
        if reader.state.blank.load(Ordering::Relaxed) {
            return reader.skip(buffer).unwrap_or_else(|error| reader.failed(error));
        }
        loop {
            match reader.inner.read(buffer) {
                Ok(0) => return AvError::EOF.0,
                Ok(count) => return count as c_int,
                Err(error) if error.kind() == ErrorKind::Interrupted && !reader.state.is_cancelled() => {}
                Err(error) => return reader.failed(error),
            }
        }
    }))
    .unwrap_or(av::AVERROR_BUG)
}

unsafe extern "C" fn seek(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: as in `read`.
        let reader = unsafe { &mut *opaque.cast::<Reader>() };
        // AVSEEK_FORCE may be set too. It changes nothing here.
        let target = match whence & !(av::AVSEEK_FORCE as c_int) {
            whence if whence == av::AVSEEK_SIZE => return reader.size,
            0 => u64::try_from(offset).ok().map(SeekFrom::Start),
            1 => Some(SeekFrom::Current(offset)),
            2 => Some(SeekFrom::End(offset)),
            _ => None,
        };
        match target.map(|target| reader.inner.seek(target)) {
            Some(Ok(position)) => position as i64,
            // A file can state a place that no file reaches.
            Some(Err(error)) if error.kind() != ErrorKind::InvalidInput => i64::from(reader.failed(error)),
            _ => i64::from(av::AVERROR_INVALIDDATA),
        }
    }))
    .unwrap_or(i64::from(av::AVERROR_BUG))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eight bytes on a disk on which every seek to a place other than the ends fails with this error.
    struct Broken(fn() -> std::io::Error);

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Ok(0)
        }
    }

    impl Seek for Broken {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            match to {
                SeekFrom::End(0) => Ok(8),
                SeekFrom::Start(0) => Ok(0),
                _ => Err((self.0)()),
            }
        }
    }

    #[test]
    fn an_error_of_a_seek_is_kept() {
        const EIO: i32 = 5;
        fn code(error: fn() -> std::io::Error) -> (i64, Option<i32>) {
            let state = Arc::new(IoState::default());
            let io = AvIo::new(Box::new(Broken(error)), Arc::clone(&state)).expect("a reader");
            // SAFETY: the reader lives as long as `io`, and no other thread uses it.
            let result = unsafe { seek(io.reader.as_ptr().cast(), 4, 0) };
            (result, state.take_error().and_then(|error| error.raw_os_error()))
        }
        assert_eq!(code(|| std::io::Error::from_raw_os_error(EIO)), (-i64::from(EIO), Some(EIO)));
        assert_eq!(code(|| ErrorKind::InvalidInput.into()), (i64::from(av::AVERROR_INVALIDDATA), None));
    }
}
