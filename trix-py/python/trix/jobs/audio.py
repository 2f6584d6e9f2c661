"""How audio is written, and external audio tracks.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from .._record import Settings


@dataclass(kw_only=True, repr=False, eq=False)
class Aac(Settings):
    """AAC-LC."""
    kbps: int | None = None
    """Thousands of bits per second. Default: 64 for each channel."""
    type: Literal["aac"] = "aac"


@dataclass(kw_only=True, repr=False, eq=False)
class Ac3(Settings):
    """AC-3 (Dolby Digital), up to 5.1."""
    kbps: Literal[32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640] | None = None
    """Thousands of bits per second. Default: 192 for stereo, 448 for 5.1."""
    type: Literal["ac3"] = "ac3"


@dataclass(kw_only=True, repr=False, eq=False)
class Alac(Settings):
    """ALAC: lossless, 16 or 24 bits."""
    type: Literal["alac"] = "alac"


@dataclass(kw_only=True, repr=False, eq=False)
class AudioShape(Settings):
    """Format of encoded audio, where it differs from the source."""
    layout: str | None = None
    """Channel layout by FFmpeg's name: `mono`, `stereo`, `5.1`, `7.1` and so on. Channels of
    another layout are mixed with the coefficients of ITU-R BS.775, scaled so that nothing
    clips, unless there is a matrix.
    """
    loudness: LoudnessTarget | None = None
    """Target loudness of tracks without a target of their own. Each such track is read once more
    beforehand, to measure it.
    """
    matrix: list[list[float]] | None = None
    """Mix matrix: one row for each channel of the output, with one factor for each channel of the
    source. The factors are not scaled; values beyond the range of a sample are clipped. Empty:
    the standard mix.
    """
    sample_rate: int | None = None
    """Sample rate in Hz."""


@dataclass(kw_only=True, repr=False, eq=False)
class AutoAudio(Settings):
    """Copies the compressed audio if the container can hold it and can mark a cut in it to the
    sample. Otherwise encodes in the same codec, or losslessly, or in the codec of the container
    that loses least.
    """
    type: Literal["auto"] = "auto"


@dataclass(kw_only=True, repr=False, eq=False)
class CopyAudio(Settings):
    """Copies the compressed audio."""
    type: Literal["copy"] = "copy"


@dataclass(kw_only=True, repr=False, eq=False)
class Eac3(Settings):
    """E-AC-3 (Dolby Digital Plus), up to 5.1."""
    kbps: int | None = None
    """Thousands of bits per second. Default: 192 for stereo, 448 for 5.1."""
    type: Literal["eac3"] = "eac3"


@dataclass(kw_only=True, repr=False, eq=False)
class Flac(Settings):
    """FLAC: lossless, 16 or 24 bits."""
    type: Literal["flac"] = "flac"


@dataclass(kw_only=True, repr=False, eq=False)
class LoudnessTarget(Settings):
    """A target loudness. The track is measured first; then a gain is applied."""
    integrated_lufs: float | None = None
    """Gated loudness of the whole track, in LUFS, -70 to 0. Default: -23, that of EBU R 128."""
    mode: LoudnessMode | None = None
    """What to give up if the loudness and the peak limit exclude each other."""
    true_peak_dbtp: float | None = None
    """The limit of the true peak, in dBTP, -20 to 0. Default: -1, that of EBU R 128. A lossy codec
    can exceed it.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class NoneAudio(Settings):
    """Leaves the audio out."""
    type: Literal["none"] = "none"


@dataclass(kw_only=True, repr=False, eq=False)
class Opus(Settings):
    """Opus, always at 48 kHz."""
    kbps: int | None = None
    """Thousands of bits per second. Default: 64 for each channel."""
    type: Literal["opus"] = "opus"


@dataclass(kw_only=True, repr=False, eq=False)
class Pcm(Settings):
    """PCM at the source's depth: 16, 24 or 32 bits, or 32-bit floating point."""
    type: Literal["pcm"] = "pcm"


@dataclass(kw_only=True, repr=False, eq=False)
class Pcm16(Settings):
    """PCM of 16 bits."""
    type: Literal["pcm16"] = "pcm16"


@dataclass(kw_only=True, repr=False, eq=False)
class Pcm24(Settings):
    """PCM of 24 bits."""
    type: Literal["pcm24"] = "pcm24"


