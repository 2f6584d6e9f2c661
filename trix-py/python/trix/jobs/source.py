"""The source of a job, and the part of it to read.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from .._record import Settings, Timestamp


@dataclass(kw_only=True, repr=False, eq=False)
class Limits(Settings):
    """Limits of a source. A source beyond them is an error of kind `Limit`."""
    packet_bytes: int | None = None
    """Bytes of one compressed frame or block of audio. Default 512 MiB."""
    pixels: int | None = None
    """Samples per frame. Default 71 303 168, twice 8192x4320 (full-size DCI 8K)."""
    probe_bytes: int | None = None
    """Bytes that may be read to identify the streams. Default 64 MiB."""
    side: int | None = None
    """Width in samples or height in rows of a frame. Default 16384, the most that implementations
    of HEVC level 6.2 accept.
    """
    streams: int | None = None
    """Streams in the file. Default 256: a feature film with every language has far fewer."""


@dataclass(kw_only=True, repr=False, eq=False)
class RawGeometry(Settings):
    """The frame format of a file without a header, which only its owner knows."""
    height: int
    """Height in rows."""
    pixel_format: str
    """FFmpeg's name of the pixel format, e.g. `yuv420p10le`."""
    rate: Fraction | int | str
    """Frames per second."""
    width: int
    """Width in samples."""


@dataclass(kw_only=True, repr=False, eq=False)
class SourceSettings(Settings):
    """The source and the part of it to read."""
    audio_drift: AudioDrift | None = None
    """What to do if the audio's timestamps drift away from its samples."""
    audio_tracks: AudioTracks | None = None
    """The audio tracks for outputs that do not list their own: `all`, `none`, or numbers from 0
    and languages. Default: every track of the programme of the video.
    """
    duration: Timestamp | Fraction | float | int | str | None = None
    """The duration of the output."""
    frames: int | None = None
    """The largest number of frames of the output."""
    limits: Limits | None = None
    """The limits of the source."""
    on_damage: OnDamage | None = None
    """What to do if the source is damaged."""
    path: str | None = None
    """A local file, or a pattern for the numbered files of an image sequence in one folder:
    `shot.%04d.dpx`.
    """
    rate: Fraction | int | str | None = None
    """Frames per second of an image sequence; `None`: the rate in the headers, else 25."""
    raw: RawGeometry | None = None
    """The frame format of a file of raw frames without a header."""
    start: Timestamp | Fraction | float | int | str | None = None
    """The start of the output, counted from the start of the source. Frames before it are dropped.
    """
    video_stream: int | None = None
    """The video stream to encode, by its index in the file. Default: the main video. It is not a
    cover, not a still image, and not a stream without the default flag if another stream has
    that flag.
    """


# How to correct audio whose timestamps and sample count drift apart.
AudioDrift: TypeAlias = Literal["fill", "stretch"]

# Audio tracks of the source: all, none, or numbers (from 0 on) and languages: 1, "eng", "0,eng",
# [0, "eng"]
AudioTracks: TypeAlias = str | int | list[str | int]

# The reaction to damage in a source.
OnDamage: TypeAlias = Literal["fail", "conceal"]
