"""Frames and audio as arrays, compared with what the ffmpeg program decodes."""

from __future__ import annotations

import gc
import itertools
import os
import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import trix
from conftest import MEDIA, ffmpeg, media
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Every real file with video and without damage, and the damaged ones.
DAMAGED = ("corrupted.mp4", "no_timescale.mp4", "sample_with_invalid_nalu.mp4")
REAL = media(
    "apple-prores-422-hq.mov",
    "avts.mts",
    "bbb_2500ms.ts",
    "black.mp4",
    "bt601.mov",
    "bt709_full_range.mp4",
    "carphone_pristine.mp4",
    "h265_10bits.mp4",
    "hdr10-video-with-sdr-container.mp4",
    "hdv-1080p25.mov",
    "hlg10-color-test.mp4",
    "mpeg-imx-525-60.mov",
    "nasa_13013.mp4",
    "no_duration.webm",
    "park_joy_420_720p50_frm0to9_480x270.y4m",
    "png.mov",
    "regular.mkv",
    "roadtrip-vp92-10bit.webm",
    "sample.mxf",
    "sample_rotate_and_reflect.mp4",
    "sample_with_ass_subtitles.mkv",
    "sample_with_chapters.mp4",
    "sample_with_colr_mdcv_and_clli.mp4",
    "sample_without_stss.mp4",
    "scene_cuts.mp4",
    "test_res_change.h264",
    "video_90.mov",
    "xdcam-ex-1080i50.mov",
)


@pytest.mark.skipif(MEDIA is None, reason="TRIX_MEDIA names no folder of real files")
def test_the_lists_name_every_real_file() -> None:
    # Planes without a header, and a file of audio alone.
    others = {"index.tsv", "sparks_ref_480x270.yuv42010le.yuv", "sample_eac3joc.mp4"}
    named = {parameters.id for parameters in REAL} | set(DAMAGED) | others
    assert named == {path.name for path in Path(MEDIA or "").iterdir()}


def packed(planes: Sequence[npt.NDArray[np.generic]]) -> bytes:
    return b"".join(np.ascontiguousarray(plane).tobytes() for plane in planes)


def decoded(path: Path, format: str, *more: str) -> bytes:
    """The planes of all frames, as the ffmpeg program decodes them, without a conversion."""
    command = ["-noautorotate", "-i", str(path), "-map", "0:V:0", *more, "-noautoscale", "-fps_mode", "passthrough"]
    return ffmpeg(*command, "-f", "rawvideo", "-pix_fmt", format, "-")


