//! Captures the messages of libav*, so that a decoder's message becomes a fact about a file instead of console output.
//!
//! Invariant: a message reaches only the sink of the job that it belongs to. Messages of foreign contexts go to the
//! default callback. If a sink counts an error, it keeps the text of at least one error.
//!
//! libav* has one process-wide callback. Ours is installed once. Decoders and demuxers carry the number of their sink
//! in their `opaque` field, which libavcodec copies to its worker threads. Other objects (parsers, filters) log on the
//! thread that calls them. That thread selects its sink with [`Sink::enter`].

use std::{
    cell::Cell,
    collections::{BTreeSet, HashMap},
    ffi::{c_char, c_int, c_void},
    hash::{DefaultHasher, Hash, Hasher},
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
    /// Identifies the wording: messages that differ only in numbers and names have the same.
    wording: u64,
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

impl Lines {
    /// Keeps a line, if there is room for it or a less important line can make room.
    fn keep(&mut self, line: Line) {
        if self.kept.len() >= KEPT {
            let Some(place) = self.dispensable(&line) else { return };
            self.kept.remove(place);
        }
        self.kept.push(line);
    }

    /// The kept line that `line` may replace: the last warning if `line` is an error, otherwise the last line that
    /// repeats the wording of an earlier one.
    fn dispensable(&self, line: &Line) -> Option<usize> {
        if line.is_error
            && let Some(warning) = self.kept.iter().rposition(|kept| !kept.is_error)
        {
            return Some(warning);
        }
        if self.kept.iter().any(|kept| kept.wording == line.wording) {
            return None;
        }
        let (mut seen, mut last) = (BTreeSet::new(), None);
        for (place, kept) in self.kept.iter().enumerate() {
            if !seen.insert(kept.wording) && kept.is_error == line.is_error {
                last = Some(place);
            }
        }
        last
    }
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

    /// Takes the messages since the last call and the total number of errors. If there are many messages, errors and
    /// different wordings are kept, and others are left out.
    pub fn take(&self) -> (Vec<Line>, u64) {
        let mut lines = lock(&self.lines);
        (std::mem::take(&mut lines.kept), std::mem::take(&mut lines.errors))
    }

    /// Puts back the result of [`Self::take`].
    pub fn put_back(&self, (taken, errors): (Vec<Line>, u64)) {
        let mut lines = lock(&self.lines);
        lines.errors += errors;
        let later = std::mem::take(&mut lines.kept);
        taken.into_iter().chain(later).for_each(|line| lines.keep(line));
    }

    /// Puts back the errors among `taken` that the decoder or demuxer itself logged.
    pub fn put_back_own_errors(&self, taken: Vec<Line>) {
        let own: Vec<Line> = taken.into_iter().filter(|line| line.is_own && line.is_error).collect();
        let errors = own.len() as u64;
        self.put_back((own, errors));
    }

    fn push(&self, line: Line) {
        let mut lines = lock(&self.lines);
        lines.errors += u64::from(line.is_error);
        lines.keep(line);
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
                    let mut wording = DefaultHasher::new();
                    words.hash(&mut wording);
                    let is_error = level <= av::AV_LOG_ERROR || concealing;
                    sink.push(Line { is_error, is_own, text, wording: wording.finish() });
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(is_error: bool, wording: u64, number: usize) -> Line {
        Line { is_error, is_own: true, text: format!("{wording}: {number}"), wording }
    }

    fn texts(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn an_error_behind_many_warnings_is_kept() {
        let sink = Sink::new();
        (0..2 * KEPT).for_each(|number| sink.push(line(false, 1, number)));
        sink.push(line(true, 2, 0));
        let (lines, errors) = sink.take();
        assert_eq!((lines.len(), errors), (KEPT, 1));
        assert!(lines.last().is_some_and(|last| last.is_error && last.text == "2: 0"), "{:?}", texts(&lines));
        assert_eq!(lines[0].text, "1: 0", "the first lines stay");
    }

    #[test]
    fn a_rare_message_among_many_of_one_wording_is_kept() {
        for is_error in [false, true] {
            let sink = Sink::new();
            (0..2 * KEPT).for_each(|number| sink.push(line(is_error, 1, number)));
            sink.push(line(is_error, 2, 0));
            (0..2 * KEPT).for_each(|number| sink.push(line(is_error, 1, number)));
            let (lines, _) = sink.take();
            assert_eq!(lines.len(), KEPT);
            assert_eq!(lines.iter().filter(|line| line.wording == 2).count(), 1, "{:?}", texts(&lines));
        }
    }

    #[test]
    fn a_warning_replaces_no_error() {
        let sink = Sink::new();
        (0..KEPT).for_each(|number| sink.push(line(true, 1, number)));
        sink.push(line(false, 2, 0));
        let (lines, errors) = sink.take();
        assert_eq!(errors, KEPT as u64);
        assert!(lines.iter().all(|line| line.is_error));
    }

    #[test]
    fn lines_that_are_put_back_come_first_and_lose_no_error() {
        let sink = Sink::new();
        (0..KEPT).for_each(|number| sink.push(line(false, 1, number)));
        let taken = sink.take();
        sink.push(line(true, 2, 0));
        sink.put_back(taken);
        let (lines, errors) = sink.take();
        assert_eq!((lines.len(), errors, lines[0].text.as_str()), (KEPT, 1, "1: 0"));
        assert!(lines.iter().any(|line| line.is_error));
        assert_eq!(sink.take().1, 0);
        sink.put_back_own_errors(lines);
        let (lines, errors) = sink.take();
        assert_eq!((texts(&lines), errors), (vec!["2: 0"], 1));
    }
}
