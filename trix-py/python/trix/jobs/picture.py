"""What is done to frames before they are encoded.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from .._record import Settings


@dataclass(kw_only=True, repr=False, eq=False)
class AutoCrop(Settings):
    """Black borders, measured at several places of the source."""
    type: Literal["auto"] = "auto"


@dataclass(kw_only=True, repr=False, eq=False)
class ColorOverride(Settings):
    """Colour properties that replace those of the source."""
    matrix: Matrix | None = None
    """Matrix from RGB to YCbCr."""
    primaries: Primaries | None = None
    """Colour primaries: which red, green and blue."""
    range: Range | None = None
    """Range: which code values are black and white."""
    transfer: Transfer | None = None
    """Transfer function, from light to code value."""


@dataclass(kw_only=True, repr=False, eq=False)
class NoneCrop(Settings):
    """Nothing."""
    type: Literal["none"] = "none"


@dataclass(kw_only=True, repr=False, eq=False)
class PictureSettings(Settings):
    """What is done to frames. By default, frames get the conversions that a viewer would miss, and
    the report names them.
    """
    alpha: Alpha | None = None
    """What is done to an alpha channel."""
    color: Standard | None = None
    """The target of colour conversion. Default: the colour of the source."""
    color_override: ColorOverride | None = None
    """Colour properties that replace those of the source."""
    crop: Crop | None = None
    """What is cropped at the edges."""
    deinterlace: Deinterlace | None = None
    """What is done to interlaced frames."""
    dynamic_hdr: DynamicHdr | None = None
    """What is done to HDR10+ and Dolby Vision metadata."""
    fps: Fraction | int | str | None = None
    """Frames per second; frames are repeated or dropped. Default: the times of the source."""
    inverse_telecine: bool | None = None
    """True to apply inverse telecine: film at 30000/1001 frames per second with 3:2 pulldown is
    restored to 24000/1001.
    """
    on_change: OnChange | None = None
    """What is done when the source changes its size or format in mid-stream."""
    pad: Size | str | None = None
    """The size of a black frame in which frames are centred."""
    range: Range | None = None
    """The target range of values. Default: the range of the source."""
    rate: Fraction | int | str | None = None
    """Frames per second; frames are repeated or dropped. Default: the times of the source."""
    resampler: Resampler | None = None
    """How samples are computed if the size changes."""
    rotate: Rotate | None = None
    """Whether frames are rotated and mirrored as the container specifies."""
    size: Size | str | None = None
    """The size after cropping; the side -2 follows from the other and the aspect ratio. Default:
    the source's.
    """
    source_color: ColorOverride | None = None
    """Colour properties that replace those of the source."""
    tonemap: Tonemap | None = None
    """How high dynamic range is converted to standard dynamic range."""


@dataclass(kw_only=True, repr=False, eq=False)
class Rectangle(Settings):
    """Everything but this rectangle of the coded frame."""
    height: int
    """Height in rows."""
    left: int
    """Samples to the left of it."""
    top: int
    """Rows above it."""
    width: int
    """Width in samples."""
    type: Literal["rectangle"] = "rectangle"


@dataclass(kw_only=True, repr=False, eq=False)
class Size(Settings):
    """Width and height; -2 stands for the even number that keeps the aspect ratio of the frame."""
    height: int
    """Height in rows, or -2."""
    width: int
    """Width in samples, or -2."""


@dataclass(kw_only=True, repr=False, eq=False)
class Vbi(Settings):
    """The 32 rows of the vertical blanking interval that D-10 (IMX) stores above the picture.
    Other sources stay whole.
    """
    type: Literal["vbi"] = "vbi"


# What is done to an alpha channel.
Alpha: TypeAlias = Literal["auto", "black", "refuse"]

# What is cropped at the edges.
Crop: TypeAlias = NoneCrop | AutoCrop | Vbi | Rectangle | str

# What is done to interlaced frames.
Deinterlace: TypeAlias = Literal["auto", "on", "fields", "off"]

# What is done to HDR10+ and Dolby Vision metadata.
DynamicHdr: TypeAlias = Literal["carry", "drop", "require"]

Matrix: TypeAlias = str

# What is done when the source changes its size or format in mid-stream.
OnChange: TypeAlias = Literal["scale", "refuse"]

Primaries: TypeAlias = str

# Which code values black and white have.
Range: TypeAlias = Literal["unspecified", "limited", "full"]

# How new samples are computed from old ones.
Resampler: TypeAlias = Literal["lanczos", "bicubic", "bilinear"]

# Whether frames are rotated upright.
Rotate: TypeAlias = Literal["auto", "off"]

# Primaries, transfer and matrix that belong together.
Standard: TypeAlias = Literal["bt709", "bt601-525", "bt601-625", "bt2020", "pq", "hlg"]

# How high dynamic range is converted to standard dynamic range. Light is scaled so that reference
# white (203 cd/m2, ITU-R BT.2408) is 1, primaries are converted to those of BT.709, and the
# operator compresses brighter values.
Tonemap: TypeAlias = Literal["auto", "off", "mobius", "hable", "reinhard"]

Transfer: TypeAlias = str
