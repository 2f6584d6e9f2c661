"""What describes a track of a file, and chapters.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .._record import Record, Timestamp


@dataclass(kw_only=True, repr=False, eq=False)
class Chapter(Record):
    """A chapter, from `start` up to `end`."""
    end: Timestamp
    """When it ends."""
    start: Timestamp
    """When it starts."""
    title: str | None
    """Title."""


@dataclass(kw_only=True, repr=False, eq=False)
class TrackTags(Record):
    """The properties of a track, other than its codec, that a container stores."""
    disposition: list[str]
    """The purposes of the track, by FFmpeg's names."""
    language: str | None
    """ISO 639 code."""
    other: list[tuple[str, str]]
    """All other tags."""
    title: str | None
    """Title."""


# What kind of data a stream carries.
StreamKind: TypeAlias = Literal["video", "audio", "subtitle", "attachment", "data"]
