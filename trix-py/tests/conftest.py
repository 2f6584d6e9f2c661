"""Clips and real files that the tests read."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

MEDIA = os.environ.get("TRIX_MEDIA")


def ffmpeg(*arguments: str | os.PathLike[str]) -> bytes:
    """Runs the ffmpeg program and returns what it writes to its standard output."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *map(os.fspath, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for clips that several tests read."""
    return tmp_path_factory.mktemp("clips")


def made(path: Path, *arguments: str) -> Path:
    if not path.exists():
        ffmpeg(*arguments, path)
    return path


@pytest.fixture(scope="session")
def clip(clips: Path) -> Path:
    """50 frames of H.264 with B-frames, a keyframe every 12, 25 fps, and 2 seconds of stereo PCM."""
    return made(
        clips / "clip.mov",
        *("-f", "lavfi", "-i", "testsrc2=size=192x108:rate=25:duration=2"),
        *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=2"),
        *("-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,setparams=colorspace=bt709:range=tv"),
        *("-af", "aformat=channel_layouts=stereo", "-c:v", "libx264", "-g", "12", "-bf", "2", "-c:a", "pcm_s16le"),
        *("-colorspace", "bt709", "-color_range", "tv", "-shortest"),
    )


@pytest.fixture(scope="session")
def deep_clip(clips: Path) -> Path:
    """20 frames of 10-bit 4:2:2 in FFV1."""
    return made(
        clips / "deep.mkv",
        *("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=24:duration=1", "-frames:v", "20"),
        *("-vf", "scale=out_color_matrix=bt2020:out_range=tv,format=yuv422p10le,setparams=colorspace=bt2020nc:range=tv"),
        *("-c:v", "ffv1"),
    )


@pytest.fixture(scope="session")
def damaged_clip(clip: Path) -> Path:
    """The clip with noise in its keyframe after one second or so."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pos,size,flags", "-of", "csv=p=0"]
    rows = subprocess.run([*command, clip], check=True, capture_output=True, text=True).stdout.split()
    packets = [(int(row.split(",")[1]), int(row.split(",")[0]), "K" in row) for row in rows]
    position, size, _ = [packet for packet in packets if packet[2]][2]
    data = bytearray(clip.read_bytes())
    # The length of the unit and its header stay.
    data[position + 60 : position + size] = bytes((7 * number) % 251 for number in range(size - 60))
    path = clip.with_name("damaged.mov")
    path.write_bytes(data)
    return path


def media(*names: str) -> list[pytest.param]:
    """Real files, by name; skipped where there are none."""
    folder = Path(MEDIA) if MEDIA else None
    skip = pytest.mark.skipif(folder is None, reason="TRIX_MEDIA names no folder of real files")
    return [pytest.param(folder / name if folder else Path(name), id=name, marks=skip) for name in names]
