"""What is measured."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """One task, which every package does that can."""

    name: str
    title: str
    # A function of the modules below `tools`.
    function: str
    clip: str | None = None
    # Further arguments of the function.
    arguments: tuple[Any, ...] = ()
    # True if each frame is compared with that of a full decode by the same package.
    is_exact: bool = False
    # Frames that are given to an encoder: number and format.
    given: tuple[int, str] | None = None


# Clips of `cargo run -p trix-benches --bin clip`, by kind and number of frames; those of 1080p and 2160p have 25 frames a second.
CLIPS = {
    "h264": ("h264", 500),
    "hevc": ("hevc", 250),
    "hevc-2160p": ("hevc-2160p", 75),
    "prores": ("pro-res", 75),
}
RATE = 25

TITLES = {
    "h264": "1080p H.264",
    "hevc": "1080p HEVC, 10 bits",
    "hevc-2160p": "2160p HEVC, 10 bits",
    "prores": "1080p ProRes 4:2:2 HQ",
}


def chosen(clip: str) -> list[int]:
    """50 different numbers of frames in random order, the same in every run."""
    return random.Random(2026).sample(range(CLIPS[clip][1]), 50)


CASES = [
    *(Case(f"planes-{clip}", f"{title}: every frame, samples of the file", "planes", clip) for clip, title in TITLES.items()),
    *(Case(f"rgb-{clip}", f"{title}: every frame as 8-bit RGB", "rgb", clip) for clip, title in TITLES.items()),
    *(
        Case(f"random-{clip}", f"{TITLES[clip]}: 50 random frames as RGB", "numbered", clip, (chosen(clip),), is_exact=True)
        for clip in ("h264", "hevc")
    ),
    Case("sheet", "1080p H.264: a frame a second, 192x108, of 20 s", "sheet", "h264", (list(range(20)), (192, 108))),
    Case("x264", "60 RGB arrays of 1080p to x264, veryfast, crf 23", "encode_rgb", "h264", given=(60, "rgb24")),
    Case("x265", "30 arrays of 1080p, 10 bits, to x265, fast, crf 24", "encode_planes", "hevc", given=(30, "yuv420p10le")),
    Case("opens", "1,000 times open, first frame, close", "once", "h264"),
    Case("import", "import", "import"),
]


