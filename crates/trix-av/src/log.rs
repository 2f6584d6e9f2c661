//! Captures the messages of libav*, so that a decoder's message becomes a fact about a file instead of console output.
//!
//! Invariant: a message reaches only the sink of the job that it belongs to. Messages of foreign contexts go to the
//! default callback.
//!
//! libav* has one process-wide callback. Ours is installed once. Decoders and demuxers carry the number of their sink
//! in their `opaque` field, which libavcodec copies to its worker threads. Other objects (parsers, filters) log on the
//! thread that calls them. That thread selects its sink with [`Sink::enter`].

use std::{
    cell::Cell,
    collections::HashMap,
    ffi::{c_char, c_int, c_void},
    marker::PhantomData,
    panic,
    sync::{
        Arc, Mutex, Once, OnceLock, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use ffmpeg_sys_next as av;

/// One message of libav*.
#[derive(Clone, Debug)]
pub struct Line {
    /// True for an error, false for a warning.
    pub is_error: bool,
    /// True if the decoder or demuxer itself logged the message, and not an object that it uses, such as a parser.
    pub is_own: bool,
    /// The message without its line end.
    pub text: String,
}

/// Collects the warnings and errors of one decoder or demuxer.
pub struct Sink {
    id: usize,
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    kept: Vec<Line>,
    errors: u64,
}

/// Maximum number of lines kept between two calls. A damaged stream can log a line for every macroblock.
const KEPT: usize = 32;

fn sinks() -> &'static Mutex<HashMap<usize, Weak<Sink>>> {
    static SINKS: OnceLock<Mutex<HashMap<usize, Weak<Sink>>>> = OnceLock::new();
    SINKS.get_or_init(Default::default)
}

thread_local! {
    static CURRENT: Cell<usize> = const { Cell::new(0) };
}

impl Sink {
    /// A new sink with its own number.
    pub fn new() -> Arc<Sink> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        static INSTALL: Once = Once::new();
        // SAFETY: the callback has the right signature and never unwinds.
        INSTALL.call_once(|| unsafe { av::av_log_set_callback(Some(callback)) });
        let sink = Arc::new(Sink { id: NEXT.fetch_add(1, Ordering::Relaxed), lines: Mutex::default() });
        lock(sinks()).insert(sink.id, Arc::downgrade(&sink));
        sink
    }

    /// The value for a context's `opaque` field: a number, never dereferenced.
    pub fn opaque(&self) -> *mut c_void {
        self.id as *mut c_void
    }

    /// Directs messages of other libav* objects on this thread to this sink until the guard is dropped.
    pub fn enter(&self) -> Entered<'_> {
        Entered { previous: CURRENT.replace(self.id), _sink: PhantomData }
    }

    /// Takes the messages since the last call (only the first ones are kept) and the total number of errors.
    pub fn take(&self) -> (Vec<Line>, u64) {
        let mut lines = lock(&self.lines);
        (std::mem::take(&mut lines.kept), std::mem::take(&mut lines.errors))
    }

    /// Puts back the result of [`Self::take`].
    pub fn put_back(&self, (taken, errors): (Vec<Line>, u64)) {
        let mut lines = lock(&self.lines);
        lines.errors += errors;
        lines.kept.splice(..0, taken);
        lines.kept.truncate(KEPT);
    }

    fn push(&self, line: Line) {
        let mut lines = lock(&self.lines);
        lines.errors += u64::from(line.is_error);
        if lines.kept.len() < KEPT {
            lines.kept.push(line);
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        lock(sinks()).remove(&self.id);
    }
}

/// While this guard lives, the messages of this thread go to the sink that created it.
pub struct Entered<'a> {
    previous: usize,
    _sink: PhantomData<(&'a Sink, *const ())>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        CURRENT.set(self.previous);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

unsafe extern "C" fn callback(object: *mut c_void, level: c_int, format: *const c_char, args: *mut av::__va_list_tag) {
    let ours = panic::catch_unwind(|| {
        // SAFETY: libav* passes null or a pointer to a struct whose first field is its AVClass.
        let (sink, is_own) = unsafe { sink_of(object) };
        if sink == 0 {
            return false;
        }
        // libav* reports concealed parts of a frame only at the level of information, and reliably nowhere else:
        // another thread may set the frame's own flag after the frame was output. It reports a missing H.264 reference
        // frame between two others only at the debug level.
        // SAFETY: the format is a NUL-terminated string.
        let words = unsafe { std::ffi::CStr::from_ptr(format) }.to_bytes();
        let concealing = words.starts_with(b"concealing") || words.starts_with(b"Frame num gap");
        if level <= av::AV_LOG_WARNING || concealing {
            let sink = lock(sinks()).get(&sink).and_then(Weak::upgrade);
            if let Some(sink) = sink {
                // SAFETY: the arguments are those of this call.
                let text = unsafe { render(object, level, format, args) };
                if !text.is_empty() {
                    sink.push(Line { is_error: level <= av::AV_LOG_ERROR || concealing, is_own, text });
                }
            }
        }
        true
    });
    if !ours.unwrap_or(true) {
        // SAFETY: handed on exactly as received.
        unsafe { av::av_log_default_callback(object, level, format, args) };
    }
}

/// The number of the sink of `object`, or else that of this thread, or 0. The flag is true for the sink of `object`.
unsafe fn sink_of(object: *mut c_void) -> (usize, bool) {
    if !object.is_null() {
        // SAFETY: the call returns a static class.
        let of_codecs = unsafe { av::avcodec_get_class() };
        // SAFETY: as above.
        let of_formats = unsafe { av::avformat_get_class() };
        // SAFETY: the first field of every logging object is a pointer to its class. The class says which struct it is.
        // Only the two structs whose `opaque` field we set are read further.
        let own = unsafe {
            let class = *object.cast::<*const av::AVClass>();
            if std::ptr::eq(class, of_codecs) {
                (*object.cast::<av::AVCodecContext>()).opaque as usize
            } else if std::ptr::eq(class, of_formats) {
                (*object.cast::<av::AVFormatContext>()).opaque as usize
            } else {
                0
            }
        };
        if own != 0 && lock(sinks()).contains_key(&own) {
            return (own, true);
        }
    }
    (CURRENT.try_with(Cell::get).unwrap_or(0), false)
}

unsafe fn render(object: *mut c_void, level: c_int, format: *const c_char, args: *mut av::__va_list_tag) -> String {
    let mut line = [0 as c_char; 512];
    let mut prefix: c_int = 0;
    // SAFETY: the buffer is writable for its length; the arguments come straight from libav*.
    unsafe {
        av::av_log_format_line2(object, level, format, args, line.as_mut_ptr(), line.len() as c_int, &mut prefix);
        super::text(line.as_ptr()).unwrap_or_default().trim_end().to_owned()
    }
}
