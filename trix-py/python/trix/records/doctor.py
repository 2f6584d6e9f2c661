"""What a build of Trix can do.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass

from .._readable import DoctorWords
from .._record import Record


@dataclass(kw_only=True, repr=False, eq=False)
class Doctor(DoctorWords, Record):
    """What this build can do."""
    decoders: list[str]
    """Decoders in libavcodec."""
    ffmpeg_licence: str
    """FFmpeg's licence as built."""
    libraries: list[Library]
    """The libraries that it runs with."""
    needs: list[Need]
    """Each thing that a job may need."""
    ok: bool
    """True if nothing is missing."""
    trix: str
    """Version of Trix."""
    x264_depths: list[int]
    """Depths that x264 encodes."""
    x265_depths: list[int]
    """Depths that x265 encodes."""


@dataclass(kw_only=True, repr=False, eq=False)
class Library(Record):
    """A library and its version."""
    name: str
    """Name."""
    version: str
    """Version, as the library reports it."""


@dataclass(kw_only=True, repr=False, eq=False)
class Need(Record):
    """A thing that a job may need."""
    name: str
    """What."""
    package: str
    """The Debian package that brings it."""
    present: bool
    """True if it is there."""
    purpose: str
    """What lacks without it."""
