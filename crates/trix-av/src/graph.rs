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

use super::{AvError, ability, c_string, check, codec::Output, frame::Frame, layout::ChannelLayout, log::Sink, text};
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
        // SAFETY: the frame is valid; names of sample formats are static.
        let format = unsafe {
            let raw = &*frame.as_ptr();
            let mut layout = [0 as std::ffi::c_char; 128];
            av::av_channel_layout_describe(&raw.ch_layout, layout.as_mut_ptr(), layout.len());
            (raw.format, text(layout.as_ptr()).unwrap_or_default())
        };
        let layout = match assumed {
            Some(assumed) if ChannelLayout::from_name(&format.1).is_none() => assumed,
            _ => &format.1,
        };
        let arguments = format!(
            "sample_rate={}:sample_fmt={}:channel_layout={layout}:time_base={time_base}",
            frame.sample_rate(),
            format.0,
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
        // SAFETY: the graph is owned from its creation on and owns all filters in it.
        let graph = unsafe {
            let graph = NonNull::new(av::avfilter_graph_alloc()).expect("memory for a graph");
            (*graph.as_ptr()).nb_threads = 1;
            // For the conversions that libavfilter inserts itself, between pixel formats that differ only in packing.
            let options = c"flags=lanczos+accurate_rnd+full_chroma_int+bitexact";
            (*graph.as_ptr()).scale_sws_opts = av::av_strdup(options.as_ptr());
            graph
        };
        drop(entered);
        let mut this = Graph {
            graph,
            source: ptr::null_mut(),
            sink: ptr::null_mut(),
            log,
            color: None,
            aligns: chain.contains("zscale"),
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
        let graph = self.graph.as_ptr();
        // SAFETY: all strings live during the calls; the in/out lists are freed here whatever happens.
        unsafe {
            let (name_in, name_out) = (c"in", c"out");
            let (from, to) = (av::avfilter_get_by_name(source.as_ptr()), av::avfilter_get_by_name(sink.as_ptr()));
            let args = arguments.as_ptr();
            check(av::avfilter_graph_create_filter(
                &mut self.source,
                from,
                name_in.as_ptr(),
                args,
                ptr::null_mut(),
                graph,
            ))?;
            // Older releases accept channels without a layout only with this option; newer ones accept them always.
            let is_asked_for = sink == c"abuffersink" && ability::filter_has_option(sink, c"all_channel_counts");
            let options = if is_asked_for { c"all_channel_counts=1".as_ptr() } else { ptr::null() };
            check(av::avfilter_graph_create_filter(
                &mut self.sink,
                to,
                name_out.as_ptr(),
                options,
                ptr::null_mut(),
                graph,
            ))?;
            let end = |name: &CStr, filter| {
                let end = av::avfilter_inout_alloc();
                assert!(!end.is_null(), "memory for a graph");
                (*end).name = av::av_strdup(name.as_ptr());
                (*end).filter_ctx = filter;
                end
            };
            // From the chain's point of view: its input is the output of our source.
            let mut outputs = end(name_in, self.source);
            let mut inputs = end(name_out, self.sink);
            let code = av::avfilter_graph_parse_ptr(graph, chain.as_ptr(), &mut inputs, &mut outputs, ptr::null_mut());
            av::avfilter_inout_free(&mut inputs);
            av::avfilter_inout_free(&mut outputs);
            check(code)?;
            check(av::avfilter_graph_config(graph, ptr::null_mut()))?;
        }
        Ok(())
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
        let aligned = frame.filter(|_| self.aligns).map_or(Ok(None), Frame::aligned)?;
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

/// True if this build of libavfilter has a filter `name`.
pub fn has_filter(name: &str) -> bool {
    let name = c_string(name);
    // SAFETY: the string lives during the call.
    !unsafe { av::avfilter_get_by_name(name.as_ptr()) }.is_null()
}