@pytest.mark.parametrize("path", REAL)
def test_planes_equal_those_of_the_ffmpeg_program(path: Path) -> None:
    with trix.open(path) as source:
        frames = source.frames()
        first = next(frames)
        assert first.format is not None
        # Packed formats come back as planes of components, so that both sides are compared as components.
        planar = {"rgb24": "gbrp", "rgba": "gbrap", "rgb48be": "gbrp16le"}.get(first.format, first.format)
        # The most frames that are compared, so that large ones do not fill the memory.
        most = max(2, 60_000_000 // sum(plane.nbytes for plane in first.planes))
        whole, at, compared = memoryview(decoded(path, planar, "-frames:v", str(most))), 0, 0
        for frame in itertools.islice(itertools.chain([first], frames), most):
            planes = frame.planes
            if planar.startswith("gbr"):
                planes = [planes[1], planes[2], planes[0], *planes[3:]]
            own = packed(planes)
            assert own == whole[at : at + len(own)], f"frame {frame.number}"
            at, compared = at + len(own), compared + 1
        assert at == len(whole) and compared >= 2
        assert compared == min(most, len(source))


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


@pytest.mark.parametrize("path", media(*DAMAGED))
def test_damaged_files_raise_or_are_concealed(path: Path) -> None:
    with trix.open(path) as source:
        with pytest.raises(trix.MalformedInput) as caught:
            for _ in source:
                pass
        assert caught.value.path == str(path) and caught.value.stage in ("demux", "decode")
        found = [frame.number for frame in source.frames(on_damage="conceal")]
        assert found == list(range(len(found))) and len(found) > 1


@pytest.mark.parametrize("path", REAL)
def test_random_access_gives_the_frames_of_a_full_decode(path: Path) -> None:
    with trix.open(path) as source:
        whole = [(frame.number, frame.pts, hash(packed(frame.planes))) for frame in source]
        assert [number for number, _, _ in whole] == list(range(len(source)))
        choice = random.Random(path.name).sample(range(len(whole)), min(8, len(whole)))
        for number in choice:
            frame = source[number]
            assert (frame.number, frame.pts, hash(packed(frame.planes))) == whole[number]
        times = [whole[number][1] for number in choice]
        for number, found in zip(choice, source.frames_at(times)):
            assert found is not None
            assert (found.number, found.pts, hash(packed(found.planes))) == whole[number]
        # The float nearest to a time means the same frame.
        for number, found in zip(choice, source.frames_at([float(time) for time in times])):
            assert found is not None and found.number == number
        known = source.times()
        assert known is None or known == [time for _, time, _ in whole]


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
    with pytest.raises(trix.Cancelled):
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


def test_a_closed_source_gives_nothing_more(clip: Path) -> None:
    source = trix.open(clip)
    with source as same:
        frames = same.frames()
        assert next(frames).number == 0
    assert source.closed and "closed" in repr(source)
    with pytest.raises(trix.Cancelled):
        source[3]


# The standards' own formulas, in floating point.
MATRICES = {"bt709": (0.2126, 0.0722), "bt470bg": (0.299, 0.114), "smpte170m": (0.299, 0.114), "bt2020nc": (0.2627, 0.0593)}


def expected_rgb(frame: trix.Frame) -> npt.NDArray[np.float64]:
    """Red, green and blue of a 4:4:4 frame, 0 to 1, by ITU-R BT.709, 5.1 to 5.7 of BT.2020 and their ranges."""
    red_share, blue_share = MATRICES[frame.color.matrix]
    steps = float(1 << (frame.depth - 8))
    y, cb, cr = (plane.astype(np.float64) for plane in frame.planes)
    if frame.color.range == "full":
        top = 255 * steps + steps - 1
        y, cb, cr = y / top, (cb - 128 * steps) / top, (cr - 128 * steps) / top
    else:
        y, cb, cr = (y / steps - 16) / 219, (cb / steps - 128) / 224, (cr / steps - 128) / 224
    red = y + 2 * (1 - red_share) * cr
    blue = y + 2 * (1 - blue_share) * cb
    green = (y - red_share * red - blue_share * blue) / (1 - red_share - blue_share)
    return np.clip(np.stack([red, green, blue], axis=-1), 0, 1)


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m", "bt2020nc"])
@pytest.mark.parametrize("range_", ["tv", "pc"])
@pytest.mark.parametrize("depth", [8, 10, 12])
def test_rgb_follows_matrix_range_and_depth(tmp_path: Path, matrix: str, range_: str, depth: int) -> None:
    path = tmp_path / "colour.mkv"
    format = "yuv444p" if depth == 8 else f"yuv444p{depth}le"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=0.1", "-vf"),
        f"format={format},noise=alls=60:all_seed=7,setparams=colorspace={matrix}:range={range_}",
        *("-c:v", "ffv1", "-colorspace", matrix, "-color_range", range_, path),
    )
    with trix.open(path) as source:
        frame = source[1]
    assert (frame.color.matrix, frame.color.range) == (matrix, "limited" if range_ == "tv" else "full")
    wanted = expected_rgb(frame)
    for dtype, top, within in (("uint8", 255, 1.0), ("uint16", 65535, 8.0), ("float32", 1, 2e-4)):
        found = frame.to_rgb(dtype)
        assert (found.shape, found.dtype) == ((48, 64, 3), np.dtype(dtype))
        assert found.flags.c_contiguous and found.flags.writeable
        worst = float(np.abs(found.astype(np.float64) - wanted * top).max())
        assert worst <= within, (dtype, worst)


def test_chroma_siting_moves_chroma(tmp_path: Path) -> None:
    # A vertical edge in chroma at one place, coded with two sitings, has to come back at two places.
    found = {}
    for location in ("left", "center"):
        path = tmp_path / f"{location}.mkv"
        ffmpeg(
            *("-f", "lavfi", "-i", "color=gray:size=64x16:rate=25:duration=0.04", "-vf"),
            "format=yuv420p,geq=lum=128:cb='if(lt(X,16),80,176)':cr=128,setparams=colorspace=bt709:range=tv",
            *("-c:v", "libx264", "-qp", "0", "-chroma_sample_location", location, "-colorspace", "bt709", path),
        )
        with trix.open(path) as source:
            frame = source[0]
            assert frame.color.chroma_location == location
            blue = frame.to_rgb("float32")[8, :, 2]
        # Where blue crosses its middle, between two samples.
        middle = (blue[0] + blue[-1]) / 2
        after = int(np.argmax(blue > middle))
        found[location] = after - (blue[after] - middle) / (blue[after] - blue[after - 1])
    assert found["center"] - found["left"] == pytest.approx(0.5, abs=0.1)


