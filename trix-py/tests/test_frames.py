"""Frames as arrays."""

from __future__ import annotations

import ctypes
import gc
import os
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import trix
from conftest import ffmpeg, packed


def test_a_frame_says_what_it_is(clip: Path) -> None:
    with trix.open(clip) as source:
        assert (len(source), source.fps, source.size) == (50, Fraction(25), (192, 108))
        frames = list(source)
    assert [frame.number for frame in frames] == list(range(50))
    assert [frame.pts for frame in frames] == [Fraction(number, 25) for number in range(50)]
    kinds = ffmpeg_kinds(clip)
    assert "".join(frame.picture_type or "?" for frame in frames) == kinds
    assert {"I", "P", "B"} == set(kinds)
    frame = frames[12]
    assert (frame.width, frame.height, frame.format, frame.depth) == (192, 108, "yuv420p", 8)
    assert (frame.color.matrix, frame.color.range, frame.fields) == ("bt709", "limited", None)
    assert frame.is_key and repr(frame) == "<trix.Frame 12: 192x108 yuv420p, I, 0.480000 s>"


def ffmpeg_kinds(path: Path) -> str:
    import subprocess

    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "frame=pict_type", "-of", "csv=p=0"]
    return "".join(subprocess.run([*command, path], check=True, capture_output=True, text=True).stdout.replace(",", "").split())


