"""What the streams of a file hold.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from .._record import Record, Timestamp
from .color import Color, ContentLight, DolbyVision, MasteringDisplay, Orientation, StaticHdr
from .reading import Timing
from .tracks import StreamKind


@dataclass(kw_only=True, repr=False, eq=False)
class AttachmentInfo(Record):
    """A file inside the container."""
    bytes: int
    """Size in bytes."""
    media_type: str | None
    """Media type."""
    name: str | None
    """File name."""


@dataclass(kw_only=True, repr=False, eq=False)
class AudioInfo(Record):
    """An audio stream."""
    _may_be_absent = frozenset(["data_bursts"])

    bit_depth: int | None
    """Bits per sample, if the codec has a bit depth. Containers also state one for lossy codecs,
    where it means nothing.
    """
    block_samples: int | None
    """Samples per block, if all blocks have the same number."""
    channel_labels: list[str]
    """The loudspeaker of each channel, in order (FL, FR, FC, LFE); empty if the file does not
    state them.
    """
    channels: int
    """Number of channels."""
    joint_objects: int | None
    """Number of objects of E-AC-3 with joint object coding (Dolby Atmos), from the container."""
    layout: str
    """Channel layout, as FFmpeg describes it."""
    priming: int | None
    """Samples at the start that are decoded and not presented."""
    sample_rate: int
    """Sample rate in Hz."""
    data_bursts: DataBursts | None = None
    """Coded audio that is carried as data in the samples of the first seconds (SMPTE 337). Played
    as samples, it is noise.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class BitRateMode(Record):
    """The kind of a stream's bit rate."""
    kind: RateKind
    """Constant or variable."""
    method: RateMethod
    """What says so."""
    stated: int | None
    """The bit rate that video states in its buffer model or its sequence header, in bits per
    second: the largest one, if it varies. Absent for audio: MP4 has a field for it, in which
    writers put the average or what was asked for.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class BitstreamFacts(Record):
    """Facts from the bitstream of the first frames of a stream."""
    active_format: int | None
    """The relevant part of the frame (SMPTE ST 2016-1, active format description)."""
    captions: int
    """Frames with space for closed captions."""
    captions_608: int
    """Frames with CTA-608 captions."""
    captions_708: int
    """Frames with CTA-708 captions."""
    color: Color
    """Colour properties."""
    dolby_vision: int
    """Frames with a Dolby Vision RPU (reference processing unit)."""
    dolby_vision_profile: int | None
    """The Dolby Vision profile of the first RPU."""
    encoder: str | None
    """The encoder, if the bitstream names it."""
    encoder_settings: str | None
    """The encoder's settings, if the bitstream holds them."""
    gop_timecode: Timecode | None
    """Time code of the first GOP."""
    hdr: StaticHdr
    """Static HDR metadata."""
    hdr10_plus: int
    """Frames with dynamic HDR10+ metadata."""
    height: int
    """Height of the first frame in rows."""
    interlaced: int
    """Frames that are flagged as interlaced."""
    level: int | None
    """Level in the numbers of the codec."""
    pictures: int
    """The number of examined frames."""
    pixel_format: PixelFormat | None
    """Layout of samples in memory."""
    profile: str | None
    """Profile in words."""
    rate: Fraction | None
    """Frames per second that the bitstream declares."""
    repeated_fields: int
    """Frames with a repeated field, as in film at 60 fields per second."""
    sample_aspect: Fraction | None
    """Sample aspect ratio: width of a sample divided by its height; absent if the bitstream does
    not state it.
    """
    smpte_timecode: Timecode | None
    """Time code of the first frame, in a message of its own (SMPTE ST 12-1)."""
    top_first: int
    """Of these, frames whose top field is shown first."""
    width: int
    """Width of the first frame in samples."""


@dataclass(kw_only=True, repr=False, eq=False)
class DataBursts(Record):
    """Coded audio that PCM carries as data."""
    bits: int
    """Bits of a word of the bursts: 16, 20 or 24."""
    channels: list[int]
    """Numbers of the channels that carry them, from zero."""
    content: str
    """What it is, as far as the preamble says."""


@dataclass(kw_only=True, repr=False, eq=False)
class EditInfo(Record):
    """An entry of an edit list: a span of the media that is shown, or a span of nothing."""
    duration: Timestamp
    """How long it is presented; zero stands for "to the end"."""
    media_start: Timestamp | None
    """Where in the media it starts; absent for an empty edit, which shows nothing."""
    speed: Fraction
    """How fast the media plays; zero shows one frame for the whole span."""


@dataclass(kw_only=True, repr=False, eq=False)
class HdrInfo(Record):
    """High dynamic range of a stream, from its container and its first frames."""
    content_light: ContentLight | None
    """How bright it gets."""
    dolby_vision: DolbyVision | None
    """The configuration record of Dolby Vision in the container; absent also where only the frames
    carry it.
    """
    formats: list[HdrFormat]
    """Every kind that a player can show it as, the richest first."""
    mastering_display: MasteringDisplay | None
    """The display that it was graded on."""
    summary: str
    """In words: `Dolby Vision profile 8.1, level 3, over HDR10`."""


@dataclass(kw_only=True, repr=False, eq=False)
class Measured(Record):
    """Measurements from the first packets of a stream."""
    bytes: int
    """Bytes of these packets."""
    end: Timestamp | None
    """The end of the last of them."""
    is_whole: bool
    """True if the source was read to its end; false if only its first packets were read."""
    keys: int
    """Packets at which decoding can start: keyframes."""
    longest_group: int
    """The largest number of packets from one keyframe to the next."""
    packets: int
    """Compressed frames or blocks of audio."""
    start: Timestamp | None
    """The earliest presentation time."""


