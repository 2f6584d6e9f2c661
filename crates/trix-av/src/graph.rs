//! Owner of a libavfilter graph with one input and one output.
//!
//! Invariant: a graph runs on the calling thread, so that its result does not depend on the number of cores.

use std::{
    ffi::{CStr, c_int, c_uint},
    ptr,
    ptr::NonNull,
    sync::Arc,
};

use ffmpeg_sys_next as av;
use trix_model::time::{Rational, TimeBase};

use super::{
    AvError, ability, c_string, check, codec::Output, frame::Frame, frame_pool::FramePool, layout::ChannelLayout,
    log::Sink, named::filter_named,
};
use crate::rational::from_av;

/// A filter graph with one chain.
pub struct Graph {
    graph: NonNull<av::AVFilterGraph>,
    source: *mut av::AVFilterContext,
    sink: *mut av::AVFilterContext,
    log: Arc<Sink>,
    /// Matrix and range with which the graph was built. `None` if the graph takes them from each frame.
    color: Option<(c_int, c_int)>,
    /// True if a filter needs aligned frames.
    aligns: bool,
    /// Memory of aligned copies.
    pool: FramePool,
}

// SAFETY: a graph may be used by any one thread at a time; its parts are only reached through this owner.
unsafe impl Send for Graph {}

impl Graph {
    /// Builds a video chain for frames shaped like `frame`, with times in `time_base` and the frame rate `rate`.
    pub fn for_video(
        frame: &Frame,
        time_base: TimeBase,
        rate: Rational,
        chain: &str,
    ) -> Result<Self, (AvError, String)> {
        let aspect = frame.sample_aspect();
        let mut arguments = format!(
            "video_size={}x{}:pix_fmt={}:time_base={}:pixel_aspect={}/{}:frame_rate={}",
            frame.width(),
            frame.height(),
            frame.format(),
            time_base,
            aspect.num,
            aspect.den,
            rate
        );
        let (matrix, range) = frame.matrix_and_range();
        if ability::graphs_negotiate_color() {
            arguments += &format!(":colorspace={matrix}:range={range}");
        }
        let mut graph = Graph::build(c"buffer", c"buffersink", &arguments, chain)?;
        graph.color = ability::graphs_negotiate_color().then_some((matrix, range));
        Ok(graph)
    }

    /// Builds an audio chain for frames shaped like `frame`, with times in `time_base`. Channels without a layout get
    /// the layout `assumed`.
    pub fn for_audio(
        frame: &Frame,
        time_base: TimeBase,
        assumed: Option<&str>,
        chain: &str,
    ) -> Result<Self, (AvError, String)> {
        let own = frame.layout();
        let layout = match assumed {
            Some(assumed) if ChannelLayout::from_name(&own).is_none() => assumed,
            _ => &own,
        };
        let arguments = format!(
            "sample_rate={}:sample_fmt={}:channel_layout={layout}:time_base={time_base}",
            frame.sample_rate(),
            frame.format(),
        );
        Graph::build(c"abuffer", c"abuffersink", &arguments, chain)
    }

    /// True if this build supports the audio filter chain `chain`.
    pub fn takes_audio_chain(chain: &str) -> bool {
        let arguments = "sample_rate=48000:sample_fmt=dblp:channel_layout=mono:time_base=1/48000";
        Graph::build(c"abuffer", c"abuffersink", arguments, chain).is_ok()
    }

    fn build(source: &CStr, sink: &CStr, arguments: &str, chain: &str) -> Result<Self, (AvError, String)> {
        let log = Sink::new();
        let entered = log.enter();
        // SAFETY: no preconditions.
        let graph = NonNull::new(unsafe { av::avfilter_graph_alloc() }).expect("memory for a graph");
        // For the conversions that libavfilter inserts itself, between pixel formats that differ only in packing.
        let options = c"flags=lanczos+accurate_rnd+full_chroma_int+bitexact";
        // SAFETY: the graph is ours and frees the copy of the string.
        unsafe {
            (*graph.as_ptr()).nb_threads = 1;
            (*graph.as_ptr()).scale_sws_opts = av::av_strdup(options.as_ptr());
        }
        drop(entered);
        let mut this = Graph {
            graph,
            source: ptr::null_mut(),
            sink: ptr::null_mut(),
            log,
            color: None,
            aligns: chain.contains("zscale"),
            pool: FramePool::default(),
        };
        match this.connect(source, sink, arguments, chain) {
            Ok(()) => Ok(this),
            Err(error) => {
                let said: Vec<String> = this.log.take().0.into_iter().map(|line| line.text).collect();
                Err((error, said.join("; ")))
            }
        }
    }

