"""The source of a job, and external audio tracks.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from .._record import Record, Timestamp
from .audio import LoudnessTarget, Pitch
from .fixity import Identity


@dataclass(kw_only=True, repr=False, eq=False)
class ExternalAudioPlan(Record):
    """An external audio track of a plan."""
    _may_be_absent = frozenset(["doubt"])

    identities: list[Identity]
    """The identity of each file when the plan was made."""
    settings: TrackSettings
    """Its files and their settings."""
    doubt: str | None = None
    """Why its offset is probably wrong, if it is."""


@dataclass(kw_only=True, repr=False, eq=False)
class Limits(Record):
    """Limits of a source. A source beyond them is an error of kind `Limit`."""
    packet_bytes: int
    """Bytes of one compressed frame or block of audio. Default 512 MiB."""
    pixels: int
    """Samples per frame. Default 71 303 168, twice 8192x4320 (full-size DCI 8K)."""
    probe_bytes: int
    """Bytes that may be read to identify the streams. Default 64 MiB."""
    side: int
    """Width in samples or height in rows of a frame. Default 16384, the most that implementations
    of HEVC level 6.2 accept.
    """
    streams: int
    """Streams in the file. Default 256: a feature film with every language has far fewer."""


@dataclass(kw_only=True, repr=False, eq=False)
class RawGeometry(Record):
    """The frame format of a file without a header, which only its owner knows."""
    height: int
    """Height in rows."""
    pixel_format: str
    """FFmpeg's name of the pixel format, e.g. `yuv420p10le`."""
    rate: Fraction
    """Frames per second."""
    width: int
    """Width in samples."""


@dataclass(kw_only=True, repr=False, eq=False)
class SourcePlan(Record):
    """The source of a plan."""
    identity: Identity
    """The identity of the source when the plan was made. A plan for a source that has changed
    since is refused.
    """
    settings: SourceSettings
    """How the source is read."""


@dataclass(kw_only=True, repr=False, eq=False)
class SourceSettings(Record):
    """The source and the part of it to read."""
    _may_be_absent = frozenset(["audio_tracks", "duration", "rate", "raw", "start", "video_stream"])

    audio_drift: AudioDrift
    """What to do if the audio's timestamps drift away from its samples."""
    frames: int | None
    """The largest number of frames of the output."""
    limits: Limits
    """The limits of the source."""
    on_damage: OnDamage
    """What to do if the source is damaged."""
    path: str
    """A local file, or a pattern for the numbered files of an image sequence in one folder:
    `shot.%04d.dpx`.
    """
    audio_tracks: AudioTracks | None = None
    """The audio tracks for outputs that do not list their own: `all`, `none`, or numbers from 0
    and languages. Default: every track of the programme of the video.
    """
    duration: Timestamp | None = None
    """The duration of the output."""
    rate: Fraction | None = None
    """Frames per second of an image sequence; `None`: the rate in the headers, else 25."""
    raw: RawGeometry | None = None
    """The frame format of a file of raw frames without a header."""
    start: Timestamp | None = None
    """The start of the output, counted from the start of the source. Frames before it are dropped.
    """
    video_stream: int | None = None
    """The video stream to encode, by its index in the file. Default: the main video. It is not a
    cover, not a still image, and not a stream without the default flag if another stream has
    that flag.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class TrackInput(Record):
    """The source of channels of a track."""
    _may_be_absent = frozenset(["channel", "stream"])

    path: str
    """The file."""
    channel: int | None = None
    """Number of the channel in the stream, from zero. Default: all."""
    stream: int | None = None
    """Index of the stream in the file. Default: the first audio stream."""


@dataclass(kw_only=True, repr=False, eq=False)
class TrackSettings(Record):
    """An external audio track. Unknown keys are refused."""
    _may_be_absent = frozenset([
        "disposition", "gain", "inputs", "language", "layout", "length", "loudness", "map", "offset", "path", "pitch", "tempo",
        "title", "tolerance",
    ])

    disposition: list[Disposition] | None = None
    """The purposes of the track."""
    gain: float | None = None
    """Gain in dB, -60 to 60. Not together with `loudness`."""
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
    tempo: Tempo | None = None
    """The speed of the track as a factor."""
    title: str | None = None
    """The title of the track in players."""
    tolerance: str | None = None
    """The largest difference between the lengths of track and video with the length `fail`.
    Default: 40 ms; beyond it, EBU R 37 regards audio as out of sync.
    """


# How to correct audio whose timestamps and sample count drift apart.
AudioDrift: TypeAlias = Literal["fill", "stretch"]

# Audio tracks of the source: all, none, or numbers (from 0 on) and languages: 1, "eng", "0,eng",
# [0, "eng"]
AudioTracks: TypeAlias = str | int | list[str | int]

# The purpose of a track.
Disposition: TypeAlias = Literal[
    "default", "dub", "original", "comment", "forced", "hearing_impaired", "visual_impaired", "clean_effects", "lyrics",
    "karaoke",
]

# What is done to a track that is shorter or longer than the video.
LengthPolicy: TypeAlias = Literal["as_is", "pad", "trim", "fit", "fail"]

# The reaction to damage in a source.
OnDamage: TypeAlias = Literal["fail", "conceal"]

# How many times as fast: a ratio such as 25/24, or two rates of frames: 24000/1001->25
Tempo: TypeAlias = str
