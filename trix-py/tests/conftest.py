"""Clips and real files that the tests read."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
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


@pytest.fixture(scope="session")
def long_clip(clips: Path) -> Path:
    """A minute of 720p whose decoding takes seconds."""
    path = clips / "long.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=50:duration=20", "-pix_fmt", "yuv420p"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "1000", path),
    )
    return path


def interrupted(work: Callable[[], object], after: float = 0.4) -> float:
    """Sends SIGINT to this process while `work` runs, and returns the seconds from the signal to KeyboardInterrupt."""
    sent: list[float] = []

    def send() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(after, send)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        timer.join()
    return time.monotonic() - sent[0]


def script(text: str, *arguments: os.PathLike[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(text), *map(os.fspath, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def planes(path: Path, format: str) -> bytes:
    return ffmpeg("-i", path, "-map", "0:v:0", "-f", "rawvideo", "-pix_fmt", format, "-fps_mode", "passthrough", "-")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def listing(folder: Path) -> list[str]:
    """All names in a folder, hidden ones too."""
    return sorted(os.listdir(folder))


def slow(source: Path, folder: Path) -> dict[str, Any]:
    """A job that takes half a minute."""
    video = {"type": "x265", "preset": "slow"}
    return {"source": {"path": str(source)}, "outputs": [{"path": str(folder / "slow.mkv"), "video": video}]}


def packed(planes: Sequence[npt.NDArray[np.generic]]) -> bytes:
    return b"".join(np.ascontiguousarray(plane).tobytes() for plane in planes)


def media(*names: str) -> list[pytest.param]:
    """Real files, by name; skipped where there are none."""
    folder = Path(MEDIA) if MEDIA else None
    skip = pytest.mark.skipif(folder is None, reason="TRIX_MEDIA names no folder of real files")
    return [pytest.param(folder / name if folder else Path(name), id=name, marks=skip) for name in names]
