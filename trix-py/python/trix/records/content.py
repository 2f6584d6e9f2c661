"""What is written into a file or a rendition.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .._record import Record, Timestamp
from .audio import AudioEncode, AudioPlan
from .checks import VerifyLevel
from .tracks import Chapter, TrackTags
from .video import CopyPlan, EncodeId, VideoEncode, VideoPlan


@dataclass(kw_only=True, repr=False, eq=False)
class AttachmentPlan(Record):
    """A file inside the output, such as a font. Its bytes are read from the source again when the
    plan runs.
    """
    bytes: int
    """Size in bytes."""
    media_type: str
    """Media type."""
    name: str
    """File name."""
    stream: int
    """Index of the stream in the source."""
    xxh3: str
    """XXH3 (64 bits) of the bytes, as 16 hexadecimal digits."""


@dataclass(kw_only=True, repr=False, eq=False)
class AudioContentCopied(Record):
    """Packets of the source, or of an external track."""
    copied: AudioPlan


@dataclass(kw_only=True, repr=False, eq=False)
class AudioContentEncoded(Record):
    """The packets of an encode."""
    encoded: EncodeId


@dataclass(kw_only=True, repr=False, eq=False)
class ContentPlan(Record):
    """The content of a file or a rendition."""
    audio: list[AudioContent]
    """The audio tracks, in file order."""
    carried: Metadata
    """Subtitles, chapters, tags and other metadata."""
    decisions: list[Decision]
    """Decisions that the job left open."""
    end: Timestamp | None
    """End of the content, in the time of the source."""
    frames: int | None
    """Maximum number of frames."""
    notes: list[str]
    """Properties of the source that the output will lack, and other facts for a reader of the
    report.
    """
    origin: Timestamp
    """The time in the source that becomes time zero."""
    start: Timestamp | None
    """Start of the content, in the time of the source."""
    video: EncodeId | None
    """The encode of the video. `None` if video is copied or left out."""
    video_copy: CopyPlan | None
    """The copied frames. `None` if video is encoded or left out."""


@dataclass(kw_only=True, repr=False, eq=False)
class CoverPlan(Record):
    """A cover image. Its bytes are read from the source again when the plan runs."""
    bytes: int
    """Size in bytes."""
    codec: str
    """FFmpeg's name of the codec."""
    stream: int
    """Index of the stream in the source."""
    xxh3: str
    """XXH3 (64 bits) of the bytes, as 16 hexadecimal digits."""


@dataclass(kw_only=True, repr=False, eq=False)
class Decision(Record):
    """A decision that the job left open."""
    what: str
    """The decision."""
    why: str
    """Its reason: flags of the source, a measurement, a limit of the output."""


@dataclass(kw_only=True, repr=False, eq=False)
class EncodePlanAudio(Record):
    """Of an audio track."""
    audio: AudioEncode


@dataclass(kw_only=True, repr=False, eq=False)
class EncodePlanVideo(Record):
    """Of video."""
    video: VideoEncode


@dataclass(kw_only=True, repr=False, eq=False)
class Metadata(Record):
    """The content of an output besides video and audio."""
    attachments: list[AttachmentPlan]
    """Files inside the output."""
    chapters: list[Chapter]
    """Chapters, in the time of the output."""
    covers: list[CoverPlan]
    """Cover images that the container stores among its tags."""
    metadata: dict[str, str]
    """Tags of the whole file."""
    subtitles: list[SubtitlePlan]
    """Subtitle tracks, in the order in which they are written, after the audio."""
    tags: dict[int, TrackTags]
    """Language, title and purpose of each track, by the index of its stream in the source."""
    timecode: str | None
    """Time code of the first frame."""


@dataclass(kw_only=True, repr=False, eq=False)
class OutputPlan(Record):
    """The plan of a file or a rendition together with its encodes, as
    [`Plan::sink`](crate::plan::Plan::sink) returns it.
    """
    audio: list[AudioPlan]
    """The audio tracks, in the order in which they are written."""
    carried: Metadata
    """Everything besides video and audio."""
    container: Container
    """Container of the output."""
    decisions: list[Decision]
    """Automatic decisions."""
    end: Timestamp | None
    """The end of the output, in source time."""
    frames: int | None
    """The largest number of frames."""
    notes: list[str]
    """Content of the source that the output lacks, and other notes for the reader of the report."""
    origin: Timestamp
    """The source time at time zero of the output."""
    overwrite: bool
    """True if a file of this name may be replaced."""
    path: str
    """The file; of a rendition, the folder of its package with its name. No file of this name is
    written for it.
    """
    start: Timestamp | None
    """The start of the output, in source time."""
    threads: int | None
    """Threads of its video encoder; `None` if no video is encoded."""
    verify: VerifyLevel
    """How the output is verified."""
    video: VideoPlan | None
    """The encoded video; `None` if video is copied or left out."""
    video_copy: CopyPlan | None
    """The copied video; `None` if video is encoded or left out."""


@dataclass(kw_only=True, repr=False, eq=False)
class SubtitlePlan(Record):
    """How a subtitle track is made."""
    codec: str
    """FFmpeg's name of the codec as written."""
    copied: bool
    """True if it is copied; false if its text is converted."""
    stream: int
    """Index of the stream in the source."""


# The origin of an audio track.
AudioContent: TypeAlias = AudioContentEncoded | AudioContentCopied

# A container that Trix writes.
Container: TypeAlias = Literal["mp4", "mov", "matroska", "webm", "mpegts", "m2ts", "mxf"]

# An encode. It runs once, however many files and renditions take its packets.
EncodePlan: TypeAlias = EncodePlanVideo | EncodePlanAudio