    fn connect(&mut self, source: &CStr, sink: &CStr, arguments: &str, chain: &str) -> Result<(), AvError> {
        let log = Arc::clone(&self.log);
        let _entered = log.enter();
        let (arguments, chain) = (c_string(arguments), c_string(chain));
        let (from, to) = (filter_named(source), filter_named(sink));
        self.source = self.create(from, c"in", Some(&arguments))?;
        // Older releases accept channels without a layout only with this option; newer ones accept them always.
        let is_asked_for = sink == c"abuffersink" && ability::filter_has_option(sink, c"all_channel_counts");
        self.sink = self.create(to, c"out", is_asked_for.then_some(c"all_channel_counts=1"))?;
        // From the chain's point of view: its input is the output of our source.
        let mut outputs = End::new(c"in", self.source);
        let mut inputs = End::new(c"out", self.sink);
        let (graph, chain) = (self.graph.as_ptr(), chain.as_ptr());
        // SAFETY: the graph is ours and the string lives during the call. The call takes the ends and leaves the open
        // ones.
        check(unsafe { av::avfilter_graph_parse_ptr(graph, chain, &mut inputs.0, &mut outputs.0, ptr::null_mut()) })?;
        drop((inputs, outputs));
        // SAFETY: the graph is ours.
        check(unsafe { av::avfilter_graph_config(graph, ptr::null_mut()) }).map(drop)
    }

    /// Adds a filter to the graph, which owns it.
    fn create(
        &mut self,
        filter: *const av::AVFilter,
        name: &CStr,
        arguments: Option<&CStr>,
    ) -> Result<*mut av::AVFilterContext, AvError> {
        let mut new = ptr::null_mut();
        let arguments = arguments.map_or(ptr::null(), CStr::as_ptr);
        let (graph, options) = (self.graph.as_ptr(), ptr::null_mut());
        // SAFETY: the graph is ours, filters are static, and the strings live during the call.
        let code =
            unsafe { av::avfilter_graph_create_filter(&mut new, filter, name.as_ptr(), arguments, options, graph) };
        check(code)?;
        Ok(new)
    }

    /// Makes every output frame of audio `samples` long, except the last.
    pub fn set_frame_samples(&mut self, samples: usize) {
        // SAFETY: the sink is a configured audio sink of this graph.
        unsafe { av::av_buffersink_set_frame_size(self.sink, samples as c_uint) };
    }

    /// Sends a frame. `None` marks the end of the stream.
    pub fn send(&mut self, frame: Option<&Frame>) -> Result<(), AvError> {
        let _entered = self.log.enter();
        // The chain already states the colour that it needs. A frame with another description must not reconfigure the
        // graph.
        let agreed = frame.zip(self.color).and_then(|(frame, color)| frame.with_matrix_and_range(color));
        let frame = agreed.as_ref().or(frame);
        let aligned = frame.filter(|_| self.aligns).map_or(Ok(None), |frame| frame.aligned(&self.pool))?;
        let pointer = aligned.as_ref().or(frame).map_or(ptr::null_mut(), Frame::as_ptr);
        let flags = av::AV_BUFFERSRC_FLAG_KEEP_REF as c_int;
        // SAFETY: the source belongs to the graph; the frame is only referenced, not changed.
        check(unsafe { av::av_buffersrc_add_frame_flags(self.source, pointer, flags) }).map(drop)
    }

    /// Receives a frame.
    pub fn receive(&mut self) -> Result<Output<Frame>, AvError> {
        let _entered = self.log.enter();
        let mut frame = Frame::new();
        // SAFETY: the sink belongs to the graph; the frame is ours.
        match check(unsafe { av::av_buffersink_get_frame(self.sink, frame.as_ptr()) }) {
            Ok(_) => {
                // Filters set `pts` and leave the decoder's estimate, which is in other units, unchanged.
                frame.adopt_pts();
                Ok(Output::Item(frame))
            }
            Err(AvError::AGAIN) => Ok(Output::Hungry),
            Err(AvError::EOF) => Ok(Output::End),
            Err(error) => Err(error),
        }
    }

    /// Time base of the output frames.
    pub fn time_base(&self) -> TimeBase {
        // SAFETY: the sink is a configured sink of this graph.
        from_av(unsafe { av::av_buffersink_get_time_base(self.sink) })
    }

    /// The messages of the filters since the last call.
    pub fn complaints(&self) -> Vec<String> {
        self.log.take().0.into_iter().map(|line| line.text).collect()
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        let _entered = self.log.enter();
        let mut graph = self.graph.as_ptr();
        // SAFETY: we own the graph; its filters go with it.
        unsafe { av::avfilter_graph_free(&mut graph) };
    }
}

/// The open end of a chain, as a list of one entry. The parser may replace the list.
struct End(*mut av::AVFilterInOut);

impl End {
    /// The end that `filter` closes.
    fn new(name: &CStr, filter: *mut av::AVFilterContext) -> Self {
        // SAFETY: no preconditions.
        let end = End(unsafe { av::avfilter_inout_alloc() });
        assert!(!end.0.is_null(), "memory for a graph");
        // SAFETY: the entry is ours and frees the copy of the name.
        unsafe {
            (*end.0).name = av::av_strdup(name.as_ptr());
            (*end.0).filter_ctx = filter;
        }
        end
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // SAFETY: the pointer is null or a list that we own.
        unsafe { av::avfilter_inout_free(&mut self.0) };
    }
}