def test_a_decoder_that_tells_nothing_of_its_frames_marks_no_keyframe(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:duration=0.4,format=yuva420p", "-c:v", "libvpx-vp9", tmp_path / "a.webm")
    with trix.open(tmp_path / "a.webm") as source:
        assert {(frame.is_key, frame.picture_type) for frame in source} == {(False, None)}


def test_views_are_read_only_and_outlive_frame_and_source(clip: Path) -> None:
    source = trix.open(clip)
    frame = source[7]
    planes = frame.planes
    copies = [plane.copy() for plane in planes]
    assert [plane.shape for plane in planes] == [(108, 192), (54, 96), (54, 96)]
    assert all(plane.dtype == np.uint8 and not plane.flags.owndata for plane in planes)
    for plane in planes:
        with pytest.raises(ValueError):
            plane[0, 0] = 1
        with pytest.raises(ValueError):
            plane.flags.writeable = True
    assert frame.planes[0].__array_interface__["data"] == planes[0].__array_interface__["data"]
    source.close()
    del frame, source
    gc.collect()
    # Other frames would take the memory if it were free.
    with trix.open(clip) as other:
        for _ in other:
            pass
    assert all(np.array_equal(plane, copy) for plane, copy in zip(planes, copies))


def test_deep_samples_lie_in_the_low_bits(deep_clip: Path) -> None:
    with trix.open(deep_clip) as source:
        planes = source[3].planes
    assert [(plane.shape, str(plane.dtype)) for plane in planes] == [
        ((64, 96), "uint16"),
        ((64, 48), "uint16"),
        ((64, 48), "uint16"),
    ]
    assert 64 <= int(planes[0].min()) and 255 < int(planes[0].max()) < 1024


def test_frames_one_after_the_other_come_from_one_reader(clip: Path) -> None:
    with trix.open(clip) as source:
        whole = [packed(frame.planes) for frame in source]
        order = [0, 1, 2, 3, 10, 11, 12, 5, 6, 6, 7, 8, 30, 49, 48, 49, 0, 1]
        assert [packed(source[number].planes) for number in order] == [whole[number] for number in order]
        with pytest.raises(IndexError):
            for number in range(47, 60):
                assert packed(source[number].planes) == whole[number]
        assert number == 50
        source[20], source[21]
    with pytest.raises(ValueError, match="closed"):
        source[22]


def test_slices_are_those_of_a_list(clip: Path) -> None:
    with trix.open(clip) as source:
        whole = list(range(50))
        for which in [slice(10, 20, 3), slice(None, None, 7), slice(-3, None), slice(20, 10), slice(9, 3, -2), slice(45, 99)]:
            assert [frame.number for frame in source[which]] == whole[which], which
        assert source[-1].number == 49
        for number in (50, -51, 10**12):
            with pytest.raises(IndexError):
                source[number]
        with pytest.raises(TypeError):
            source["1"]  # type: ignore[call-overload]
        with pytest.raises(ValueError):
            source[::0]


def test_ranges_go_by_number_or_time(clip: Path) -> None:
    with trix.open(clip) as source:
        numbers = lambda **how: [frame.number for frame in source.frames(**how)]  # noqa: E731
        assert numbers(start=20, stop=30, stride=4) == [20, 24, 28]
        assert numbers(start=Fraction(1), stop=1.2) == [25, 26, 27, 28, 29]
        assert numbers(start=0.99, stop=27) == [25, 26]
        found = [frame and frame.number for frame in source.frames_at([1.0, 0.5, 99.0, -1.0, 0.99])]
        assert found == [25, 12, 49, None, 24]
        for wrong in ({"stride": 0}, {"start": -1}, {"threads": -1}, {"on_damage": "ignore"}, {"size": (0, 5)}):
            with pytest.raises(ValueError):
                source.frames(**wrong)
        with pytest.raises(TypeError):
            source.frames(start="1")  # type: ignore[arg-type]


def test_slices_from_the_end_are_those_of_a_list(clip: Path) -> None:
    with trix.open(clip) as source:
        whole = [packed(frame.planes) for frame in source]
        for which in (slice(None, None, -1), slice(40, 7, -3), slice(None, -5, -1)):
            found = [(frame.number, packed(frame.planes)) for frame in source[which]]
            assert found == list(enumerate(whole))[which]


def test_packed_samples_have_the_order_of_their_format(clip: Path) -> None:
    with trix.open(clip) as source:
        rgb = source[7].to_rgb()
        for format, order in (("rgb24", [0, 1, 2]), ("bgr24", [2, 1, 0]), ("bgra", [2, 1, 0]), ("argb", [1, 2, 3])):
            pixels = source[7].converted(format=format).pixels
            assert pixels.shape == (108, 192, 4 if "a" in format else 3) and not pixels.flags.writeable
            own = pixels[:, :, 1:] if format == "argb" else pixels[:, :, order]
            assert np.array_equal(own[:, :, :3], rgb)
        assert np.array_equal(np.asarray(source[7]), rgb)
        with pytest.raises(ValueError):
            source[7].__array__(copy=False)  # np.asarray passes it on from numpy 2 on


def test_errors_tell_the_frame_that_was_asked_for(damaged_clip: Path) -> None:
    # The keyframe with noise.
    broken = 24
    with trix.open(damaged_clip) as source:
        for read in (
            lambda: source[broken],
            lambda: list(source.frames_at([source.times()[broken]])),  # type: ignore[index]
            lambda: source.batch([broken, 0]),
        ):
            with pytest.raises(trix.MalformedInput) as caught:
                read()
            assert caught.value.frame == broken


def test_a_closed_source_gives_nothing_more(clip: Path) -> None:
    source = trix.open(clip)
    with source as same:
        frames = same.frames()
        assert next(frames).number == 0
    assert source.closed and "closed" in repr(source)
    with pytest.raises(ValueError, match="closed"):
        source[3]


def test_conversions_give_the_size_and_format_that_was_asked_for(clip: Path) -> None:
    with trix.open(clip) as source:
        [frame] = source.frames(stop=1, size=(96, 54), format="gray16le")
        assert (frame.width, frame.height, frame.format, frame.pixels.shape) == (96, 54, "gray16le", (54, 96))
        one = source[5].converted(size=(96, 54), format="rgb24").pixels
        [other] = source.frames(start=5, stop=6, size=(96, 54), format="rgb24")
        assert np.array_equal(one, other.pixels)
        assert np.array_equal(one, source[5].to_rgb(size=(96, 54)))
        with pytest.raises(ValueError, match="rgb25"):
            source.frames(format="rgb25")
        with pytest.raises(trix.Unsupported):
            next(source.frames(format="grayf32le"))
        with pytest.raises(ValueError, match="planes"):
            _ = source[5].pixels


def test_dlpack_gives_the_rgb_samples(clip: Path, deep_clip: Path) -> None:
    for path, dtype in ((clip, "uint8"), (deep_clip, "uint16")):
        with trix.open(path) as source:
            frame = source[4]
        tensor = np.from_dlpack(frame)
        assert tensor.dtype == np.dtype(dtype)
        assert np.array_equal(tensor, frame.to_rgb(dtype))


@pytest.mark.parametrize("name", ["torch", "jax.dlpack"])
def test_other_libraries_take_a_frame_as_a_tensor(name: str, clip: Path, deep_clip: Path) -> None:
    library = pytest.importorskip(name)
    for path, dtype in ((clip, "uint8"), (deep_clip, "uint16")):
        with trix.open(path) as source:
            frame = source[4]
        wanted = frame.to_rgb(dtype)
        tensor = library.from_dlpack(frame)
        # The tensor outlives the frame.
        del frame
        gc.collect()
        assert (str(tensor.dtype).split(".")[-1], tuple(tensor.shape)) == (dtype, wanted.shape)
        assert np.array_equal(np.asarray(tensor), wanted)


def test_a_batch_is_in_the_order_of_its_numbers(clip: Path) -> None:
    indices = [40, 3, 3, 49, 0, -1, 20, 21, 22]
    with trix.open(clip) as source:
        batch = source.batch(indices)
        assert (batch.shape, batch.dtype) == ((9, 108, 192, 3), np.uint8)
        for index, picture in zip(indices, batch):
            assert np.array_equal(picture, source[index].to_rgb()), index
        out = np.empty((2, 54, 96), np.uint16)
        assert source.batch([1, 2], out, size=(96, 54), format="gray16le") is out
        [gray] = source.frames(start=2, stop=3, size=(96, 54), format="gray16le")
        assert np.array_equal(out[1], gray.pixels)
        for wrong in (np.empty((2, 54, 96), np.uint8), np.empty((1, 54, 96), np.uint16), np.zeros(3)):
            with pytest.raises(ValueError):
                source.batch([1, 2], wrong, size=(96, 54), format="gray16le")
        read_only = np.empty((1, 108, 192, 3), np.uint8)
        read_only.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            source.batch([1], read_only)
        with pytest.raises(IndexError):
            source.batch([1, 50])
        with pytest.raises(ValueError):
            source.batch([1], format="yuv420p")  # type: ignore[arg-type]
        # Non-contiguous memory of the caller is written as well.
        wide = np.zeros((1, 108, 384, 3), np.uint8)
        source.batch([5], wide[:, :, ::2])
        assert np.array_equal(wide[0, :, ::2], source[5].to_rgb())
        assert source.batch([]).shape == (0, 108, 192, 3)


def test_damage_is_an_error_with_its_place_or_concealed(damaged_clip: Path) -> None:
    def caught(threads: int) -> trix.MalformedInput:
        with trix.open(damaged_clip) as source, pytest.raises(trix.MalformedInput) as found:
            for _ in source.frames(threads=threads):
                pass
        return found.value

    # Frame 24 is damaged. The decoder is two frames ahead, which it reorders.
    error = caught(threads=1)
    assert (error.stage, error.path, error.stream) == ("decode", str(damaged_clip), 0)
    assert error.time == Fraction(22, 25)
    # Each further thread of the decoder may be ahead or behind by one frame more.
    threads = (os.cpu_count() or 1) + 2
    for _ in range(5):
        time = caught(threads=0).time
        assert time is not None and Fraction(22 - threads, 25) <= time <= Fraction(24 + threads, 25)
    with trix.open(damaged_clip) as source:
        assert len(list(source.frames(on_damage="conceal"))) == 50
        # Frames in front of the damage are not concerned.
        assert source[3].number == 3
        with pytest.raises(trix.MalformedInput) as numbered:
            source[30]
        assert numbered.value.frame == 30


def test_reading_ahead_is_bounded(long_clip: Path) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    with trix.open(long_clip) as source:
        # What earlier tests left free would be filled first.
        ctypes.CDLL(None).malloc_trim(0)
        before = resident()
        frames = source.frames()
        next(frames)
        known, since = resident(), time.monotonic()
        # Until the reader waits: a second without growth.
        while time.monotonic() - since < 1:
            time.sleep(0.05)
            if resident() > known + (1 << 20):
                known, since = resident(), time.monotonic()
        # 1000 frames of 1.4 MB would be 1.3 GiB; the reader may hold 96 MiB, and the decoder has frames of its own.
        assert 64 << 20 < known - before < 192 << 20
        assert [frame.number for frame in frames] == list(range(1, 1000))


def test_a_reader_that_was_closed_is_at_its_end(clip: Path) -> None:
    with trix.open(clip) as source:
        frames = source.frames()
        next(frames)
        frames.close()
        time.sleep(0.1)
        assert list(frames) == []


def test_a_tensor_is_never_a_view(clip: Path) -> None:
    frame = trix.open(clip)[0]
    assert np.array_equal(np.from_dlpack(frame), frame.to_rgb())
    with pytest.raises(BufferError, match="copy"):
        frame.__dlpack__(copy=False)
