"""How video is written.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from .._record import Settings, Timestamp


@dataclass(kw_only=True, repr=False, eq=False)
class AutoVideo(Settings):
    """H.264 through libx264; the compressed frames as they are where the container cannot hold
    H.264; nothing where the source has no video.
    """
    type: Literal["auto"] = "auto"


@dataclass(kw_only=True, repr=False, eq=False)
class Bitrate(Settings):
    """An average bit rate."""
    kbps: int
    """Thousands of bits in a second."""
    passes: int | None = None
    """1, or 2: the first reads the whole source to learn where bits are needed."""
    type: Literal["bitrate"] = "bitrate"


@dataclass(kw_only=True, repr=False, eq=False)
class CopyVideo(Settings):
    """The compressed frames as they are."""
    type: Literal["copy"] = "copy"


@dataclass(kw_only=True, repr=False, eq=False)
class Crf(Settings):
    """Constant rate factor: 0 to 51; lower is better."""
    value: float
    """The factor."""
    type: Literal["crf"] = "crf"


@dataclass(kw_only=True, repr=False, eq=False)
class Ffv1(Settings):
    """FFV1 version 3 through libavcodec: lossless, every frame by itself, a checksum in every
    slice.
    """
    chroma: Chroma | None = None
    """Chroma subsampling. Default: the source's."""
    depth: Literal[8, 10, 12, 16] | None = None
    """Bits in a sample: 8, 10, 12 or 16. Default: the source's, or the nearest higher one."""
    params: dict[str, str] | None = None
    """Options by FFmpeg's names: `coder`, `context`, `slices` (1 to 1024)."""
    rate: Ffv1Rate | None = None
    """FFV1 is always lossless. A job may say so."""
    type: Literal["ffv1"] = "ffv1"


@dataclass(kw_only=True, repr=False, eq=False)
class LosslessFfv1Rate(Settings):
    """Every sample comes back as it went in."""
    type: Literal["lossless"] = "lossless"


@dataclass(kw_only=True, repr=False, eq=False)
class LosslessRateControl(Settings):
    """Every sample comes back as it went in."""
    type: Literal["lossless"] = "lossless"


@dataclass(kw_only=True, repr=False, eq=False)
class NoneVideo(Settings):
    """Left out."""
    type: Literal["none"] = "none"


@dataclass(kw_only=True, repr=False, eq=False)
class Prores(Settings):
    """Apple ProRes through libavcodec: every frame by itself."""
    chroma: Chroma | None = None
    """Chroma subsampling: 4:2:2 or 4:4:4. Default: that of the profile."""
    depth: Literal[10] | None = None
    """Bits in a sample: 10."""
    params: dict[str, str] | None = None
    """Options by FFmpeg's names: `alpha_bits`, `bits_per_mb`, `mbs_per_slice`, `quant_mat`,
    `vendor`.
    """
    profile: str | None = None
    """Profile: proxy, lt, standard, hq (default for 4:2:0 and 4:2:2 without alpha), 4444 (default
    otherwise), 4444xq.
    """
    type: Literal["prores"] = "prores"


@dataclass(kw_only=True, repr=False, eq=False)
class Qp(Settings):
    """Constant quantiser: 0 to 69 of x264, 0 to 51 of x265; lower is better."""
    value: int
    """The quantiser of P frames."""
    type: Literal["qp"] = "qp"


@dataclass(kw_only=True, repr=False, eq=False)
class Target(Settings):
    """The constant rate factor with which the output reaches a score. It is found before the job
    is planned, by encodes of parts of the film.
    """
    metric: TargetMetric
    """What is measured."""
    value: float
    """The score against the frames that the encoder gets: `psnr` in decibels, 20 to 80; `ssim` 0.5
    to 0.9999; `vmaf` 20 to 99.
    """
    type: Literal["target"] = "target"


