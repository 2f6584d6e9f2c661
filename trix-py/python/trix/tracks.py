"""The audio tracks that a program gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._arguments import whole
from ._streams import Stream

__all__ = ["AudioTrack"]

# The usual layout of so many channels.
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def usual_layout(channels: int) -> str:
    """The usual layout of so many channels."""
    return _LAYOUTS.get(channels, f"{channels} channels")


@dataclass(frozen=True)
class AudioTrack:
    """An audio track that a program gives."""

    rate: int
    """Samples per second."""
    layout: str | None = None
    """Channels, such as `mono`, `stereo`, `5.1` or `3 channels`; by default the usual ones for the first array."""
    language: str | None = None
    """ISO 639 code."""
    title: str | None = None
    """Title."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", whole(self.rate, "a sample rate", 1, 768_000))


class Track:
    """An audio track of one encoder. Its first array decides its type and channels."""

    def __init__(self, settings: AudioTrack, stream: Stream) -> None:
        self.settings = settings
        self.stream = stream
        self.layout = settings.layout
        self.sample: str | None = None
        self.channels = 0

    def stated(self) -> dict[str, Any]:
        own = self.settings
        return {
            "sample_rate": own.rate,
            "layout": self.layout,
            "sample": self.sample,
            "language": own.language,
            "title": own.title,
        }
