"""Every real file, compared with what the ffmpeg program and PyAV decode."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import trix
from conftest import MEDIA, ffmpeg, media, packed

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


def frames_of_ffprobe(path: Path, most: int) -> list[dict[str, Any]]:
    command = ["ffprobe", "-v", "error", "-select_streams", "V:0", "-read_intervals", f"%+#{most + 20}", "-show_frames", "-of", "json"]
    found = subprocess.run([*command, path], check=True, capture_output=True).stdout
    # Where reading stops, ffprobe shows the frames that the decoder has, which leave out some in between.
    return list(json.loads(found)["frames"])[:most]


@pytest.mark.parametrize("path", REAL)
def test_facts_of_frames_are_those_of_ffprobe(path: Path) -> None:
    wanted = frames_of_ffprobe(path, 30)
    with trix.open(path) as source:
        found = list(itertools.islice(source, len(wanted)))
    assert len(found) == len(wanted) > 0
    for own, other in zip(found, wanted):
        place = f"frame {own.number}"
        assert own.picture_type in (None, other["pict_type"]), place
        # The decoder of VP9 with alpha tells nothing of its frames.
        assert own.is_key == bool(other["key_frame"] and own.picture_type), place
        fields = ("bottom", "top")[other["top_field_first"]] if other["interlaced_frame"] else None
        assert own.fields == fields, place
        ranges = {"tv": "limited", "pc": "full"}
        stated = {
            "range": ranges.get(other.get("color_range", ""), "unknown"),
            "matrix": other.get("color_space", "unknown"),
            "primaries": other.get("color_primaries", "unknown"),
            "transfer": other.get("color_transfer", "unknown"),
        }
        for name, value in stated.items():
            assert value in ("unknown", "reserved") or getattr(own.color, name) == value, f"{place}: {name}"
        sides = {side["side_data_type"]: side for side in other.get("side_data_list", [])}
        assert (own.captions is not None) == ("ATSC A53 Part 4 Closed Captions" in sides), place
        assert (own.hdr10_plus is not None) == any("2094-40" in name for name in sides), place
        mastering, light = sides.get("Mastering display metadata"), sides.get("Content light level metadata")
        if mastering is not None:
            display = own.mastering
            assert display is not None, place
            at = [display.white, *display.primaries]
            names = ("white_point", "red", "green", "blue")
            assert [(own.x, own.y) for own in at] == [
                (Fraction(mastering[f"{name}_x"]), Fraction(mastering[f"{name}_y"])) for name in names
            ], place
            luminance = (Fraction(mastering["min_luminance"]), Fraction(mastering["max_luminance"]))
            assert (display.min_luminance, display.max_luminance) == luminance, place
        if light is not None:
            assert own.content_light is not None, place
            assert (own.content_light.max, own.content_light.max_average) == (light["max_content"], light["max_average"]), place


def planes_of_pyav(frame: Any) -> list[npt.NDArray[Any]]:
    """The samples of a frame of PyAV, without the padding of its rows."""
    found = []
    for plane in frame.planes:
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        components = frame.format.components
        packed = len(components) if len(frame.planes) == 1 else 1
        length = plane.width * packed * ((components[0].bits + 7) // 8)
        found.append(rows[:, :length])
    return found


@pytest.mark.parametrize("path", REAL)
def test_planes_equal_those_of_pyav(path: Path) -> None:
    av = pytest.importorskip("av")
    with trix.open(path) as source, av.open(str(path)) as container:
        video = source.info.video
        assert video is not None
        stream = next(stream for stream in container.streams.video if stream.index == video.index)
        stream.thread_type = "AUTO"
        compared = 0
        for frame, other in zip(source.frames(stop=60), container.decode(stream)):
            own = frame.planes if len(other.planes) > 1 else [frame.pixels]
            assert frame.format == other.format.name
            assert packed(own) == packed(planes_of_pyav(other)), f"frame {frame.number}"
            compared += 1
        assert compared == min(60, len(source))


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
