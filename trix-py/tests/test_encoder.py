"""Frames and audio of a program, compared with what comes back from the file."""

from __future__ import annotations

import os
from fractions import Fraction
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import trix
from conftest import ffmpeg, listing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Array = npt.NDArray[Any]


def noise(seed: int, *shapes: tuple[int, ...], depth: int = 8) -> list[Array]:
    random = np.random.default_rng(seed)
    dtype = np.uint8 if depth <= 8 else np.uint16
    return [random.integers(0, 1 << depth, shape, dtype) for shape in shapes]


def planes_of(path: Path, format: str, shapes: list[tuple[int, ...]], dtype: str) -> list[list[Array]]:
    """The planes of each frame, as the ffmpeg program decodes them."""
    data = np.frombuffer(ffmpeg("-i", path, "-f", "rawvideo", "-pix_fmt", format, "-"), dtype)
    frames, at = [], 0
    while at < len(data):
        frame = []
        for shape in shapes:
            size = int(np.prod(shape))
            frame.append(data[at : at + size].reshape(shape))
            at += size
        frames.append(frame)
    return frames


def test_planes_come_back_from_a_lossless_file(tmp_path: Path) -> None:
    shapes = [(48, 64), (24, 32), (24, 32)]
    given_planes = [noise(number, *shapes, depth=10) for number in range(5)]
    path = tmp_path / "planes.mkv"
    color = {"matrix": "bt2020nc", "primaries": "bt2020", "transfer": "smpte2084", "range": "limited"}
    with trix.Encoder(path, video=trix.Ffv1(), fps=Fraction(24000, 1001), color=color) as encoder:
        for frame in given_planes:
            encoder.write(frame, format="yuv420p10le")
        assert not path.exists() and encoder.frames == 5
        with pytest.raises(ValueError, match="after it was closed"):
            _ = encoder.report
    found = planes_of(path, "yuv420p10le", [*shapes], "<u2")
    assert len(found) == 5
    for one, other in zip(found, given_planes):
        assert all(np.array_equal(plane, wanted) for plane, wanted in zip(one, other))
    ledger = encoder.report.outputs[0].ledger
    assert ledger is not None and (ledger.emitted, ledger.found) == (5, 5)
    with trix.open(path) as source:
        assert source.fps == Fraction(24000, 1001)
        assert [frame.pts for frame in source] == pytest.approx([number * 1001 / 24000 for number in range(5)], abs=6e-4)
        assert source[0].color.matrix == "bt2020nc" and source[0].color.transfer == "smpte2084"


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("components", [3, 4])
def test_rgb_comes_back_from_a_lossless_file(tmp_path: Path, deep: bool, components: int) -> None:
    path = tmp_path / "rgb.mkv"
    pictures = [noise(number, (40, 56, components), depth=16 if deep else 8)[0] for number in range(3)]
    with trix.Encoder(path, video=trix.Ffv1(), fps=25) as encoder:
        for picture in pictures:
            encoder.write(picture)
    name = {(3, False): "rgb24", (4, False): "rgba", (3, True): "rgb48le", (4, True): "rgba64le"}[components, deep]
    data = np.frombuffer(ffmpeg("-i", path, "-f", "rawvideo", "-pix_fmt", name, "-"), "<u2" if deep else "u1")
    assert np.array_equal(data.reshape(3, 40, 56, components), np.stack(pictures))


@pytest.mark.parametrize(
    ("format", "order"), [("bgr24", [2, 1, 0]), ("bgra", [2, 1, 0]), ("argb", [1, 2, 3]), ("bgr48le", [2, 1, 0])]
)
def test_packed_formats_come_back_from_a_lossless_file(format: str, order: list[int], tmp_path: Path) -> None:
    [array] = noise(3, (48, 64, 4 if "a" in format else 3), depth=16 if "48" in format else 8)
    with trix.Encoder(tmp_path / "a.mkv", video=trix.Ffv1()) as encoder:
        encoder.write(array, format=format)
    wanted, kind = ("rgb48le", "<u2") if "48" in format else ("rgb24", "u1")
    found = np.frombuffer(ffmpeg("-i", tmp_path / "a.mkv", "-f", "rawvideo", "-pix_fmt", wanted, "-"), kind)
    assert np.array_equal(found.reshape(48, 64, 3), array[:, :, order])
    with pytest.raises(ValueError, match="rgb24 or bgr24"), trix.Encoder(tmp_path / "b.mkv") as encoder:
        encoder.write(np.zeros((48, 64, 3), np.uint8), format="yuv420p")
    assert listing(tmp_path) == ["a.mkv"]