@dataclass(kw_only=True, repr=False, eq=False)
class X264(Settings):
    """H.264 through libx264."""
    bitrate: int | None = None
    """Average bit rate in kbit/s. Short for rate."""
    bufsize: int | None = None
    """Size of the buffer of the decoder, in kbit."""
    chroma: Chroma | None = None
    """Chroma subsampling. Default: the source's."""
    crf: float | None = None
    """Constant rate factor; lower is better. Short for rate."""
    depth: Literal[8, 10] | None = None
    """Bits in a sample: 8 or 10 (x264), 8, 10 or 12 (x265). Default: the source's, or the nearest
    lower one.
    """
    force_keyframes: list[Timestamp | Fraction | float | int | str] | None = None
    """Times, counted from the start of the output, at which a keyframe is forced."""
    gop: int | None = None
    """Maximum number of frames from one keyframe to the next."""
    key_interval: Timestamp | Fraction | float | int | str | None = None
    """A keyframe is forced at every multiple of this time."""
    keyframes: list[Timestamp | Fraction | float | int | str] | None = None
    """Times, counted from the start of the output, at which a keyframe is forced."""
    level: str | None = None
    """Level, e.g. `4.1`."""
    lossless: Literal[True, False] | None = None
    """True if every sample comes back as it went in; false takes back an inherited true. Short for
    rate.
    """
    maxrate: int | None = None
    """Maximum rate at which the buffer of the decoder is filled, in kbit/s."""
    open_gop: bool | None = None
    """True if frames may refer across a keyframe."""
    params: dict[str, str] | None = None
    """Any other option of the encoder, by the name and value that its own program takes."""
    passes: int | None = None
    """Passes of an average bit rate. Short for rate."""
    preset: str | None = None
    """Preset by the encoder's name."""
    profile: str | None = None
    """Profile by the encoder's name."""
    qp: int | None = None
    """Constant quantiser; lower is better. Short for rate."""
    rate: RateControl | None = None
    """Control of rate and quality. Default: the constant rate factor of the encoder."""
    target: str | None = None
    """A score that the encode reaches, such as psnr=42, ssim=0.985 or vmaf=95. Short for rate."""
    tune: str | None = None
    """Tune by the encoder's name."""
    type: Literal["x264"] = "x264"


@dataclass(kw_only=True, repr=False, eq=False)
class X265(Settings):
    """HEVC through libx265."""
    bitrate: int | None = None
    """Average bit rate in kbit/s. Short for rate."""
    bufsize: int | None = None
    """Size of the buffer of the decoder, in kbit."""
    chroma: Chroma | None = None
    """Chroma subsampling. Default: the source's."""
    crf: float | None = None
    """Constant rate factor; lower is better. Short for rate."""
    depth: Literal[8, 10, 12] | None = None
    """Bits in a sample: 8 or 10 (x264), 8, 10 or 12 (x265). Default: the source's, or the nearest
    lower one.
    """
    force_keyframes: list[Timestamp | Fraction | float | int | str] | None = None
    """Times, counted from the start of the output, at which a keyframe is forced."""
    gop: int | None = None
    """Maximum number of frames from one keyframe to the next."""
    key_interval: Timestamp | Fraction | float | int | str | None = None
    """A keyframe is forced at every multiple of this time."""
    keyframes: list[Timestamp | Fraction | float | int | str] | None = None
    """Times, counted from the start of the output, at which a keyframe is forced."""
    level: str | None = None
    """Level, e.g. `4.1`."""
    lossless: Literal[True, False] | None = None
    """True if every sample comes back as it went in; false takes back an inherited true. Short for
    rate.
    """
    maxrate: int | None = None
    """Maximum rate at which the buffer of the decoder is filled, in kbit/s."""
    open_gop: bool | None = None
    """True if frames may refer across a keyframe."""
    params: dict[str, str] | None = None
    """Any other option of the encoder, by the name and value that its own program takes."""
    passes: int | None = None
    """Passes of an average bit rate. Short for rate."""
    preset: str | None = None
    """Preset by the encoder's name."""
    profile: str | None = None
    """Profile by the encoder's name."""
    qp: int | None = None
    """Constant quantiser; lower is better. Short for rate."""
    rate: RateControl | None = None
    """Control of rate and quality. Default: the constant rate factor of the encoder."""
    target: str | None = None
    """A score that the encode reaches, such as psnr=42, ssim=0.985 or vmaf=95. Short for rate."""
    tune: str | None = None
    """Tune by the encoder's name."""
    type: Literal["x265"] = "x265"


# Chroma subsampling.
Chroma: TypeAlias = Literal["400", "420", "422", "444"]

# The only rate of FFV1.
Ffv1Rate: TypeAlias = LosslessFfv1Rate

# Control of rate and quality.
RateControl: TypeAlias = Crf | Qp | LosslessRateControl | Bitrate | Target

# A measure of quality that an encode can aim at.
TargetMetric: TypeAlias = Literal["psnr", "ssim", "vmaf"]

# Settings for the video of an output.
VideoSettings: TypeAlias = AutoVideo | X264 | X265 | Ffv1 | Prores | CopyVideo | NoneVideo | str
