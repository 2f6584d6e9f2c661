"""torchcodec, with the FFmpeg of this system."""

from __future__ import annotations

from importlib import metadata

import torch
from torchcodec.decoders import VideoDecoder
from torchcodec.encoders import VideoEncoder
from torchcodec.transforms import Resize


def version():
    return f"torchcodec {metadata.version('torchcodec')} (torch {torch.__version__}, FFmpeg of the system)"


def opened(path, **more):
    return VideoDecoder(path, dimension_order="NHWC", num_ffmpeg_threads=0, **more)


def rgb(path):
    for frame in opened(path):
        yield frame.numpy()


def numbered(path, numbers):
    return opened(path).get_frames_at(numbers).data.numpy()


def sheet(path, times, size):
    return opened(path, transforms=[Resize((size[1], size[0]))]).get_frames_played_at(times).data.numpy()


def encode_rgb(path, frames, rate):
    tensor = torch.stack([torch.from_numpy(frame) for frame in frames]).permute(0, 3, 1, 2)
    encoder = VideoEncoder(tensor, frame_rate=rate)
    encoder.to_file(path, codec="libx264", pixel_format="yuv420p", crf=23, preset="veryfast")


def once(path):
    opened(path)[0].numpy()