@pytest.mark.parametrize(
    ("name", "video", "more", "wanted"),
    [
        ("a.mp4", trix.X264(), {}, "yuv420p"),
        ("a.mp4", trix.X265(), {}, "yuv420p"),
        ("a.mp4", trix.X264(), {"compatible": False}, "yuv444p"),
        ("a.mp4", trix.X264(chroma="422"), {}, "yuv422p"),
        ("a.mp4", trix.X264(rate={"type": "lossless"}), {}, "yuv444p"),
        ("a.mkv", trix.X264(), {}, "yuv444p"),
    ],
)
def test_rgb_becomes_what_players_decode_in_mp4_alone(
    name: str, video: Any, more: dict[str, Any], wanted: str, tmp_path: Path
) -> None:
    with trix.Encoder(tmp_path / name, video=video, **more) as encoder:
        encoder.write(*noise(1, (64, 64, 3)))
    stated = trix.probe(tmp_path / name).streams[0].video
    assert stated is not None and stated.pixel_format == wanted


def test_frames_of_a_source_come_back(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "copy.mkv"
    with trix.open(clip) as source:
        wanted = [[plane.copy() for plane in frame.planes] for frame in source[10:40:3]]
        with trix.Encoder(path, video=trix.Ffv1(), fps=source.fps) as encoder:
            for frame in source[10:40:3]:
                encoder.write(frame)
    with trix.open(path) as copy:
        assert copy[0].color.matrix == "bt709"
        found = [frame.planes for frame in copy]
    assert len(found) == len(wanted) == 10
    assert all(np.array_equal(a, b) for one, other in zip(found, wanted) for a, b in zip(one, other))


def test_audio_comes_back_from_a_lossless_file(tmp_path: Path) -> None:
    path = tmp_path / "sound.mkv"
    samples = np.random.default_rng(1).integers(-(1 << 15), 1 << 15, (48000, 2), np.int16)
    with trix.Encoder(path, video=trix.Ffv1(), audio=trix.Flac(), fps=25, sample_rate=48000) as encoder:
        for number in range(25):
            encoder.write(noise(number, (32, 32))[0])
            # Samples in any order of memory.
            part = samples[number * 1920 : (number + 1) * 1920]
            encoder.write_audio(np.asfortranarray(part) if number % 2 else part)
    found = np.frombuffer(ffmpeg("-i", path, "-map", "0:a", "-f", "s16le", "-"), "<i2").reshape(-1, 2)
    assert np.array_equal(found, samples)
    assert encoder.report.outputs[0].audio_ledgers[0].encoded == 48000


def test_audio_alone_and_several_tracks(tmp_path: Path) -> None:
    path = tmp_path / "alone.mkv"
    tracks = [trix.AudioTrack(48000, language="eng"), trix.AudioTrack(44100, language="fra", title="Commentaire")]
    tone = np.sin(np.arange(48000) * 2 * np.pi * 440 / 48000).astype(np.float32) / 2
    with trix.Encoder(path, video=None, audio="pcmf32", tracks=tracks) as encoder:
        encoder.write_audio(tone, track=0)
        encoder.write_audio(np.stack([tone[:44100]] * 2, axis=1), track=1)
    info = trix.probe(path)
    assert [(stream.language, stream.audio and stream.audio.channels) for stream in info.audio] == [("eng", 1), ("fra", 2)]
    with trix.open(path) as source:
        assert np.array_equal(source.audio().read()[:, 0], tone)


def test_hdr_and_ten_bits_reach_the_file(tmp_path: Path) -> None:
    path = tmp_path / "hdr.mp4"
    point = lambda x, y: trix.records.Chromaticity(x=Fraction(x), y=Fraction(y))  # noqa: E731
    mastering = trix.records.MasteringDisplay(
        primaries=[point("0.708", "0.292"), point("0.17", "0.797"), point("0.131", "0.046")],
        white=point("0.3127", "0.329"),
        min_luminance=Fraction(1, 10000),
        max_luminance=Fraction(1000),
    )
    light = trix.records.ContentLight(max=1000, max_average=400)
    color = {"matrix": "bt2020nc", "primaries": "bt2020", "transfer": "smpte2084", "range": "limited"}
    video = trix.X265(depth=10, crf=30, preset="ultrafast")
    with trix.Encoder(path, video=video, fps=25, color=color, hdr=(mastering, light)) as encoder:
        for number in range(4):
            encoder.write(noise(number, (64, 64), (32, 32), (32, 32), depth=10), format="yuv420p10le")
    with trix.open(path) as source:
        frame = source[0]
    assert frame.mastering == mastering and frame.content_light == light
    assert (frame.color.primaries, frame.color.transfer, frame.depth) == ("bt2020", "smpte2084", 10)


def test_an_exception_leaves_nothing_under_the_name(tmp_path: Path) -> None:
    path = tmp_path / "half.mkv"
    with pytest.raises(ZeroDivisionError):
        with trix.Encoder(path, video=trix.Ffv1(), fps=25) as encoder:
            for number in range(10):
                encoder.write(noise(number, (64, 64, 3))[0])
            1 / 0
    assert os.listdir(tmp_path) == []
    with pytest.raises(ValueError, match="closed"):
        encoder.write(noise(1, (64, 64, 3))[0])


def test_an_encoder_closes_once_and_needs_something_to_write(tmp_path: Path) -> None:
    encoder = trix.Encoder(tmp_path / "one.mkv", video=trix.Ffv1(), fps=25)
    encoder.write(noise(1, (32, 32))[0])
    assert encoder.close() is encoder.close() is encoder.report
    with pytest.raises(ValueError, match="no frame"):
        trix.Encoder(tmp_path / "none.mkv", fps=25).close()
    silent = trix.Encoder(tmp_path / "silent.mkv", video=trix.Ffv1(), audio=trix.Flac(), sample_rate=48000)
    silent.write(noise(1, (32, 32))[0])
    with pytest.raises(ValueError, match="no samples"):
        silent.close()
    for wrong in ({"fps": 0}, {"sample_rate": 48000}, {"audio": trix.Flac()}, {"video": None}, {"color": {"hue": "red"}}):
        with pytest.raises(ValueError):
            trix.Encoder(tmp_path / "wrong.mkv", **wrong)
    assert os.listdir(tmp_path) == ["one.mkv"]


def test_mistakes_of_the_job_come_with_the_first_frame(tmp_path: Path) -> None:
    encoder = trix.Encoder(tmp_path / "a.mp4", video=trix.X264(depth=12), fps=25)
    with pytest.raises(trix.InvalidSpec) as caught:
        encoder.write(noise(1, (32, 32, 3))[0])
    assert [mistake.value for mistake in caught.value.mistakes] == ["12"]
    assert os.listdir(tmp_path) == []


def test_frames_too_far_ahead_of_the_audio_are_refused_and_taken_later(tmp_path: Path) -> None:
    path = tmp_path / "lead.mkv"
    encoder = trix.Encoder(path, video=trix.Ffv1(), audio=trix.Flac(), fps=25, sample_rate=8000)
    silence = np.zeros((8000, 1), np.int16)
    encoder.write_audio(silence)
    picture = noise(1, (32, 32))[0]
    with pytest.raises(trix.LimitExceeded):
        for _ in range(1000):
            encoder.write(picture)
    given_frames = encoder.frames
    assert 100 < given_frames < 200
    for _ in range(7):
        encoder.write_audio(silence)
    encoder.write(picture)
    report = encoder.close()
    assert report.outputs[0].ledger is not None and report.outputs[0].ledger.emitted == given_frames + 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    step=st.sampled_from([1, 2, -1, 3]),
    order=st.sampled_from("CF"),
    deep=st.booleans(),
    swapped=st.booleans(),
    kind=st.sampled_from(["gray", "rgb", "444", "422", "420"]),
    seed=st.integers(0, 1 << 30),
)
def test_any_memory_layout_is_read_as_numpy_reads_it(
    tmp_path: Path, height: int, width: int, step: int, order: str, deep: bool, swapped: bool, kind: str, seed: int
) -> None:
    from trix._planes import planes_of as taken

    random = np.random.default_rng(seed)
    dtype = np.dtype(np.uint16 if deep else np.uint8)
    dtype = dtype.newbyteorder() if swapped and deep else dtype

    def array(*shape: int) -> Array:
        # Every `step`th sample of a larger array, in the order of memory that is asked for.
        larger = random.integers(0, 1024 if deep else 256, [abs(step) * length for length in shape])
        whole = np.array(larger, dtype, order=order)  # type: ignore[call-overload]
        return whole[tuple(slice(None, None, step) for _ in shape)][tuple(slice(0, length) for length in shape)]

    half = ((height + 1) // 2, (width + 1) // 2)
    chroma = {"444": (height, width), "422": (height, half[1]), "420": half}
    if kind == "rgb":
        frame: Any = array(height, width, 3)
        arrays, name = [frame], "rgb48le" if deep else "rgb24"
    elif kind == "gray":
        frame = array(height, width)
        arrays, name = [frame], "gray16le" if deep else "gray"
    else:
        arrays = [array(height, width), array(*chroma[kind]), array(*chroma[kind])]
        frame, name = tuple(arrays), f"yuv{kind}p10le" if deep else f"yuv{kind}p"
    (found, columns, rows), packed = taken(frame, name if deep and kind not in ("rgb", "gray") else None)
    if deep or kind in ("rgb", "gray") or chroma[kind] not in [chroma[other] for other in chroma if other != kind]:
        assert found == name
    assert (columns, rows) == (width, height)
    for one, (data, stride) in zip(arrays, packed):
        assert stride == len(data) // one.shape[0]
        again = np.frombuffer(data, "<u2" if deep else "u1").reshape(one.shape)
        assert np.array_equal(again, one)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.lists(st.integers(0, 5), min_size=0, max_size=4),
    dtype=st.sampled_from(["float32", "float64", "int16", "int64", "bool", "complex64", "uint8", "uint16", "O", "U3"]),
    count=st.integers(0, 5),
)
def test_wrong_arrays_are_type_or_value_errors(shape: list[int], dtype: str, count: int) -> None:
    from trix._planes import planes_of as taken

    frame: Any = [np.zeros(shape, dtype)] * count if count else np.zeros(shape, dtype)
    is_right = dtype in ("uint8", "uint16") and all(shape) and count in (0, 1, 3)
    try:
        (_, width, height), packed = taken(frame, None)
    except (TypeError, ValueError):
        return
    assert is_right and (height, width) == tuple(shape[:2]) and packed