@dataclass(kw_only=True, repr=False, eq=False)
class StreamInfo(Record):
    """A stream."""
    attachment: AttachmentInfo | None
    """Properties of a file inside the container."""
    audio: AudioInfo | None
    """Properties of audio."""
    bit_rate: int | None
    """Bits per second."""
    bit_rate_mode: BitRateMode | None
    """Whether the bit rate is constant or variable; absent if nothing says so."""
    codec: str
    """FFmpeg's name of the codec."""
    codec_description: str
    """The codec in words."""
    commercial_name: str | None
    """The name under which the format is sold: `IMX 30`, `HDV 1080i`, `XDCAM HD422`, `AVC-Intra
    100`. Absent if the facts do not decide it.
    """
    declared_frames: int | None
    """The number of frames that the container declares."""
    disposition: list[str]
    """Purposes of the stream, by FFmpeg's names: `default`, `forced`, `hearing_impaired` and so
    on.
    """
    duration: Timestamp | None
    """Duration."""
    duration_method: Method | None
    """How the duration was found."""
    edits: list[EditInfo]
    """The edit list of MP4 and MOV, unless it shows all of the media from its start."""
    encoder: str | None
    """The encoder, as its frames or the container name it; or the camera that wrote its name into
    the frames.
    """
    encoder_settings: str | None
    """All settings of the encoder, as it wrote them into its frames or the container."""
    id: int
    """The identifier in the container: number of the track, identifier of its packets; zero if
    there is none.
    """
    index: int
    """Position in the file, from zero."""
    is_attached_picture: bool
    """True if it is a cover image."""
    is_default: bool
    """True if players select it by default."""
    kind: StreamKind
    """Video, audio, or another kind."""
    language: str | None
    """ISO 639 code."""
    left_out: str | None
    """Why a job leaves it out by default; absent for a stream that a job uses."""
    level: int | None
    """Level in the numbers of the codec (H.264: 41 is 4.1; HEVC: 123 is 4.1)."""
    measured: Measured | None
    """Properties measured from its packets, as far as they were read."""
    media_start: Timestamp | None
    """The earliest presentation time in the index of MP4 and MOV, before the edit list: above zero
    if frames are reordered.
    """
    metadata: dict[str, str]
    """All other metadata of the stream in the container."""
    profile: str | None
    """Profile in words."""
    start: Timestamp | None
    """Start time."""
    subtitle: SubtitleInfo | None
    """Properties of subtitles."""
    tag: str | None
    """The codec's four-character code in the container."""
    tier: str | None
    """The tier of HEVC and AV1: `Main` or `High`."""
    time_base: Fraction
    """Time base: seconds per tick."""
    title: str | None
    """Title."""
    video: VideoInfo | None
    """Properties of video."""


@dataclass(kw_only=True, repr=False, eq=False)
class SubtitleInfo(Record):
    """A subtitle stream."""
    form: SubtitleForm
    """Text, or images of text."""
    is_for_hearing_impaired: bool
    """True if it also describes sounds."""
    is_forced: bool
    """True if players show it without a request (forced)."""


@dataclass(kw_only=True, repr=False, eq=False)
class VideoInfo(Record):
    """A video stream."""
    average_rate: Fraction | None
    """Average frame rate over the whole duration."""
    bit_depth: int | None
    """Bits per sample."""
    bitstream: BitstreamFacts | None
    """Facts from the bitstream of the first frames; absent if none could be decoded."""
    chroma: Chroma | None
    """Chroma subsampling; absent for RGB."""
    clean_aperture: tuple[Fraction, Fraction] | None
    """Width and height of the visible part (clean aperture, `clap`), in samples."""
    color: Color
    """Colour properties: from the bitstream, else from the container."""
    declared_rate: Fraction | None
    """The frame rate that the container declares: all times are multiples of its interval."""
    display_aspect: Fraction | None
    """Display aspect ratio: width of the shown frame divided by its height, before rotation.
    Samples without an aspect ratio are square.
    """
    field_order: str
    """Progressive, or the field that is coded first and the field that is shown first (t, b)."""
    has_odd_matrix: bool
    """True if a display matrix does more than that: scaling, shearing, rotation by other angles."""
    hdr: HdrInfo | None
    """High dynamic range; absent for SDR."""
    height: int
    """Height in rows."""
    is_spherical: bool
    """True if the video is a spherical projection."""
    orientation: Orientation | None
    """How the frame is rotated and mirrored for display; absent if the container does not state
    it.
    """
    pixel_format: PixelFormat | None
    """Layout of samples in memory."""
    sample_aspect: Fraction | None
    """Sample aspect ratio: width of a sample divided by its height."""
    timing: Timing | None
    """The intervals between frames, measured from their times."""
    timing_extent: TimingExtent | None
    """The frames that were measured."""
    width: int
    """Width in samples."""


# Chroma subsampling.
Chroma: TypeAlias = Literal["400", "420", "422", "444"]

# A kind of high dynamic range.
HdrFormat: TypeAlias = Literal["dolby_vision", "hdr10_plus", "hdr10", "pq", "hlg"]

# How a duration was found.
Method: TypeAlias = Literal["stream_header", "container", "index", "last_packets", "bit_rate", "measured"]

PixelFormat: TypeAlias = str

# Constant or variable.
RateKind: TypeAlias = Literal["constant", "variable"]

# What says whether a bit rate is constant.
RateMethod: TypeAlias = Literal["buffer_model", "encoder_settings", "header", "uncompressed", "packet_sizes"]

# The form of subtitles.
SubtitleForm: TypeAlias = Literal["text", "bitmap"]

# HH:MM:SS:FF; a semicolon or a point before the frames means drop frame
Timecode: TypeAlias = str

# The frames that were measured.
TimingExtent: TypeAlias = Literal["index", "all_packets", "first_packets"]
