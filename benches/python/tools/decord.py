"""decord."""

from __future__ import annotations

import decord


def version():
    return f"decord {decord.__version__}"


def rgb(path):
    for frame in decord.VideoReader(path):
        yield frame.asnumpy()


def numbered(path, numbers):
    return decord.VideoReader(path).get_batch(numbers).asnumpy()


def sheet(path, times, size):
    video = decord.VideoReader(path, width=size[0], height=size[1])
    return video.get_batch([round(time * video.get_avg_fps()) for time in times]).asnumpy()


def once(path):
    decord.VideoReader(path)[0].asnumpy()