def test_what_is_no_frame_is_a_type_error(tmp_path: Path) -> None:
    encoder = trix.Encoder(tmp_path / "a.mkv", video=trix.Ffv1(), audio=trix.Flac(), fps=25, sample_rate=8000)
    for wrong in (None, 7, "frame", b"frame", [1, 2], [[1, 2]], {"a": 1}):
        with pytest.raises(TypeError):
            encoder.write(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        encoder.write_audio([0.0, 1.0])  # type: ignore[arg-type]
    for samples in (np.zeros((3, 2), np.int8), np.zeros((0, 2), np.int16), np.zeros((1, 1, 1), np.int16), np.zeros(())):
        with pytest.raises(ValueError):
            encoder.write_audio(samples)
    with pytest.raises(ValueError, match="no track 1"):
        encoder.write_audio(np.zeros((3, 2), np.int16), track=1)
    encoder.write(noise(1, (32, 32))[0])
    encoder.write_audio(np.zeros((320, 2), np.int16))
    with pytest.raises(trix.InvalidSpec):
        encoder.write(noise(1, (32, 34))[0])
    with pytest.raises(ValueError, match="2 channels"):
        encoder.write_audio(np.zeros((320, 1), np.int16))
    encoder.abort()
    assert os.listdir(tmp_path) == []


def test_nothing_is_lost_while_a_track_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "late.mkv"
    with trix.Encoder(path, video=trix.Ffv1(), audio=trix.Flac(), fps=25, sample_rate=8000) as encoder:
        for number in range(125):
            encoder.write(np.full((16, 16, 3), number, np.uint8))
        with pytest.raises(trix.LimitExceeded, match="within 5 seconds"):
            encoder.write(np.zeros((16, 16, 3), np.uint8))
        assert encoder.frames == 125
        for _ in range(50):
            encoder.write_audio(np.zeros(800, np.int16))
    with trix.open(path) as source:
        assert [int(frame.to_rgb()[0, 0, 0]) for frame in source] == list(range(125))
        assert len(source.audio().read()) == 40_000


def test_small_blocks_of_audio_may_come_before_the_first_frame(tmp_path: Path) -> None:
    with trix.Encoder(tmp_path / "a.mkv", video=trix.Ffv1(), audio=trix.Flac(), fps=25, sample_rate=8000) as encoder:
        for _ in range(500):
            encoder.write_audio(np.zeros(64, np.int16))
        for _ in range(100):
            encoder.write(np.zeros((16, 16), np.uint8))
    assert encoder.report.outputs[0].ledger.emitted == 100


def test_a_track_that_ends_early_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "short.mkv"
    with trix.Encoder(path, video=trix.Ffv1(), audio=trix.Flac(), fps=25, sample_rate=8000) as encoder:
        encoder.write_audio(np.ones(8000, np.int16))
        encoder.write(np.zeros((16, 16), np.uint8))
        encoder.end_audio()
        for _ in range(299):
            encoder.write(np.zeros((16, 16), np.uint8))
        with pytest.raises(ValueError, match="has ended"):
            encoder.write_audio(np.ones(8000, np.int16))
    with trix.open(path) as source:
        assert (len(source), len(source.audio().read())) == (300, 8000)


def test_a_description_of_a_track_serves_several_encoders(tmp_path: Path) -> None:
    track = trix.AudioTrack(8000)
    for channels in (1, 2):
        path = tmp_path / f"{channels}.mkv"
        with trix.Encoder(path, video=None, audio=trix.Flac(), tracks=[track]) as encoder:
            encoder.write_audio(np.full((8000, channels), 7, np.int16))
        with trix.open(path) as source:
            samples = source.audio(dtype="int16").read()
        assert samples.shape == (8000, channels) and (samples == 7).all()


def test_a_frame_that_was_not_taken_can_be_given_again(tmp_path: Path) -> None:
    path = tmp_path / "taken.mkv"
    path.write_bytes(b"")
    encoder = trix.Encoder(path, video=trix.Ffv1())
    with pytest.raises(trix.IoError):
        encoder.write(np.zeros((16, 16), np.uint8))
    path.unlink()
    encoder.write(np.zeros((16, 16), np.uint8))
    with pytest.raises(trix.InvalidSpec, match="16x18 gray, and the first one is 16x16 gray"):
        encoder.write(np.zeros((18, 16), np.uint8))
    assert encoder.close().outputs[0].ledger.emitted == 1


def test_threads_give_frames_and_audio_at_once(tmp_path: Path) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for turn in range(10):
            path = tmp_path / f"{turn}.mkv"
            with trix.Encoder(path, video=trix.Ffv1(), audio=trix.Flac(), fps=25, sample_rate=8000) as encoder:
                frames = [threading.Thread(target=lambda: [encoder.write(np.zeros((16, 16), np.uint8)) for _ in range(20)]) for _ in range(2)]
                audio = threading.Thread(target=lambda: [encoder.write_audio(np.zeros(320, np.int16)) for _ in range(40)])
                for thread in (*frames, audio):
                    thread.start()
                for thread in (*frames, audio):
                    thread.join()
            with trix.open(path) as source:
                assert (len(source), len(source.audio().read())) == (40, 12_800)
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("wrong", [5, "hdr", (1, 2), (None,), {"a": 1}])
def test_wrong_hdr_is_refused_at_once(tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(TypeError, match="hdr"):
        trix.Encoder(tmp_path / "a.mkv", hdr=wrong)
