"""How subtitles are written.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .._record import Settings


@dataclass(kw_only=True, repr=False, eq=False)
class Ass(Settings):
    """Advanced SubStation Alpha."""
    type: Literal["ass"] = "ass"


@dataclass(kw_only=True, repr=False, eq=False)
class CopySubtitles(Settings):
    """Copied if the container can hold them. Other text subtitles are converted to the text codec
    of the container. The report names bitmap subtitles that the container cannot hold.
    """
    type: Literal["copy"] = "copy"


@dataclass(kw_only=True, repr=False, eq=False)
class MovText(Settings):
    """3GPP timed text (ETSI TS 126 245), the text of MP4 and MOV."""
    type: Literal["mov_text"] = "mov_text"


@dataclass(kw_only=True, repr=False, eq=False)
class NoneSubtitles(Settings):
    """Left out."""
    type: Literal["none"] = "none"


@dataclass(kw_only=True, repr=False, eq=False)
class Subrip(Settings):
    """SubRip."""
    type: Literal["subrip"] = "subrip"


@dataclass(kw_only=True, repr=False, eq=False)
class Webvtt(Settings):
    """WebVTT."""
    type: Literal["webvtt"] = "webvtt"


# How subtitles are written. All tracks of the source are treated alike and keep their language,
# title and purpose.
SubtitleSettings: TypeAlias = CopySubtitles | NoneSubtitles | Subrip | MovText | Ass | Webvtt | str
