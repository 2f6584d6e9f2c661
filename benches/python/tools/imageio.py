"""imageio-ffmpeg: the ffmpeg program behind a pipe."""

from __future__ import annotations

import imageio_ffmpeg
import numpy as np


def version():
    return f"imageio-ffmpeg {imageio_ffmpeg.__version__} (ffmpeg {imageio_ffmpeg.get_ffmpeg_version()})"


def pictures(path, before=(), after=()):
    reader = imageio_ffmpeg.read_frames(path, input_params=[*before], output_params=[*after])
    width, height = next(reader)["size"]
    for data in reader:
        yield np.frombuffer(data, np.uint8).reshape(height, width, 3)


def planes(path):
    """The size of planes follows from the format, which the package tells only with more beside it."""
    about = next(imageio_ffmpeg.read_frames(path))
    name, (width, height) = about["pix_fmt"].split("(")[0], about["size"]
    kind, wide = (np.uint16, 2) if "10le" in name else (np.uint8, 1)
    columns, rows = width // 2, height if "422" in name else height // 2
    bits = 8 * wide * (width * height + 2 * columns * rows) // (width * height)
    reader = imageio_ffmpeg.read_frames(path, pix_fmt=name, bits_per_pixel=bits)
    next(reader)
    for data in reader:
        samples = np.frombuffer(data, kind)
        luma, chroma = width * height, columns * rows
        parts = samples[:luma], samples[luma : luma + chroma], samples[luma + chroma :]
        shapes = (height, width), (rows, columns), (rows, columns)
        yield [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def rgb(path):
    yield from pictures(path)


def numbered(path, numbers):
    rate = next(imageio_ffmpeg.read_frames(path))["fps"]
    # Half a frame earlier, so that rounding finds this frame.
    starts = [max(0, number - 0.5) / rate for number in numbers]
    return [next(pictures(path, before=["-ss", f"{start:.6f}"], after=["-frames:v", "1"])) for start in starts]


def sheet(path, times, size):
    # One process for all frames, which decodes the whole file.
    filters = f"fps=1/{times[1] - times[0]},scale={size[0]}:{size[1]}"
    reader = imageio_ffmpeg.read_frames(path, output_params=["-vf", filters, "-frames:v", str(len(times))])
    next(reader)
    return [np.frombuffer(data, np.uint8).reshape(size[1], size[0], 3) for data in reader]


def encode_rgb(path, frames, rate):
    size = frames[0].shape[1::-1]
    options = ["-preset", "veryfast", "-crf", "23", "-vf", "scale=out_color_matrix=bt709:out_range=tv"]
    writer = imageio_ffmpeg.write_frames(path, size, fps=rate, codec="libx264", quality=None, output_params=options)
    writer.send(None)
    for frame in frames:
        writer.send(frame)
    writer.close()


def encode_planes(path, frames, rate):
    size = frames[0][0].shape[::-1]
    options = ["-preset", "fast", "-crf", "24", "-x265-params", "log-level=none"]
    writer = imageio_ffmpeg.write_frames(
        path, size, fps=rate, codec="libx265", quality=None, output_params=options,
        pix_fmt_in="yuv420p10le", pix_fmt_out="yuv420p10le", macro_block_size=1,
    )  # fmt: skip
    writer.send(None)
    for planes in frames:
        writer.send(b"".join(plane.tobytes() for plane in planes))
    writer.close()


def once(path):
    reader = pictures(path)
    next(reader)
    reader.close()
