"""Packages for streaming.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from .._record import Settings
from .audio import AudioSettings, AudioShape
from .picture import PictureSettings
from .video import VideoSettings


@dataclass(kw_only=True, repr=False, eq=False)
class PackageJob(Settings):
    """A package: a folder with CMAF segments, playlists of HLS and a manifest of DASH."""
    audio: AudioSettings | None = None
    """How each audio track is written."""
    audio_shape: AudioShape | None = None
    """Channel layout and sample rate of encoded audio."""
    cases: list[PackageJobCases] | None = None
    """Other settings of this table for sources of which the `when` of the case holds."""
    id: str | None = None
    """A name by which a document that inherits this one can change it."""
    ladder: list[Rung] | None = None
    """Renditions, the largest first. Those with more rows than the source are left out."""
    layout: Layout | None = None
    """How segments are stored."""
    overwrite: bool | None = None
    """True if an existing package with this name may be replaced."""
    path: str | None = None
    """The folder."""
    picture: PictureSettings | None = None
    """What is done to frames before they are scaled."""
    segment: Fraction | int | str | None = None
    """Duration of a segment in seconds, 1 to 60; a keyframe is forced at the start of each.
    Default: 6.
    """
    subtitles: bool | None = None
    """True if text subtitles are included, as WebVTT."""
    video: dict[str, Any] | None = None
    """Settings that all rungs share."""
    when: dict[str, str | float | bool] | None = None
    """Traits of the source, all of which must hold: true or false (video, audio, subtitles,
    interlaced, hdr), a number or a comparison such as ">=1080" (width, height, fps, depth,
    channels, duration).
    """


@dataclass(kw_only=True, repr=False, eq=False)
class PackageJobCases(Settings):
    when: dict[str, str | float | bool]
    """Traits of the source, all of which must hold: true or false (video, audio, subtitles,
    interlaced, hdr), a number or a comparison such as ">=1080" (width, height, fps, depth,
    channels, duration).
    """


@dataclass(kw_only=True, repr=False, eq=False)
class Rung(Settings):
    """A rendition of a ladder."""
    height: int | None = None
    """Height in rows; the width keeps the aspect ratio of the frame."""
    video: VideoSettings | dict[str, Any] | None = None


# How the segments of a rendition are stored.
Layout: TypeAlias = Literal["files", "single"]
