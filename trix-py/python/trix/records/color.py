"""How samples mean colours, and how players turn a picture.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from .._record import Record


@dataclass(kw_only=True, repr=False, eq=False)
class Chromaticity(Record):
    """A point of the CIE 1931 chromaticity diagram."""
    x: Fraction
    """Horizontal, 0 to 1."""
    y: Fraction
    """Vertical, 0 to 1."""


@dataclass(kw_only=True, repr=False, eq=False)
class Color(Record):
    """Everything that says how samples mean colour."""
    chroma_location: ChromaLocation
    """Where chroma samples sit."""
    matrix: Matrix
    """Which matrix from RGB to YCbCr."""
    primaries: Primaries
    """Which red, green and blue."""
    range: Range
    """Which values are black and white."""
    transfer: Transfer
    """Which curve from light to value."""


@dataclass(kw_only=True, repr=False, eq=False)
class ContentLight(Record):
    """Light levels of a master (CTA-861.3)."""
    max: int
    """MaxCLL: the brightest sample, in candela per square metre."""
    max_average: int
    """MaxFALL: the brightest average of a frame, in candela per square metre."""


@dataclass(kw_only=True, repr=False, eq=False)
class DolbyVision(Record):
    """The Dolby Vision properties that a container states (its configuration record)."""
    compatibility: int
    """The format of the base layer alone: 0 nothing, 1 HDR10, 2 SDR, 4 HLG, 6 HDR10 of a disc."""
    has_base: bool
    """True if there is a base layer."""
    has_enhancement: bool
    """True if there is an enhancement layer."""
    has_rpu: bool
    """True if frames have reference processing units."""
    level: int
    """Level: bounds pixels in a second."""
    profile: int
    """Profile, e.g. 5, 7 or 8."""
    version: tuple[int, int]
    """Version of the format: major and minor."""


@dataclass(kw_only=True, repr=False, eq=False)
class MasteringDisplay(Record):
    """The display that a master was graded on (SMPTE ST 2086)."""
    max_luminance: Fraction
    """Brightest, in candela per square metre."""
    min_luminance: Fraction
    """Darkest, in candela per square metre."""
    primaries: list[Chromaticity]
    """Red, green and blue."""
    white: Chromaticity
    """White."""


@dataclass(kw_only=True, repr=False, eq=False)
class Orientation(Record):
    """What a player does to a coded frame: first mirrors it, left to right, then turns it
    clockwise.
    """
    degrees: int
    """Degrees clockwise: 0, 90, 180 or 270."""
    mirrored: bool
    """True if left and right are exchanged before."""


@dataclass(kw_only=True, repr=False, eq=False)
class StaticHdr(Record):
    """Static metadata of a stream."""
    light: ContentLight | None
    """How bright it gets."""
    mastering: MasteringDisplay | None
    """The display that it was graded on."""


# Where chroma samples sit between the luma samples (H.273 figure 1, types 0 to 5).
ChromaLocation: TypeAlias = Literal["unspecified", "left", "center", "top-left", "top", "bottom-left", "bottom"]

Matrix: TypeAlias = str

Primaries: TypeAlias = str

# Which code values black and white have.
Range: TypeAlias = Literal["unspecified", "limited", "full"]

Transfer: TypeAlias = str
