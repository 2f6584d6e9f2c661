"""PyAV."""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import Colorspace, ColorRange


def version():
    libraries = ", ".join(f"{name} {'.'.join(map(str, number))}" for name, number in av.library_versions.items())
    return f"av {av.__version__} ({libraries})"


def opened(path):
    container = av.open(path)
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return container, stream


def views(frame):
    """The planes of a frame without a copy, which is faster than `to_ndarray`."""
    kind = np.uint8 if frame.format.components[0].bits <= 8 else np.uint16
    found = []
    for plane in frame.planes:
        row = plane.line_size // np.dtype(kind).itemsize
        found.append(np.frombuffer(plane, kind).reshape(-1, row)[: plane.height, : plane.width])
    return found


def planes(path):
    container, stream = opened(path)
    with container:
        for frame in container.decode(stream):
            yield views(frame)


def rgb(path):
    container, stream = opened(path)
    with container:
        for frame in container.decode(stream):
            yield frame.to_ndarray(format="rgb24")


def shown(container, stream, time):
    """The frame on screen at `time`: from the keyframe before it, on to the last frame that is not after it."""
    wanted = round(time / stream.time_base) + (stream.start_time or 0)
    container.seek(wanted, stream=stream)
    found = None
    for frame in container.decode(stream):
        if frame.pts > wanted:
            break
        found = frame
        if frame.pts == wanted:
            break
    return found


def numbered(path, numbers):
    container, stream = opened(path)
    with container:
        return [shown(container, stream, number / stream.average_rate).to_ndarray(format="rgb24") for number in numbers]


def sheet(path, times, size):
    container, stream = opened(path)
    with container:
        frames = (shown(container, stream, time) for time in times)
        return [frame.to_ndarray(width=size[0], height=size[1], format="rgb24") for frame in frames]


def encode(path, frames, rate, codec, pixel_format, options):
    with av.open(path, "w") as container:
        stream = None
        for frame in frames:
            if stream is None:
                stream = container.add_stream(codec, rate=rate, options=options)
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pixel_format
                stream.thread_type = "AUTO"
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def encode_rgb(path, frames, rate):
    def converted():
        for array in frames:
            frame = av.VideoFrame.from_ndarray(array, format="rgb24")
            yield frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)

    encode(path, converted(), rate, "libx264", "yuv420p", {"preset": "veryfast", "crf": "23"})


def encode_planes(path, frames, rate):
    def filled():
        for planes in frames:
            frame = av.VideoFrame(planes[0].shape[1], planes[0].shape[0], "yuv420p10le")
            for view, plane in zip(views(frame), planes, strict=True):
                view[:] = plane
            yield frame

    options = {"preset": "fast", "crf": "24", "x265-params": "log-level=none"}
    encode(path, filled(), rate, "libx265", "yuv420p10le", options)


def once(path):
    container, stream = opened(path)
    with container:
        views(next(container.decode(stream)))
