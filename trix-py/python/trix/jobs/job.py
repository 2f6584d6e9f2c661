"""A job, and its output files.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .._record import Settings
from .audio import AudioSettings, AudioShape, TrackSettings
from .packages import PackageJob
from .picture import PictureSettings
from .source import SourceSettings
from .stills import StillSettings
from .subtitles import SubtitleSettings
from .video import VideoSettings


@dataclass(kw_only=True, repr=False, eq=False)
class Job(Settings):
    """A job of Trix: a source, and what is made of it. In TOML, YAML or JSON."""
    chunks: Chunks | None = None
    """Whether the film is encoded in chunks. A job that was killed then goes on with the chunks
    that are missing. Default: `auto`, for films that are longer than ten minutes.
    """
    description: str | None = None
    """What this document is for."""
    hash: bool | None = None
    """True if source and outputs are hashed (SHA-256). The source is hashed from the data that the
    job reads anyway.
    """
    inherits: str | list[str] | None = None
    """A profile or a list of profiles, by name or file. Their settings hold where this document
    says nothing.
    """
    measure_loudness: bool | None = None
    """True if the loudness of every audio track that is kept is measured (EBU R 128)."""
    memory: MemoryLimit | None = None
    """The most memory that the job may use, such as `4 GiB`. To keep within it, queues between
    stages get shorter, fewer frames are converted at once, and fewer chunks or outputs are
    encoded at once. Nothing that determines the bytes of outputs changes. A job that needs more
    is refused before anything is decoded. Default: `auto`. Then chunks take four fifths of the
    memory that is free, and Trix warns if a job may need more memory than the machine has.
    """
    on_lead_failure: OnLeadFailure | None = None
    """What happens to the outputs that follow the analysis of another one when its encoder fails.
    """
    on_output_failure: OnOutputFailure | None = None
    """What happens to the other outputs when one fails."""
    outputs: list[OutputSettings] | None = None
    """Output files, all of them from one decode."""
    overwrite_stills: bool | None = None
    """True if existing files with the names of stills may be replaced."""
    packages: list[PackageJob] | None = None
    """Packages for streaming, from the same decode."""
    scale_from_larger: bool | None = None
    """True if a smaller size may be scaled from the next larger one of the same frames instead of
    from the frames of the source. Default: false, because scaling twice is not quite the same
    as scaling once. It is meant for ladders, and not for archive copies. For a ladder of 1080,
    720, 480 and 360 rows on two cores, it saves a third of the processor time of scaling: 1 %
    of the job with x264 veryfast at 8 bits, 10 % if 10 bits become 8 and x264 runs ultrafast,
    and 34 % if high dynamic range is tone mapped, which is then done once for all sizes.
    Compared with direct scaling, the frames of 360 rows have a PSNR of 59 dB and an SSIM of
    0.9995; tone mapped, 45 dB and 0.995, because they are then tone mapped before they are
    scaled.
    """
    share_analysis: ShareAnalysis | None = None
    """Whether HEVC outputs of the same frames share one analysis: one of them leads, and the
    others follow its decisions, at any bit depth. It saves processor time and costs some
    quality. Outputs share if they agree in all settings but depth and quality; the decisions of
    the plan name those that do not, and why. Default: `off`.
    """
    source: SourceSettings | None = None
    """The source."""
    stills: list[StillSettings] | None = None
    """Still images, from the same decode."""
    threads: int | None = None
    """Threads that the decoder, the filters and each encoder may use. `None`: for one output the
    number that the libraries choose on the machine that the job is planned for; for several a
    share of its cores. The plan shows the numbers. They are part of the job, because x264 and
    x265 write different streams with different numbers of threads.
    """
    tracks: list[TrackSettings] | None = None
    """External audio tracks. They come after the tracks of the source in every output that does
    not list its tracks.
    """
    variables: dict[str, str | float | bool] | None = None
    """Values that stand wherever ${name} is written; ${stem} is the name of the source."""


@dataclass(kw_only=True, repr=False, eq=False)
class OutputSettings(Settings):
    """An output file."""
    audio: AudioSettings | None = None
    """How the audio is written."""
    audio_shape: AudioShape | None = None
    """Channel layout and sample rate of encoded audio. Default: those of the source."""
    cases: list[OutputSettingsCases] | None = None
    """Other settings of this table for sources of which the `when` of the case holds."""
    compatible: bool | None = None
    """True if common players and browsers have to decode the output. With x264 and x265, `chroma`
    that is not set is 4:2:0. `depth` that is not set is at most 8 bits of H.264, or 10 bits of
    HEVC. A `profile` or a lossless encode leaves both as they are. Audio that is `auto` becomes
    AAC in an MP4 or MOV if few players decode it there.
    """
    id: str | None = None
    """A name by which a document that inherits this one can change it."""
    metadata: dict[str, str] | None = None
    """Tags of the whole file. They are added to those of the source or replace them; an empty
    value removes a tag.
    """
    overwrite: bool | None = None
    """True if an existing file with this name may be replaced."""
    path: str | None = None
    """The file name. Its extension decides the container: `.mp4` `.m4v`, `.mov`, `.mkv`, `.webm`,
    `.ts`, `.m2ts`, `.mts`, `.mxf`.
    """
    picture: PictureSettings | None = None
    """What is done to frames before they are encoded."""
    subtitles: SubtitleSettings | None = None
    """How subtitles are written."""
    threads: int | None = None
    """Threads for the video encoder. Default: a share of the job's threads."""
    tracks: list[int] | None = None
    """The audio tracks, by number from zero: all tracks of the source first, then the external
    ones. Default: those that `source.audio_tracks` selects, and all external ones.
    """
    verify: VerifyLevel | None = None
    """How the output is verified before it gets its name."""
    video: VideoSettings | None = None
    """How the video is written."""
    when: dict[str, str | float | bool] | None = None
    """Traits of the source, all of which must hold: true or false (video, audio, subtitles,
    interlaced, hdr), a number or a comparison such as ">=1080" (width, height, fps, depth,
    channels, duration).
    """


@dataclass(kw_only=True, repr=False, eq=False)
class OutputSettingsCases(Settings):
    when: dict[str, str | float | bool]
    """Traits of the source, all of which must hold: true or false (video, audio, subtitles,
    interlaced, hdr), a number or a comparison such as ">=1080" (width, height, fps, depth,
    channels, duration).
    """


# Whether a film is encoded in chunks: ranges of frames that are encoded one by one, and kept
# until the job is done.
Chunks: TypeAlias = Literal["auto", "on", "off"]

# auto, or a number of bytes: 4 GiB, 1500 MB or 1073741824
MemoryLimit: TypeAlias = str | int

# What happens to the outputs that follow the analysis of another one when its encoder fails.
OnLeadFailure: TypeAlias = Literal["fail", "alone"]

# What happens to the other outputs when one fails.
OnOutputFailure: TypeAlias = Literal["fail", "continue"]

# Whether HEVC outputs of the same frames share one analysis.
ShareAnalysis: TypeAlias = Literal["off", "balanced", "fast"]

# How an output is verified.
VerifyLevel: TypeAlias = Literal["off", "structure", "full"]