def test_an_unknown_matrix_is_never_guessed(tmp_path: Path) -> None:
    path = tmp_path / "unknown.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=0.1", "-pix_fmt", "yuv444p", "-c:v", "ffv1", path)
    with trix.open(path) as source:
        frame = source[0]
        with pytest.raises(trix.InvalidSpec, match="matrix"):
            frame.to_rgb()
        one, other = (frame.to_rgb(color={"matrix": matrix}) for matrix in ("bt709", "smpte170m"))
        assert not np.array_equal(one, other)
        batch = source.batch([0], color={"matrix": "bt709"})
    assert np.array_equal(batch[0], one)


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
    # Each further thread of the decoder may be ahead by one frame more, and the time is never behind the damage.
    threads = (os.cpu_count() or 1) + 1
    for _ in range(5):
        time = caught(threads=0).time
        assert time is not None and Fraction(22 - threads, 25) <= time <= Fraction(24, 25)
    with trix.open(damaged_clip) as source:
        assert len(list(source.frames(on_damage="conceal"))) == 50
        # Frames in front of the damage are not concerned.
        assert source[3].number == 3
        with pytest.raises(trix.MalformedInput) as numbered:
            source[30]
        assert numbered.value.frame == 30


def test_audio_equals_that_of_the_ffmpeg_program(clip: Path) -> None:
    wanted = np.frombuffer(ffmpeg("-i", clip, "-map", "0:a", "-f", "s16le", "-"), "<i2").reshape(-1, 2)
    with trix.open(clip) as source:
        found = source.audio().read()
        assert found.dtype == np.int16 and np.array_equal(found, wanted)
        part = source.audio(start=1000, stop=5000).read()
        assert np.array_equal(part, wanted[1000:5000])
        by_time = source.audio(start=0.5, stop=Fraction(3, 4)).read()
        assert np.array_equal(by_time, wanted[24000:36000])
        block = next(source.audio(start=1000))
        assert (block.first, block.pts, block.sample_rate, block.layout) == (1000, Fraction(1000, 48000), 48000, "stereo")
        floats = source.audio(dtype=np.float32).read()
        assert floats.dtype == np.float32 and np.array_equal(floats, wanted.astype(np.float32) / 32768)
        assert np.array_equal(source.audio(dtype="int32").read(), wanted.astype(np.int32) << 16)
        assert np.array_equal(source.audio(dtype="float64", start=7, stop=9).read(), wanted[7:9] / 32768)
        mono = source.audio(layout="mono", dtype="float32").read()
        assert mono.shape == (len(wanted), 1)
        # BT.775, scaled so that nothing clips: half of each side.
        assert np.abs(mono[:, 0] - floats.mean(axis=1)).max() < 1e-6
        for wrong in ({"dtype": "int8"}, {"dtype": "uint8"}, {"on_damage": "x"}):
            with pytest.raises(ValueError):
                source.audio(**wrong)
        for wrong in ({"layout": "13.7"}, {"rate": 5}, {"stream": 9}):
            with pytest.raises(trix.InvalidSpec):
                source.audio(**wrong).read()
        with pytest.raises(ValueError, match="no audio"):
            source.audio(start=10**9).read()


def test_resampled_audio_is_the_same_tone(clip: Path) -> None:
    with trix.open(clip) as source:
        audio = source.audio(rate=16000, layout="mono").read()
    assert (audio.shape, audio.dtype) == ((32000, 1), np.float32)
    spectrum = np.abs(np.fft.rfft(audio[4000:20000, 0] * np.hanning(16000)))
    assert int(spectrum.argmax()) == 440
    # Nothing else is louder than 1/1000 of the tone.
    spectrum[430:451] = 0
    assert spectrum.max() < 1e-3 * np.abs(np.fft.rfft(audio[4000:20000, 0] * np.hanning(16000))).max()


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 60),
    st.floats(),
    st.fractions(),
    st.text(max_size=5),
    st.binary(max_size=3),
    st.lists(st.integers(-1, 70), max_size=3),
    st.tuples(st.integers(-1, 200), st.integers(-1, 200)),
    st.just({"matrix": "bt709"}),
    st.just({"hue": "red"}),
    st.sampled_from(["rgb24", "gray", "yuv444p10le", "pal8", "conceal", "fail", np.int64(3), np.float32(0.5), np.zeros(2)]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=ANYTHING,
    stop=ANYTHING,
    stride=ANYTHING,
    size=ANYTHING,
    format=ANYTHING,
    color=ANYTHING,
    which=st.sampled_from(["start", "stop", "stride", "size", "format", "color", "none"]),
)
def test_wrong_arguments_are_errors_of_type_or_value(clip: Path, which: str, **given_values: Any) -> None:
    arguments = {which: given_values[which]} if which != "none" else given_values
    with trix.open(clip) as source:
        try:
            frames = source.frames(**arguments)
            found = [frame.number for frame in frames]
        except (TypeError, ValueError, trix.Unsupported):
            return
    assert found == sorted(set(found)) and set(found) <= set(range(50))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(index=ANYTHING, times=st.lists(ANYTHING, max_size=3))
def test_wrong_numbers_and_times_are_errors_of_type_or_value(clip: Path, index: Any, times: list[Any]) -> None:
    with trix.open(clip) as source:
        try:
            assert source[index].number in range(50)
        except (TypeError, ValueError, IndexError):
            pass
        try:
            assert len(list(source.frames_at(times))) == len(times)
        except (TypeError, ValueError):
            pass
