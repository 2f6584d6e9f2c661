"""Trix."""

from __future__ import annotations

import trix

# What the file holds is read back by default. The peers do not do that.
NOT_READ_BACK = {"verify": "off"}


def version():
    libraries = trix.doctor().libraries
    return f"trix {trix.__version__} ({', '.join(f'{one.name} {one.version}' for one in libraries)})"


def planes(path):
    with trix.open(path) as source:
        for frame in source:
            yield frame.planes


def rgb(path):
    with trix.open(path) as source:
        for frame in source.frames(format="rgb24"):
            yield frame.pixels


def numbered(path, numbers):
    with trix.open(path) as source:
        return source.batch(numbers)


def sheet(path, times, size):
    with trix.open(path) as source:
        return [frame.pixels for frame in source.frames_at(times, size=size, format="rgb24")]


def encode_rgb(path, frames, rate, more=NOT_READ_BACK):
    video = trix.X264(preset="veryfast", crf=23)
    with trix.Encoder(path, video=video, fps=rate, **more) as encoder:
        for frame in frames:
            encoder.write(frame)


def encode_planes(path, frames, rate, more=NOT_READ_BACK):
    video = trix.X265(depth=10, preset="fast", crf=24)
    with trix.Encoder(path, video=video, fps=rate, **more) as encoder:
        for frame in frames:
            encoder.write(frame, format="yuv420p10le")


def once(path):
    with trix.open(path) as source:
        source[0].planes[0]