@dataclass(kw_only=True, repr=False, eq=False)
class Pcm32(Settings):
    """PCM of 32 bits."""
    type: Literal["pcm32"] = "pcm32"


@dataclass(kw_only=True, repr=False, eq=False)
class Pcmf32(Settings):
    """PCM of 32-bit floating point."""
    type: Literal["pcmf32"] = "pcmf32"


@dataclass(kw_only=True, repr=False, eq=False)
class TrackInput(Settings):
    """The source of channels of a track."""
    channel: int | None = None
    """Number of the channel in the stream, from zero. Default: all."""
    path: str | None = None
    """The file."""
    stream: int | None = None
    """Index of the stream in the file. Default: the first audio stream."""


@dataclass(kw_only=True, repr=False, eq=False)
class TrackSettings(Settings):
    """An external audio track. Unknown keys are refused."""
    cases: list[TrackSettingsCases] | None = None
    """Other settings of this table for sources of which the `when` of the case holds."""
    disposition: list[Disposition] | None = None
    """The purposes of the track."""
    gain: float | None = None
    """Gain in dB, -60 to 60. Not together with `loudness`."""
    id: str | None = None
    """A name by which a document that inherits this one can change it."""
    inputs: list[TrackInput] | None = None
    """Instead of `path`: streams and channels of one or more files, which are combined channel by
    channel.
    """
    language: str | None = None
    """Language: ISO 639-1, -2 or -3, or a BCP 47 tag."""
    layout: str | None = None
    """FFmpeg's name of the channel layout of the track. The channels are in its order (5.1: FL FR
    FC LFE BL BR), unless there is a map. Default: the layout of a single input; mono for one
    channel and stereo for two channels of several inputs.
    """
    length: LengthPolicy | None = None
    """What is done to a track that is shorter or longer than the video."""
    loudness: LoudnessTarget | None = None
    """The target loudness of the track."""
    map: dict[str, int] | None = None
    """The input channel of each loudspeaker: FFmpeg's abbreviation, and the number of the channel,
    counted through all inputs from zero. Not together with `layout`.
    """
    offset: str | None = None
    """How much later the track plays; negative: earlier, and its beginning is left out. A time
    such as `1.5` or `-00:00:02`, or with a unit: `-40ms`, `20us`, `2s`, `-1920/48000`.
    """
    path: str | None = None
    """A file. Its first audio stream is used unchanged."""
    pitch: Pitch | None = None
    """What happens to the pitch when the tempo changes."""
    tempo: Fraction | str | None = None
    """The speed of the track as a factor."""
    title: str | None = None
    """The title of the track in players."""
    tolerance: str | None = None
    """The largest difference between the lengths of track and video with the length `fail`.
    Default: 40 ms; beyond it, EBU R 37 regards audio as out of sync.
    """
    when: dict[str, str | float | bool] | None = None
    """Traits of the source, all of which must hold: true or false (video, audio, subtitles,
    interlaced, hdr), a number or a comparison such as ">=1080" (width, height, fps, depth,
    channels, duration).
    """


@dataclass(kw_only=True, repr=False, eq=False)
class TrackSettingsCases(Settings):
    when: dict[str, str | float | bool]
    """Traits of the source, all of which must hold: true or false (video, audio, subtitles,
    interlaced, hdr), a number or a comparison such as ">=1080" (width, height, fps, depth,
    channels, duration).
    """


# How the audio is written. All tracks of the source are treated alike and keep their language and
# title. `kbps` is the bitrate of each track in kbit/s (thousands of bits per second). Without it,
# the bitrate depends on the codec and the number of channels.
AudioSettings: TypeAlias = (
    AutoAudio | CopyAudio | NoneAudio | Aac | Opus | Ac3 | Eac3 | Flac | Alac | Pcm | Pcm16 | Pcm24 | Pcm32 | Pcmf32 | str
)

# The purpose of a track.
Disposition: TypeAlias = Literal[
    "default", "dub", "original", "comment", "forced", "hearing_impaired", "visual_impaired", "clean_effects", "lyrics",
    "karaoke",
]

# What is done to a track that is shorter or longer than the video.
LengthPolicy: TypeAlias = Literal["as_is", "pad", "trim", "fit", "fail"]

# What to give up if the target loudness needs peaks above the limit.
LoudnessMode: TypeAlias = Literal["linear", "dynamic"]

# What happens to the pitch when the tempo changes.
Pitch: TypeAlias = Literal["follow", "keep"]
