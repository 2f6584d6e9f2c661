"""What Trix writes: descriptions of files, plans, reports, events.

Made by trix-py/scripts/generate.py from the JSON Schemas. Do not edit.
"""

# ruff: noqa: E501
from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from ._readable import ComparisonWords, DoctorWords, FileReportWords, InfoWords, PlanWords, ReportWords
from ._record import Record, Timestamp


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
class AudioChange(Record):
    """A place at which the audio changes its form."""
    from_: str
    """What it was: codec, rate, channels, samples."""
    stream: int
    """Index of the stream in the source."""
    time: Timestamp
    """When, in the source's time."""
    to: str
    """What it is from here on."""


@dataclass(kw_only=True, repr=False, eq=False)
class AudioContentCopied(Record):
    """Packets of the source, or of an external track."""
    copied: AudioPlan


@dataclass(kw_only=True, repr=False, eq=False)
class AudioContentEncoded(Record):
    """The packets of an encode."""
    encoded: EncodeId


@dataclass(kw_only=True, repr=False, eq=False)
class AudioEdit(Record):
    """Changes to an audio track other than its format. Audio of source time `t` plays `(t -
    origin) / tempo + offset` after the start of the output.
    """
    _may_be_absent = frozenset(["drift"])

    gain_db: float
    """Gain in dB; every sample is multiplied by `10^(gain / 20)`."""
    length: ExactLength | None
    """The length, if it differs from the source's."""
    limit_dbtp: float | None
    """The limit for the true peak after the gain, in dBTP, which a limiter enforces. Without it,
    there is no limiter.
    """
    offset: Timestamp
    """How much later the audio plays. Negative: earlier, and audio before the start is left out."""
    pitch: Pitch
    """What the tempo does to the pitch."""
    tempo: Fraction
    """The speed as a factor, above zero."""
    drift: Fraction | None = None
    """The duration by the timestamps of the source, divided by the duration by its samples. The
    samples are resampled by this factor. 1 if the two agree, or if drift is not corrected.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class AudioEncode(Record):
    """An encode of an audio track."""
    audio: AudioPlan
    """What is encoded, and how."""
    end: Timestamp | None
    """Where the audio ends, in the source's time; `None`: with its stream."""
    origin: Timestamp
    """The source time at time zero of the packets."""
    whole_milliseconds: bool
    """True if silence comes first, so that the container can state the encoder's delay in whole
    milliseconds.
    """


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
class AudioLedger(Record):
    """The ledger of the audio samples of one track. All numbers count samples of each channel."""
    _may_be_absent = frozenset(["brought", "stretched"])

    converted: list[Conversion]
    """Conversions to the format of the track, one for each format of the source."""
    cut_after_end: int
    """Samples cut after the end of the output."""
    cut_before_start: int
    """Samples cut before the start of the output."""
    cut_overlaps: Moved
    """Samples that overlapped earlier ones and were cut, at the sample rate of the source."""
    decoded: int
    """Samples from the decoder for this track."""
    encoded: int
    """Samples given to the encoder."""
    encoder_padding: int
    """Silence that the encoder needs before the first sample and after the last one."""
    filled_gaps: Moved
    """Silence in gaps of the source, at its sample rate."""
    left_after_end: int
    """Decoded samples after the requested end."""
    silence_after: int
    """Silence after audio that is shorter than requested."""
    silence_before: int
    """Silence before audio that begins later than the output."""
    track: int
    """Number of the track among the audio tracks of the output."""
    brought: list[Conversion] | None = None
    """Conversions to one format before a time stretch, if the tempo changes and the pitch stays."""
    stretched: Conversion | None = None
    """The time stretch, if the tempo changes and the pitch stays."""


@dataclass(kw_only=True, repr=False, eq=False)
class AudioPlan(Record):
    """How an audio track is made."""
    _may_be_absent = frozenset(["corrects_drift"])

    assumed_layout: str | None
    """The layout that is assumed for audio without one."""
    bit_rate: int | None
    """Bits per second, for lossy codecs."""
    bits: int | None
    """Significant bits of an integer sample; `None` for floating point and for copied audio."""
    codec: str
    """FFmpeg's name of the codec as written."""
    copied: bool
    """True if compressed audio is copied."""
    dithered: bool
    """True if rounding to fewer bits is dithered (triangular)."""
    edit: AudioEdit
    """Changes to the audio other than its format."""
    is_default: bool
    """True if players select it by default."""
    language: str | None
    """ISO 639 code from the source."""
    layout: str
    """Channel layout, as FFmpeg describes it."""
    lossless: bool
    """True if every decoded sample equals the sample that was encoded."""
    loudness: LoudnessTarget | None
    """The target loudness. The gain is measured before the job runs."""
    must_last: MustLast | None
    """The required length, if there is one."""
    origin: Timestamp | None
    """The time of the track at the start of the output: the origin of the output, or, for an
    external audio track, the start of its file.
    """
    remix: Remix | None
    """The remix, if the layout changes."""
    resampler: Resampler2 | None
    """The resampler, if the rate changes."""
    sample_format: str | None
    """FFmpeg's name of the sample format for the encoder."""
    sample_rate: int
    """Sample rate in Hz."""
    settled: Settled | None
    """The measurement for the target loudness and its gain, which is part of `edit`; `None` until
    it is measured.
    """
    side: int | None
    """For an external audio track: which one, by number."""
    stream: int
    """Index of the stream in the source; of an external audio track, its number after the streams
    of the source.
    """
    title: str | None
    """Title from the source."""
    corrects_drift: bool | None = None
    """True if drift is measured before the job runs, and the audio is resampled by it."""


@dataclass(kw_only=True, repr=False, eq=False)
class AudioStillInput(Record):
    """An audio track, for a waveform."""
    side: int | None
    """For an external audio track: which one, by number."""
    span: Span
    """The part of the still, in the time of the track."""
    stream: int
    """Index of the stream in the source; of an external audio track, its number after the streams
    of the source.
    """
    time_base: Fraction
    """Time base of its samples."""
    type: Literal["audio"] = "audio"


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
class Change(Record):
    """A change of size or format in mid-stream."""
    from_: str
    """What frames were."""
    time: Timestamp
    """When the first frame of the new shape is shown, in the source's time."""
    to: str
    """What they are from here on."""


@dataclass(kw_only=True, repr=False, eq=False)
class Chapter(Record):
    """A chapter, from `start` up to `end`."""
    end: Timestamp
    """When it ends."""
    start: Timestamp
    """When it starts."""
    title: str | None
    """Title."""


@dataclass(kw_only=True, repr=False, eq=False)
class Check(Record):
    """One thing that was compared."""
    expected: str
    """Expected value."""
    found: str
    """Found value."""
    name: str
    """Name of the check."""
    ok: bool
    """True if the check passed."""


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
class Comparison(ComparisonWords, Record):
    """What a comparison found."""
    first_difference: Difference | None
    """The first frame that is not equal, sample by sample; absent when all are."""
    score: Score
    """Scores over all frames."""


@dataclass(kw_only=True, repr=False, eq=False)
class ContainerInfo(Record):
    """A container."""
    bit_rate: int | None
    """Bits per second of all streams together."""
    brand: str | None
    """The major brand of MP4 and MOV: which variant of the format it is. Absent for other formats,
    even if they hold a copy of the brand of the file that they were made from.
    """
    dates: list[DateInfo]
    """Dates that the file states."""
    description: str
    """The name of the format in words."""
    duration: Timestamp | None
    """Presentation duration."""
    duration_method: Method | None
    """How the duration was found."""
    format: str
    """FFmpeg's name, which may name several related formats (`mov,mp4,m4a,3gp,3g2,mj2`)."""
    metadata: dict[str, str]
    """Titles, encoders, dates: the metadata of the container, as FFmpeg names them."""
    muxing_application: str | None
    """The library that wrote the container (MuxingApp), as Matroska and WebM state it."""
    start: Timestamp | None
    """The start of presentation."""
    writing_application: str | None
    """The program that wrote the file."""


@dataclass(kw_only=True, repr=False, eq=False)
class ContentLight(Record):
    """Light levels of a master (CTA-861.3)."""
    max: int
    """MaxCLL: the brightest sample, in candela per square metre."""
    max_average: int
    """MaxFALL: the brightest average of a frame, in candela per square metre."""


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
class Conversion(Record):
    """A conversion of samples to another format."""
    given: int
    """Output samples."""
    ratio: Fraction
    """Output samples per input sample."""
    taken: int
    """Input samples."""


@dataclass(kw_only=True, repr=False, eq=False)
class CopyPlan(Record):
    """The compressed video that is copied."""
    closed: bool
    """True if the first GOP is flagged as closed: it needs no earlier frame."""
    codec: str
    """FFmpeg's name of the codec."""
    end: Timestamp | None
    """The display time of the first frame after the copy; `None` if the source is copied to its
    end.
    """
    first: Timestamp | None
    """The display time of the keyframe at the start of the copy; `None` if the source has no
    times.
    """
    first_shown: Timestamp | None
    """The display time of the first frame of the copy: the keyframe, or a frame after it that
    needs no earlier frame.
    """
    leading: int
    """Frames after the first keyframe in the file that are shown before it and are left out."""
    skipped: int
    """Packets of the stream before that keyframe."""
    stream: int
    """Index of the stream in the source."""
    until: int | None
    """Packets of the stream up to the end of the copy; `None` for all."""


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
class Cut(Record):
    """The frames of a source that are used."""
    end: Timestamp | None
    """This frame and later ones are left out."""
    frames: int | None
    """The largest number of frames."""
    start: Timestamp | None
    """Earlier frames are left out."""


@dataclass(kw_only=True, repr=False, eq=False)
class Damage(Record):
    """One sign of damage."""
    detail: str
    """Description."""
    kind: DamageKind
    """Kind of the damage."""
    stream: int | None
    """Index of the stream, where known."""
    time: Timestamp | None
    """Time in the stream, as near as the decoder states it (its threads run a few frames ahead)."""


@dataclass(kw_only=True, repr=False, eq=False)
class DamageFoundEvent(Record):
    """The source is damaged in one place, and the job goes on. The report has the same damage."""
    damage: Damage
    """What was found: kind, stream, time."""
    track: int | None
    """Number of the external audio track that is damaged; `None`: the source itself."""
    type: Literal["damage_found"] = "damage_found"


@dataclass(kw_only=True, repr=False, eq=False)
class DamageReport(Record):
    """All damage found in a source."""
    counts: dict[str, int]
    """Number of occurrences of each kind."""
    first: list[Damage]
    """The first signs of damage, in order of occurrence."""


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
class DateInfo(Record):
    """A date and its place in the file."""
    origin: str
    """The field that states it: a key of the metadata, or FFmpeg's or the format's name of a
    field.
    """
    value: str
    """The date and time as RFC 3339 writes them (`2014-03-09T15:32:41Z`,
    `2014-03-09T16:32:41+01:00`). Without `Z` or an offset if the file does not state the time
    zone; without a time, a day or a month if it states no more.
    """
    what: Occasion
    """What happened then."""


@dataclass(kw_only=True, repr=False, eq=False)
class Decision(Record):
    """A decision that the job left open."""
    what: str
    """The decision."""
    why: str
    """Its reason: flags of the source, a measurement, a limit of the output."""


@dataclass(kw_only=True, repr=False, eq=False)
class Deinterlacing(Record):
    """How fields become frames (bwdif)."""
    each_field: bool
    """True if each field becomes a frame; false if each frame does."""
    order: FieldOrder
    """The field that is shown first."""


@dataclass(kw_only=True, repr=False, eq=False)
class Difference(Record):
    """A frame that is not equal to that of the reference."""
    frame: int
    """Which frame, from zero."""
    time: Timestamp
    """When it is shown."""


@dataclass(kw_only=True, repr=False, eq=False)
class Disagreement(Record):
    """A property for which the container and the bitstream state different values."""
    bitstream: str
    """The value in the frames or packets."""
    container: str
    """The value in the container or its header."""
    stream: int | None
    """Index of the stream. Absent if the property is one of the whole file."""
    what: Subject
    """The property."""


@dataclass(kw_only=True, repr=False, eq=False)
class Discontinuity(Record):
    """A point where the clock of a source restarts or jumps. All later times were moved, so that
    they continue without a jump.
    """
    at: Timestamp
    """The time of this point on the continuous clock."""
    from_: Timestamp
    """The time on the clock of the file at the end of the earlier part."""
    streams: list[int]
    """The streams whose clock jumped, by index."""
    to: Timestamp
    """The time on the clock of the file at the start of the later part."""


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
class Drift(Record):
    """Two clocks that do not agree: that of the times and that of the samples."""
    apart: Timestamp
    """How far they are apart at the end."""
    parts_per_million: int
    """By how many millionths the times run longer than the samples last; negative: shorter."""


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
class EncodePlanAudio(Record):
    """Of an audio track."""
    audio: AudioEncode


@dataclass(kw_only=True, repr=False, eq=False)
class EncodePlanVideo(Record):
    """Of video."""
    video: VideoEncode


@dataclass(kw_only=True, repr=False, eq=False)
class ErrorDetail(Record):
    """Description and place of the error."""
    _may_be_absent = frozenset(["excerpt", "mistakes"])

    file: str | None
    """The file, where known: a source, an output, or a document."""
    kind: ErrorKind
    """Kind of the error."""
    message: str
    """Message with file, stage, stream and time."""
    stage: Stage
    """Stage of the error."""
    stream: int | None
    """Index of the stream, where known."""
    time: Timestamp | None
    """Time in the stream, where known."""
    excerpt: Excerpt | None = None
    """The line of a document, or the argument, that cannot be read. Each mistake has its own."""
    mistakes: list[Mistake] | None = None
    """All mistakes of the job, if the error is about these."""


@dataclass(kw_only=True, repr=False, eq=False)
class ErrorDocument(Record):
    """An error as a JSON document.

    ``` use trix_model::{error::{Error, ErrorKind, Stage}, error_document::ErrorDocument};

    let error = Error::new(ErrorKind::Limit, Stage::Source, "2000 streams; the limit is 1000");
    let text = serde_json::to_string(&ErrorDocument::from(&error)).expect("plain data"); let
    read: ErrorDocument = serde_json::from_str(&text).expect("the same document");
    assert_eq!((read.error.kind, read.error.message), (ErrorKind::Limit, error.to_string()));
    ```
    """
    error: ErrorDetail
    """The error."""
    trix: int
    """Version of this format: 1."""


@dataclass(kw_only=True, repr=False, eq=False)
class ExactLength(Record):
    """An exact number of samples of the output."""
    pad: bool
    """True if silence follows shorter audio."""
    samples: int
    """Samples, counted from the start of the output."""
    trim: bool
    """True if the end of longer audio is cut."""


@dataclass(kw_only=True, repr=False, eq=False)
class Excerpt(Record):
    """A line of a document, or an argument of the command line, and the part of it that is wrong.
    """
    _may_be_absent = frozenset(["line"])

    length: int
    """Length of the wrong part, in characters: 1 or more. It can begin behind the last character,
    where something is missing.
    """
    start: int
    """Start of the wrong part in `text`, in characters."""
    text: str
    """The line. `...` stands for the rest of a long one."""
    line: int | None = None
    """Number of the line in its document, from one. An argument of the command line has none."""


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
class ExtrasCount(Record):
    """Number of frames of a track with each kind of data."""
    alpha_layer: int
    """Frames with a layer of opacity."""
    captions: int
    """Frames with closed captions."""
    dolby_vision: int
    """Frames with a reference processing unit of Dolby Vision."""
    hdr10_plus: int
    """Frames with a message of HDR10+."""


@dataclass(kw_only=True, repr=False, eq=False)
class FailedOutput(Record):
    """An output that failed."""
    error: str
    """The error, with its place."""
    kind: ErrorKind
    """The kind of the error."""
    path: str
    """Its intended name."""


@dataclass(kw_only=True, repr=False, eq=False)
class FileFixity(Record):
    """The fixity of one of several files at the time of reading."""
    bytes: int
    """Size in bytes."""
    name: str
    """File name in the folder."""
    sha256: str
    """SHA-256 of the file, 64 lower-case hexadecimal digits."""


@dataclass(kw_only=True, repr=False, eq=False)
class FilePlan(Record):
    """A file that will be written."""
    container: Container
    """Its container."""
    content: ContentPlan
    """What is written into it."""
    overwrite: bool
    """True if a file of this name may be replaced."""
    path: str
    """The file."""
    verify: VerifyLevel
    """How it is checked."""


@dataclass(kw_only=True, repr=False, eq=False)
class FileReport(FileReportWords, Record):
    """What checking a file found."""
    against: str | None
    """What it was compared with."""
    census: FullDecodeCount
    """What decoding all of it found."""
    checks: list[Check]
    """What was looked at."""
    file: str
    """The file."""
    ok: bool
    """True if all checks passed."""
    score: Score | None
    """The frames against those of the reference."""


@dataclass(kw_only=True, repr=False, eq=False)
class FilterCounts(Record):
    """What the filter stage did to the number of frames."""
    added_by_fields: int
    """Frames added because each field became one."""
    dropped_by_rate: int
    """Frames left out for a constant rate."""
    dropped_by_telecine: int
    """Frames dropped because pulldown had repeated them."""
    given: int
    """Frames that came out."""
    repeated_by_rate: int
    """Frames repeated for a constant rate."""
    taken: int
    """Frames that went in."""


@dataclass(kw_only=True, repr=False, eq=False)
class FilterPlan(Record):
    """A step between the decoder and the encoders."""
    after: StepId | None
    """The step that provides its frames; `None` for the decoder."""
    cut: Cut
    """The decoded frames that the step uses."""
    filtering: Filtering
    """What is done to the frames."""
    outputs: list[OutputId | Sink]
    """The files and renditions that need it."""


@dataclass(kw_only=True, repr=False, eq=False)
class Filtering(Record):
    """How a source is filtered for one output."""
    constant_rate: Fraction | None
    """Frames per second of the output, evenly spaced; `None` if each frame keeps its time."""
    follows_color: bool
    """True if the colour properties of each frame apply; false if those of the transform apply to
    all frames.
    """
    on_change: OnChange
    """What is done when the source changes in mid-stream."""
    rate: Fraction
    """Frames per second of the source. Filters that work on fields need it."""
    transform: Transform
    """What is done to every frame."""


@dataclass(kw_only=True, repr=False, eq=False)
class Fixity(Record):
    """The fixity of a source at the time of reading."""
    _may_be_absent = frozenset(["files"])

    bytes: int
    """Size of the source in bytes, of all its files together."""
    disk_bytes: int
    """Bytes read from disk so far to open, examine, check, decode and hash the source. More than
    `bytes` if data was read twice because it was too large to stay in memory.
    """
    sha256: str
    """SHA-256 (FIPS 180-4), 64 lower-case hexadecimal digits. For a file, it is the hash of its
    bytes. For an image sequence, it is the hash of the text that `LC_ALL=C sha256sum` prints
    for all files in the order of their names. In their folder, `sha256sum shot.*.dpx |
    sha256sum` returns the same hash.
    """
    files: list[FileFixity] | None = None
    """The files, if the source is an image sequence."""


@dataclass(kw_only=True, repr=False, eq=False)
class FrameSize(Record):
    """The first frame of a frame size."""
    first: int
    """Number of the frame, from zero."""
    height: int
    """Height in rows."""
    width: int
    """Width in samples."""


@dataclass(kw_only=True, repr=False, eq=False)
class FramesStillInput(Record):
    """Frames, for a poster or thumbnails."""
    decisions: list[Decision]
    """Automatic decisions."""
    filtering: Filtering
    """The filters that a still needs. They produce 8-bit RGB."""
    height: int
    """Height with square pixels."""
    origin: Timestamp
    """Time of the first frame of the whole source."""
    stream: int
    """Index of the stream in the source."""
    time_base: Fraction
    """Time base of the stream."""
    width: int
    """Width with square pixels."""
    type: Literal["frames"] = "frames"


@dataclass(kw_only=True, repr=False, eq=False)
class FullDecodeCount(Record):
    """The results of decoding a whole source."""
    _may_be_absent = frozenset(["notes"])

    damage: DamageReport
    """Damage of the source."""
    streams: dict[int, StreamCount]
    """The counts by stream index."""
    notes: list[str] | None = None
    """Other observations about the source that are no damage."""


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
class Identity(Record):
    """The identity of a source at one time."""
    bytes: int
    """Size in bytes; of an image sequence, of all files together."""
    head_sha256: str
    """SHA-256 of the first 64 KiB, as 64 hexadecimal digits; of an image sequence, of the first
    file.
    """
    modified: tuple[int, int]
    """Time of the last change, in seconds and nanoseconds since 1970; of an image sequence, of the
    file that changed last.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class Inputs(Record):
    """What files are made of: the source, the audio files beside it, and the job."""
    job: str
    """SHA-256 of the job, without the folders of source and outputs: 64 lower-case hexadecimal
    digits.
    """
    source: Identity
    """The source."""
    tracks: list[Identity]
    """The files of external audio tracks, in the order of the job."""


@dataclass(kw_only=True, repr=False, eq=False)
class Irregularity(Record):
    """One place at which times are not what they should be."""
    after: Timestamp
    """The last time before it."""
    kind: IrregularityKind
    """What."""
    step: Timestamp | None
    """From there to the next; not above zero for a repeat, absent where the time is missing."""


@dataclass(kw_only=True, repr=False, eq=False)
class JobEndedEvent(Record):
    """The job ended. It is the last event of a job."""
    error: ErrorDetail | None
    """Why it failed; `None` if it did not."""
    type: Literal["job_ended"] = "job_ended"


@dataclass(kw_only=True, repr=False, eq=False)
class Ledger(Record):
    """What became of the frames of a source, for one output."""
    decoded: int
    """Frames that the decoder yielded, and those before them that it left aside."""
    dropped_after_end: int
    """Of these, frames after the end, or beyond the number, that was asked for."""
    dropped_before_start: int
    """Of these, frames before the start that was asked for."""
    emitted: int
    """Compressed frames that came out of it."""
    encoded: int
    """Frames that went into the encoder."""
    filter: FilterCounts
    """What the filter stage did to the number of frames."""
    found: int | None
    """Frames that a second look found in the written file; `None` when verification is off."""
    left_out_at_start: int
    """Frames before those, which refer to frames that the source does not have: it begins in mid-
    group.
    """
    not_decoded: int
    """Of these, frames before the start that was asked for which were not decoded: decoding began
    behind them, and the packets of the source were counted.
    """
    times_repaired: int
    """Frames of the source whose time was missing or did not increase, and was set one frame after
    the one before.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class Library(Record):
    """A library and its version."""
    name: str
    """Name."""
    version: str
    """Version, as the library reports it."""


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
class Loudness(Record):
    """The loudness of audio. `None` stands for silence, for all values below the gates of the
    standards.
    """
    integrated_lufs: float | None
    """Gated loudness of the whole, in LUFS (BS.1770-5); `None` also for audio shorter than 400 ms.
    """
    max_momentary_lufs: float | None
    """The highest loudness of any 400 ms, in LUFS, measured every 10 ms."""
    max_short_term_lufs: float | None
    """The highest loudness of any 3 s, in LUFS, measured every 10 ms."""
    range_lu: float | None
    """Loudness range in LU (Tech 3342); `None` if nothing is above its gates, or the audio is
    shorter than 3 s.
    """
    sample_peak_dbfs: float | None
    """The highest sample of all channels, in dBFS."""
    sample_rate: int
    """Sample rate in Hz."""
    samples: int
    """Samples per channel."""
    true_peak_dbtp: float | None
    """The highest true peak of all channels, in dBTP, at four times the sample rate (twice from 96
    kHz, once from 192 kHz). As BS.1770-5 (annex 2) states, tones read at most 0.4 dB low; noise
    close to half the sample rate, up to 1 dB.
    """
    true_peaks_dbtp: list[float | None]
    """The highest true peak of each channel, in dBTP."""
    weights: list[float]
    """The weight of each channel, as a factor of its power: 1 for front channels, 1.41 for those
    60 to 120 degrees to the side, 0 for low-frequency effects. Channels without a layout have
    weight 1 each, and so does mono: two loudspeakers play it 3 dB louder than its number.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class LoudnessTarget(Record):
    """A target loudness. The track is measured first; then a gain is applied."""
    integrated_lufs: float
    """Gated loudness of the whole track, in LUFS, -70 to 0. Default: -23, that of EBU R 128."""
    mode: LoudnessMode
    """What to give up if the loudness and the peak limit exclude each other."""
    true_peak_dbtp: float
    """The limit of the true peak, in dBTP, -20 to 0. Default: -1, that of EBU R 128. A lossy codec
    can exceed it.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class Machine(Record):
    """The machine that runs a job. Threads, and the length of queues, are planned for it.

    ``` use trix_model::machine::Machine; let machine: Machine = "16,64GiB".parse()?;
    assert_eq!(machine, Machine { cores: 16, memory: Some(64 << 30) });
    assert_eq!(machine.to_string(), "16 cores, 64.0 GiB"); # Ok::<(), String>(()) ```
    """
    cores: int
    """Cores that the job can use, 1 to 1024."""
    memory: int | None
    """Memory that the job can use, in bytes; `None`: not stated."""


@dataclass(kw_only=True, repr=False, eq=False)
class Manifest(Record):
    """The files that were made of a master."""
    files: list[FileFixity]
    """The files, by their names below the folder of the manifest."""
    inputs: Inputs
    """What the files were made of."""
    report: Report
    """The report of the job."""
    trix: int
    """Version of this format: 1."""


@dataclass(kw_only=True, repr=False, eq=False)
class MasterResult(Record):
    """What became of a master."""
    error: ErrorDetail | None
    """Why the job failed."""
    report: SummaryReport | None
    """The report of the job; of files that were kept, that of the job that made them. `None` if
    the job failed.
    """
    seconds: float
    """Seconds that it took."""
    source: str
    """The master."""
    state: MasterState
    """What became of it."""


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
class MatrixRemix(Record):
    """Mixed with the matrix of the job."""
    rows: list[list[float]]
    """One row for each channel of the output, with one factor for each channel of the source."""
    type: Literal["matrix"] = "matrix"


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
class MediaInfo(InfoWords, Record):
    """The content of a source."""
    bytes: int | None
    """Size of the file in bytes."""
    census: FullDecodeCount | None
    """The result of decoding everything; absent unless it was requested."""
    chapters: list[Chapter]
    """Chapters of the programme."""
    container: ContainerInfo
    """The container."""
    disagreements: list[Disagreement]
    """Differences between what the container states and its content."""
    file: str | None
    """The file; absent when the source is a block of memory."""
    film: int | None
    """Index of the video stream that a job encodes by default."""
    programs: list[ProgramInfo]
    """The programmes of a transport stream."""
    streams: list[StreamInfo]
    """The streams, in file order."""
    timecodes: list[TimecodeInfo]
    """Time codes of the first frame, from all places that hold one."""
    trix: int
    """Version of this format: 1."""


@dataclass(kw_only=True, repr=False, eq=False)
class MemoryPlan(Record):
    """The memory that a job needs."""
    bound: int | None
    """The limit of the job, in bytes."""
    estimate: int
    """The largest number of bytes, as estimated."""
    shares: list[MemoryShare]
    """The parts of the estimate."""
    short_queues: bool
    """True if queues between stages hold one item each, to stay within the limit or the memory of
    the machine.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class MemoryShare(Record):
    """A part of the memory that a job needs."""
    bytes: int
    """Bytes."""
    what: str
    """What needs the memory: `process`, `source`, `decoder`, `step 0`, an output file or folder,
    `queues`, `verification`.
    """


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
class MissedEvent(Record):
    """Events were left out here, because too many waited for the reader."""
    count: int
    """How many."""
    type: Literal["missed"] = "missed"


@dataclass(kw_only=True, repr=False, eq=False)
class Mistake(Record):
    """One thing that is wrong with a job."""
    _may_be_absent = frozenset(["excerpt", "line"])

    place: str
    """Place in the job, e.g. `outputs[1].video.depth`."""
    problem: str
    """What is wrong with the value, and what is legal."""
    value: str
    """Value at this place."""
    excerpt: Excerpt | None = None
    """The line itself, and the part of it that is wrong."""
    line: str | None = None
    """Document and line of the value, such as `job.toml:12`."""


@dataclass(kw_only=True, repr=False, eq=False)
class Moved(Record):
    """Filled or cut samples, and the first places where this happened."""
    places: list[Place]
    """The first places, in order of occurrence."""
    samples: int
    """Number of samples."""


@dataclass(kw_only=True, repr=False, eq=False)
class MustLast(Record):
    """The required length of a track."""
    sample_rate: int
    """Sample rate in Hz."""
    samples: int
    """Length in samples."""
    tolerance: Timestamp
    """The allowed difference."""


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


@dataclass(kw_only=True, repr=False, eq=False)
class Normalisation(Record):
    """How a track is brought to its target."""
    expected_lufs: float | None
    """The expected loudness, in LUFS; with a limiter it is a little lower. `None` for silence,
    which is unchanged.
    """
    expected_true_peak_dbtp: float | None
    """The expected true peak, in dBTP."""
    gain_db: float
    """The gain, in dB."""
    limit_dbtp: float | None
    """The true peak limit of the limiter, in dBTP; `None`: no limiter."""
    limited: bool
    """True if the true peak limits the gain. A track with a linear gain then stays below the
    target; otherwise a limiter is used.
    """
    wanted_gain_db: float
    """The gain for the target without the peak limit, in dB."""


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
class OutputDoneEvent(Record):
    """An output has its final name: it is whole and verified. The outputs of a job get their names
    together, at its end.
    """
    bytes: int
    """Its size, with all of its files."""
    path: str
    """The file or folder; of a still with several files, the first."""
    type: Literal["output_done"] = "output_done"


@dataclass(kw_only=True, repr=False, eq=False)
class OutputFailedEvent(Record):
    """An output failed, and the job goes on without it."""
    error: ErrorDetail
    """Why."""
    path: str
    """The path that it would have had."""
    type: Literal["output_failed"] = "output_failed"


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
class OutputReport(Record):
    """The report of an output."""
    _may_be_absent = frozenset(["audio_changes", "audio_ledgers"])

    bytes: int
    """Its size in bytes."""
    changes: list[Change]
    """The places where the source changed its size or format in mid-stream."""
    extras: ExtrasCount
    """Frames of the source with captions or dynamic HDR metadata; `tracks` states what was
    written.
    """
    frame_threads: int | None
    """Frame threads of the video encoder. Another number would have produced other bytes."""
    ledger: Ledger | None
    """The account of every frame; `None` if no video was decoded."""
    loudness: list[TrackLoudness]
    """The loudness of its audio tracks, if the job requests it."""
    path: str
    """The file that was written."""
    plan: OutputPlan
    """The plan that ran."""
    sha256: str | None
    """SHA-256 of its bytes, 64 lower-case hexadecimal digits, if the job requests hashes."""
    tracks: list[TrackRecord]
    """The record of each written track."""
    verification: Verification
    """How the output was verified, and the results."""
    warnings: list[str]
    """Warnings of the video encoder."""
    audio_changes: list[AudioChange] | None = None
    """The places where the audio of the source changed its codec, rate or channels in mid-stream.
    """
    audio_ledgers: list[AudioLedger] | None = None
    """The account of every audio sample of the encoded tracks."""


@dataclass(kw_only=True, repr=False, eq=False)
class PackagePlan(Record):
    """The plan of one package."""
    decisions: list[Decision]
    """Automatic decisions."""
    notes: list[str]
    """Content of the source that the package lacks."""
    origin: Timestamp
    """The source time at time zero of all renditions."""
    overwrite: bool
    """True if a folder of this name may be replaced."""
    path: str
    """The folder."""
    renditions: list[RenditionPlan]
    """Its renditions of video and audio."""
    settings: PackageSettings
    """How it is segmented."""
    subtitles: list[TextPlan]
    """Its subtitle renditions."""


@dataclass(kw_only=True, repr=False, eq=False)
class PackageReport(Record):
    """The report of a package."""
    _may_be_absent = frozenset(["files"])

    bytes: int
    """The size of all its files in bytes."""
    checks: list[Check]
    """All comparisons; each of them holds."""
    path: str
    """The folder that was written."""
    plan: PackagePlan
    """The plan that ran."""
    renditions: list[RenditionReport]
    """Its renditions: video, audio, text."""
    files: list[FileFixity] | None = None
    """Its files and their hashes, if the job requests them."""


@dataclass(kw_only=True, repr=False, eq=False)
class PackageSettings(Record):
    """How a package is written."""
    layout: Layout
    """How segments are stored. Default: each in a file of its own."""
    segment: Fraction
    """Duration of a segment in seconds, 1 to 60. Default 6, as Apple's authoring specification
    recommends.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class Padding(Record):
    """Black around frames."""
    height: int
    """Rows of the whole."""
    left: int
    """Samples to the left of the frame."""
    top: int
    """Rows above the frame."""
    width: int
    """Samples in a row of the whole."""


@dataclass(kw_only=True, repr=False, eq=False)
class PickRemix(Record):
    """Some channels, in another order or together with silent ones; their samples are unchanged."""
    channels: list[int | None]
    """For each channel of the output, the number of the source channel, from 0; `null` is silence.
    """
    type: Literal["pick"] = "pick"


@dataclass(kw_only=True, repr=False, eq=False)
class Place(Record):
    """A place where samples were filled or cut."""
    samples: int
    """Number of samples."""
    time: Timestamp
    """Time in the source."""


@dataclass(kw_only=True, repr=False, eq=False)
class Plan(PlanWords, Record):
    """The plan of a job. A plan is complete: it can be written as JSON, sent to another machine,
    and run there with the same bytes.
    """
    check_threads: int
    """Threads that check finished outputs. The number does not change any result."""
    decisions: list[Decision]
    """Automatic decisions about the whole job."""
    encodes: list[EncodePlan]
    """What is encoded. Each encode runs once for all files and renditions that take its packets."""
    external_audio: list[ExternalAudioPlan]
    """The external audio tracks. Their streams are numbered after those of the source."""
    filters: list[FilterPlan]
    """What is done to frames between the decoder and the encoders. Each step runs once for all
    outputs that need it.
    """
    hash: bool
    """True if source and outputs are hashed (SHA-256)."""
    machine: Machine
    """The machine that threads and memory are planned for. The plan runs with the same numbers on
    every machine.
    """
    measure_loudness: bool
    """True if the loudness of every audio track is measured (EBU R 128)."""
    memory: MemoryPlan
    """The memory that the job needs."""
    on_output_failure: OnOutputFailure
    """What happens to the other outputs when one fails."""
    outputs: list[FilePlan]
    """The output files."""
    packages: list[PackagePlan]
    """The packages."""
    source: SourcePlan
    """The source."""
    stills: list[StillPlan]
    """The stills."""
    threads: int
    """Threads of the decoder. The number does not change any byte."""
    trix: int
    """Version of this format: 1."""


@dataclass(kw_only=True, repr=False, eq=False)
class PlaneScore(Record):
    """The part of a [`Score`] for one plane."""
    identical: bool
    """True if the plane is equal in every sample of every pair."""
    plane: PlaneLabel
    """The plane."""
    psnr_db: float | None
    """PSNR in decibels, from the mean over the frames of the plane's mean squared error. `None` if
    the planes are identical (the ratio has no finite value) or PSNR was not measured.
    """
    ssim: float | None
    """Mean of the plane's SSIM over the frames; −1 to 1. `None` if SSIM was not measured."""


@dataclass(kw_only=True, repr=False, eq=False)
class PosterReport(Record):
    """Which frame became the poster."""
    height: int
    """Rows."""
    judged: int
    """How many frames were compared."""
    merit: PosterScore | None
    """What was measured of it, where frames were compared."""
    number: int
    """Which frame of the decoder's output it is, from 0."""
    time: Timestamp
    """When the frame is shown, from the start of the film."""
    why: str
    """Why this one."""
    width: int
    """Samples in a row."""


@dataclass(kw_only=True, repr=False, eq=False)
class PosterScore(Record):
    """What was measured of a frame."""
    brightness: int
    """Average luma, 0 to 255."""
    change: int
    """Average absolute difference of luma from the frame before or after, the larger one, in
    tenths of a code.
    """
    contrast: int
    """Standard deviation of luma, 0 to 127."""
    entropy: int
    """Entropy of the histogram of luma in 64 steps, in thousandths of six bits."""
    score: int
    """How much detail it shows, in thousandths."""
    sharpness: int
    """Average absolute difference of luma from the average of its four neighbours, in tenths of a
    code.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class PosterStill(Record):
    """One frame that represents the film."""
    _may_be_absent = frozenset(["at", "height"])

    path: str
    """The file name. Its extension decides the format: `.jpg` `.jpeg`, `.png`, `.webp`."""
    quality: int
    """Quality of JPEG and WebP, 1 to 100. From 90, JPEG keeps chroma in full resolution."""
    width: int
    """The largest width in samples, 16 to 16383. Smaller frames keep their size."""
    at: Timestamp | None = None
    """The time of the frame, counted from the start of the film; the frame shown then is taken.
    `None`: the most informative of the examined frames.
    """
    height: int | None = None
    """The largest height in rows, 16 to 16383; `None`: the height that follows from the width."""
    type: Literal["poster"] = "poster"


@dataclass(kw_only=True, repr=False, eq=False)
class PosterStillReport2(Record):
    """A poster."""
    height: int
    """Rows."""
    judged: int
    """How many frames were compared."""
    merit: PosterScore | None
    """What was measured of it, where frames were compared."""
    number: int
    """Which frame of the decoder's output it is, from 0."""
    time: Timestamp
    """When the frame is shown, from the start of the film."""
    why: str
    """Why this one."""
    width: int
    """Samples in a row."""
    type: Literal["poster"] = "poster"


@dataclass(kw_only=True, repr=False, eq=False)
class ProgramInfo(Record):
    """A programme of a transport stream."""
    name: str | None
    """Its name."""
    number: int
    """Its number."""
    provider: str | None
    """The name of its provider."""
    streams: list[int]
    """Indices of its streams."""


@dataclass(kw_only=True, repr=False, eq=False)
class Progress(Record):
    """A moment of a job."""
    bitrate_kbps: float
    """Thousands of bits of all outputs together in a second of playing time."""
    bytes: int
    """Bytes written."""
    elapsed_seconds: float
    """Seconds since the phase began."""
    eta_seconds: float | None
    """Seconds to the end of the phase, where known."""
    fps: float
    """Frames in a second, over the last few seconds. 0 without encoded video."""
    frame: int
    """Frames done in this phase, by the output that is least far. Without encoded video, packets
    of the first track.
    """
    frames_expected: int | None
    """Frames expected, where the source declares them. `None` without encoded video."""
    phase: Phase
    """What the job is doing."""
    queues: list[Queue]
    """What waits between the stages."""
    seconds: float
    """Seconds of playing time that are done, by the output that is least far."""
    seconds_expected: float | None
    """Seconds of playing time expected, where the source declares them."""
    speed: float
    """Seconds of playing time in a second, over the last few seconds."""
    trix: int
    """Version of this format: 1."""


@dataclass(kw_only=True, repr=False, eq=False)
class ProgressEvent(Record):
    """How far an output is. A progress that no one has read is replaced by the next one of the
    same output.
    """
    bitrate_kbps: float
    """Thousands of bits of this output in a second of its playing time."""
    bytes: int
    """Bytes written in this part of the job."""
    eta_seconds: float | None
    """Seconds to the end of this part of the job, where known."""
    fps: float
    """Frames a second, over the last few seconds. 0 without encoded video."""
    frames: int
    """Frames done in this part of the job. Of a package, by its slowest rendition. Without encoded
    video, packets of its first track.
    """
    frames_expected: int | None
    """Frames expected, where the source declares them. `None` without encoded video."""
    output: int
    """Number of the output: files first, then packages, in the order of the job, from 0."""
    path: str
    """Its path."""
    seconds: float
    """Seconds of playing time that are done."""
    seconds_expected: float | None
    """Seconds of playing time expected, where the source declares them."""
    speed: float
    """Seconds of playing time in a second, over the last few seconds."""
    stage: Stage
    """`encode` or `verify`."""
    type: Literal["progress"] = "progress"


@dataclass(kw_only=True, repr=False, eq=False)
class Queue(Record):
    """What waits between two stages."""
    bytes: int
    """Bytes."""
    items: int
    """Packets or frames."""
    name: str
    """The stage that it waits for."""


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
class ReadingProgress(Record):
    """How far a command without a job has read its file; of two files, the first."""
    bytes: int
    """Bytes that were read: the place in the file, or the sum over all files that are compared."""
    bytes_expected: int | None
    """Bytes of the file or of these files, where known."""
    elapsed_seconds: float
    """Seconds since the command began to read."""
    eta_seconds: float | None
    """Seconds to the end, where known: after the first second."""
    reading: Reading
    """What the file is read for."""
    trix: int
    """Version of this format: 1."""


@dataclass(kw_only=True, repr=False, eq=False)
class Rectangle(Record):
    """A part of a frame, in samples."""
    height: int
    """Height in rows."""
    left: int
    """Samples to the left of it."""
    top: int
    """Rows above it."""
    width: int
    """Width in samples."""


@dataclass(kw_only=True, repr=False, eq=False)
class RelabelRemix(Record):
    """The same samples with other loudspeaker names."""
    type: Literal["relabel"] = "relabel"


@dataclass(kw_only=True, repr=False, eq=False)
class RenditionPlan(Record):
    """A rendition of video or audio."""
    content: ContentPlan
    """What is written into it."""
    id: str
    """Its name, and that of its folder."""


@dataclass(kw_only=True, repr=False, eq=False)
class RenditionRecord(Record):
    """What was written of a rendition."""
    average_bit_rate: int
    """Bits in a second of all of its segments."""
    codecs: str | None
    """What its samples are, by RFC 6381; `None` for text."""
    duration: Timestamp
    """How long it lasts."""
    id: str
    """Its name."""
    peak_bit_rate: int
    """Bits in a second of its densest run of segments (HLS: peak segment bit rate)."""
    segments: int
    """How many segments it has."""
    start: Timestamp
    """When it begins."""
    track: TrackRecord
    """The record of its packets."""


@dataclass(kw_only=True, repr=False, eq=False)
class RenditionReport(Record):
    """The report of a rendition of a package."""
    _may_be_absent = frozenset(["audio_changes", "audio_ledgers"])

    changes: list[Change]
    """The places where the source changed its size or format in mid-stream."""
    extras: ExtrasCount
    """Frames of the source with captions or dynamic HDR metadata."""
    frame_threads: int | None
    """Frame threads of the video encoder."""
    ledger: Ledger | None
    """The account of every frame; `None` for audio and text."""
    loudness: list[TrackLoudness]
    """The loudness of its audio, if the job requests it."""
    plan: OutputPlan | None
    """The plan that ran; `None` for text."""
    record: RenditionRecord
    """The record of what was written."""
    warnings: list[str]
    """Warnings of the video encoder."""
    audio_changes: list[AudioChange] | None = None
    """The places where the audio of the source changed its codec, rate or channels in mid-stream.
    """
    audio_ledgers: list[AudioLedger] | None = None
    """The account of every audio sample of the encoded tracks."""


@dataclass(kw_only=True, repr=False, eq=False)
class Report(ReportWords, Record):
    """The report of a finished job."""
    damage: DamageReport
    """Damage of the source."""
    decisions: list[Decision]
    """Automatic decisions about all outputs together."""
    discontinuities: list[Discontinuity]
    """Discontinuities of the source's clock, after which later times were moved."""
    encodes: list[EncodePlan]
    """What was encoded, once for all files and renditions that have its packets."""
    failed: list[FailedOutput]
    """The outputs that failed, if the job continues without them."""
    filters: list[FilterPlan]
    """What was done to frames between the decoder and the encoders."""
    fixity: Fixity | None
    """The hashes of the source, if the job requests them."""
    libraries: list[Library]
    """Versions of the libraries in use."""
    notes: list[str]
    """Other observations about the source that are no damage."""
    outputs: list[OutputReport]
    """The files that were written."""
    packages: list[PackageReport]
    """The packages that were written."""
    seek: Seek | None
    """Where decoding of video began; `None` if the job sets no start, or encodes no video."""
    source: str
    """The source."""
    stills: list[StillReport]
    """The still images that were made."""
    timing: ReportTiming
    """How long the job took."""
    timing_of_source: dict[int, TimingReport]
    """Gaps and repeats in the times of each stream of the source, by index; streams without any
    are left out.
    """
    tracks: list[TrackReport]
    """The external audio tracks."""
    trix: int
    """Version of this format: 1."""
    version: str
    """Version of Trix."""


@dataclass(kw_only=True, repr=False, eq=False)
class ReportTiming(Record):
    """How long a job took."""
    encode_seconds: float
    """Seconds for reading, encoding and writing, in all passes."""
    fps: float
    """Frames of the source per second during encoding; frames of several passes are counted once.
    """
    verify_seconds: float
    """Seconds for verification."""


@dataclass(kw_only=True, repr=False, eq=False)
class Score(Record):
    """The similarity of a clip to its reference. All values are 0, `false`, `None` or empty if no
    frame was compared.
    """
    frames: int
    """Pairs of frames compared."""
    identical: bool
    """True if at least one pair was compared and all were equal in every sample."""
    identical_frames: int
    """Of these, the pairs that are equal in every sample of all planes."""
    planes: list[PlaneScore]
    """The same for each plane, in the order of the frame's planes."""
    psnr_db: float | None
    """PSNR in decibels, from the mean squared error over all samples of all planes and frames, so
    that planes are weighted by their size. `None` if the clips are identical (the ratio has no
    finite value) or PSNR was not measured.
    """
    ssim: float | None
    """SSIM, as the mean over the frames of the mean over the planes, weighted by their size; −1 to
    1. `None` if SSIM was not measured.
    """
    worst_psnr: WorstFrame | None
    """The first of the frames with the lowest luma PSNR. `None` if PSNR was not measured or luma
    is equal in all frames.
    """
    worst_ssim: WorstFrame | None
    """The first of the frames with the lowest luma SSIM. `None` if SSIM was not measured or luma
    is equal in all frames.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class Seek(Record):
    """Where decoding of a source with a start time began."""
    audio_from_start: list[int]
    """Audio streams that were decoded from the start of the source, by index: the samples of a
    codec such as AAC or AC-3, of a resampler or of a dither depend on all that came before, or
    the times of the container are too coarse to count samples.
    """
    from_start: FromStart | None
    """Why decoding began at the start of the source; `None` if it began near the first requested
    frame.
    """
    known_from: Timestamp | None
    """The time from which these frames were counted, if the source was entered in the middle: what
    lies before was not read. `None` if all frames before the cut were counted.
    """
    not_decoded: int
    """Frames before that place, which were not decoded."""


@dataclass(kw_only=True, repr=False, eq=False)
class Settled(Record):
    """The measurement of a track, and the normalisation to its target."""
    limited: Loudness | None
    """With a limiter, the loudness measured after it; `None` if a gain alone is enough, whose
    result is known.
    """
    measured: Loudness
    """Loudness before normalisation."""
    normalisation: Normalisation
    """The normalisation."""


@dataclass(kw_only=True, repr=False, eq=False)
class Sink(Record):
    """A rendition."""
    package: PackageId
    """Its package."""
    rendition: int
    """Its number in the package."""


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
class Span(Record):
    """A part of a source."""
    expected: Timestamp | None
    """The expected duration, if it is known. It can be wrong: stills use it only to space their
    frames.
    """
    origin: Timestamp
    """The source time at time zero of the part."""


@dataclass(kw_only=True, repr=False, eq=False)
class SpriteReport(Record):
    """What became of thumbnails."""
    count: int
    """How many thumbnails."""
    height: int
    """Rows of a thumbnail."""
    interval_ms: float
    """Milliseconds from one to the next."""
    sheets: int
    """How many sheets."""
    why: str
    """Why so many."""
    width: int
    """Samples in a row of a thumbnail."""


@dataclass(kw_only=True, repr=False, eq=False)
class SpritesStill(Record):
    """Thumbnails on sheets, and a WebVTT file with the place and time of each."""
    _may_be_absent = frozenset(["count", "height", "interval", "vtt"])

    columns: int
    """Thumbnails in a row of a sheet, 1 to 100."""
    most: int
    """The largest number of thumbnails, 1 to 4000, if there is no `count`."""
    path: str
    """The name of the sheet. Its extension decides the format, as for a poster. Several sheets are
    numbered: `sprites-001.jpg` and so on for `sprites.jpg`.
    """
    prefix: str
    """The text before the names of sheets in the WebVTT file: a folder or an address, with its
    last slash.
    """
    quality: int
    """Quality of JPEG and WebP, 1 to 100."""
    rows: int
    """Rows of thumbnails on a sheet, 1 to 100."""
    width: int
    """Width of a thumbnail in samples, 16 to 1024. Smaller frames keep their size."""
    count: int | None = None
    """The number of thumbnails, 1 to 4000."""
    height: int | None = None
    """The largest height of a thumbnail in rows, 16 to 1024; `None`: the height that follows from
    the width.
    """
    interval: Timestamp | None = None
    """The time from one thumbnail to the next, at least a millisecond."""
    type: Literal["sprites"] = "sprites"
    vtt: str | None = None
    """The name of the WebVTT file; `None`: the name of the sheet with the extension `.vtt`."""


@dataclass(kw_only=True, repr=False, eq=False)
class SpritesStillReport2(Record):
    """Thumbnails."""
    count: int
    """How many thumbnails."""
    height: int
    """Rows of a thumbnail."""
    interval_ms: float
    """Milliseconds from one to the next."""
    sheets: int
    """How many sheets."""
    why: str
    """Why so many."""
    width: int
    """Samples in a row of a thumbnail."""
    type: Literal["sprites"] = "sprites"


@dataclass(kw_only=True, repr=False, eq=False)
class StageBeganEvent(Record):
    """A part of the job began. The parts follow one another: `source` (opening it), `plan` (with
    the measurement of loudness; a job that runs a plan has none), `encode` (reading the source
    and writing all outputs), `verify`.
    """
    pass_: int
    """Number of the reading of the source, from 1."""
    passes: int
    """2 for `encode` of a job with two passes; else 1."""
    stage: Stage
    """Which part."""
    type: Literal["stage_began"] = "stage_began"


@dataclass(kw_only=True, repr=False, eq=False)
class StandardRemix(Record):
    """Mixed by libswresample with the coefficients of ITU-R BS.775 (annex 4): the centre and each
    surround channel go to left and right with a factor of the square root of one half, and low-
    frequency effects are left out. All factors are divided by the largest sum of the factors of
    one channel, so that nothing clips.
    """
    type: Literal["standard"] = "standard"


@dataclass(kw_only=True, repr=False, eq=False)
class StaticHdr(Record):
    """Static metadata of a stream."""
    light: ContentLight | None
    """How bright it gets."""
    mastering: MasteringDisplay | None
    """The display that it was graded on."""


@dataclass(kw_only=True, repr=False, eq=False)
class StillPlan(Record):
    """The plan of a still or a set of stills."""
    cut: Cut
    """The decoded frames that the still may use."""
    decisions: list[Decision]
    """Automatic decisions."""
    end: Timestamp | None
    """The end of the still's time line, in source time, if the job cuts the source. A cut can be
    longer than the film.
    """
    input: StillInput
    """What the still is made of."""
    later: Timestamp
    """The time from the start of the source to the start of the part."""
    overwrite: bool
    """True if files of these names may be replaced."""
    path: str
    """Its first file."""
    settings: StillSettings
    """The settings, with every default."""
    span: Span
    """The part of the source that the still belongs to."""
    until: Timestamp | None
    """The end of the still's audio, in source time, if the job cuts the source."""


@dataclass(kw_only=True, repr=False, eq=False)
class StillReport(Record):
    """The report of a still image, or of a set of them."""
    files: list[FileFixity]
    """Its files; their hashes are empty if the job requests none."""
    found: StillReport2
    """The content of the still."""
    path: str
    """Its first file."""


@dataclass(kw_only=True, repr=False, eq=False)
class StreamCount(Record):
    """The results of decoding a whole stream."""
    captions: int
    """Frames with captions."""
    first: Timestamp | None
    """Display time of the first frame."""
    frames: int | None
    """Decoded frames; `None` for audio."""
    interlaced: int
    """Frames that are flagged as interlaced."""
    interval_ticks: tuple[int, int] | None
    """Shortest and longest time from one frame to the next, in ticks; they differ if the frame
    rate varies.
    """
    intervals: Timing | None
    """The intervals between frames; `None` for audio."""
    last: Timestamp | None
    """Display time of the last frame."""
    measured_rate: Fraction | None
    """Frames per second, from the times of the first and the last frame."""
    packets: int
    """Compressed frames or blocks of audio."""
    samples: int | None
    """Decoded samples per channel; `None` for video."""
    sizes: list[FrameSize]
    """Frame sizes, in order of appearance; more than one if the size changes. At most [`SIZES`]
    are kept.
    """
    times_repaired: int
    """Frames whose time was missing or did not increase."""
    timing: TimingReport
    """Gaps and repeats in the times."""


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
class SubtitlePlan(Record):
    """How a subtitle track is made."""
    codec: str
    """FFmpeg's name of the codec as written."""
    copied: bool
    """True if it is copied; false if its text is converted."""
    stream: int
    """Index of the stream in the source."""


@dataclass(kw_only=True, repr=False, eq=False)
class Summary(Record):
    """What became of several masters, in the order in which they were done."""
    masters: list[MasterResult]
    """The masters."""
    trix: int
    """Version of this format: 1."""


@dataclass(kw_only=True, repr=False, eq=False)
class SummaryReport(Record):
    """The report of a finished job."""
    damage: DamageReport
    """Damage of the source."""
    decisions: list[Decision]
    """Automatic decisions about all outputs together."""
    discontinuities: list[Discontinuity]
    """Discontinuities of the source's clock, after which later times were moved."""
    encodes: list[EncodePlan]
    """What was encoded, once for all files and renditions that have its packets."""
    failed: list[FailedOutput]
    """The outputs that failed, if the job continues without them."""
    filters: list[FilterPlan]
    """What was done to frames between the decoder and the encoders."""
    fixity: Fixity | None
    """The hashes of the source, if the job requests them."""
    libraries: list[Library]
    """Versions of the libraries in use."""
    notes: list[str]
    """Other observations about the source that are no damage."""
    outputs: list[OutputReport]
    """The files that were written."""
    packages: list[PackageReport]
    """The packages that were written."""
    seek: Seek | None
    """Where decoding of video began; `None` if the job sets no start, or encodes no video."""
    source: str
    """The source."""
    stills: list[StillReport]
    """The still images that were made."""
    timing: ReportTiming
    """How long the job took."""
    timing_of_source: dict[int, TimingReport]
    """Gaps and repeats in the times of each stream of the source, by index; streams without any
    are left out.
    """
    tracks: list[TrackReport]
    """The external audio tracks."""
    trix: int
    """Version of this format: 1."""
    version: str
    """Version of Trix."""


@dataclass(kw_only=True, repr=False, eq=False)
class TextPlan(Record):
    """A subtitle rendition."""
    id: str
    """Its name, and that of its folder."""
    subtitle: SubtitlePlan
    """The subtitles that are converted to WebVTT."""
    tags: TrackTags
    """Language, title and purpose."""


@dataclass(kw_only=True, repr=False, eq=False)
class TimecodeInfo(Record):
    """A time code and its place."""
    origin: TimecodeOrigin
    """The place of the time code."""
    stream: int | None
    """Index of the stream; absent for a time code of the whole container."""
    value: Timecode
    """The time code of the first frame."""


@dataclass(kw_only=True, repr=False, eq=False)
class Timing(Record):
    """The frame rate and the frame intervals, measured from frame times."""
    _may_be_absent = frozenset(["holes"])

    customary_rate: Fraction
    """The customary value of a rate, such as 24 or 24000/1001, if it is constant but for holes and
    the measured times agree with it.
    """
    greatest: Timestamp
    """Longest time from one frame to the next."""
    is_constant: bool
    """True if one even grid fits all times. The tolerance is a tick or a millisecond, whichever is
    larger, because many containers round to milliseconds. If that is more than a quarter of an
    interval, times must fit exactly.
    """
    least: Timestamp
    """Shortest time from one frame to the next."""
    most_common: Timestamp
    """The most common interval. If several are equally common, the shortest of them."""
    most_common_count: int
    """Number of intervals with the most common length."""
    pictures: int
    """Number of measured frames."""
    rate: Fraction
    """Frames per second, from the first time to the last, without the time in holes."""
    holes: int | None = None
    """Places at which frames are missing, if all other times fit one even grid: a hole in a
    recording. Absent for a constant rate without holes, and for a variable one. A rate with one
    hole in 16 frames, or with 64 holes, is variable.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class TimingReport(Record):
    """What is remarkable about the times of a stream."""
    _may_be_absent = frozenset(["drift"])

    first: list[Irregularity]
    """The first of them, in the order in which they were met."""
    gaps: int
    """Distances of more than one and a half frames; for audio, of more than three quarters of a
    block (10 ms at the least, 100 ms at the most) from the end of a block to the next. An
    encode fills them with silence once they add up to more than 40 ms.
    """
    missing: int
    """Frames, or blocks of audio, without a time of their own; a block follows the one before."""
    repeats: int
    """Frames whose time is that of one before or earlier; for audio, blocks that begin as much
    before the end of the one before. An encode cuts their overlap off once it adds up to more
    than 40 ms.
    """
    skipped: int
    """Frames of MPEG-1, MPEG-2, H.264 and HEVC that were left out because what they refer to is
    not there: those in front of the first keyframe or recovery point of a recording that begins
    in mid-stream.
    """
    variable: bool
    """Whether the distance from frame to frame varies, so that no distance is a gap."""
    drift: Drift | None = None
    """How the times of audio run away from its samples, gaps and repeats left aside; absent where
    they end up less than 20 ms apart.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class ToneMapping(Record):
    """How high dynamic range is converted to standard dynamic range."""
    operator: Tonemap
    """The curve."""
    peak: int
    """The luminance that the curve maps to white, in candela per square metre."""


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
class TrackLoudness(Record):
    """The loudness of an audio track."""
    loudness: Loudness
    """The loudness of the encoder's input, or of the decoded track if it is copied."""
    track: int
    """Number of the track among the audio tracks of the output."""


@dataclass(kw_only=True, repr=False, eq=False)
class TrackRecord(Record):
    """What was written to, or read from, one track."""
    bytes: int
    """Bytes of compressed data."""
    codec: str
    """FFmpeg's name of the codec."""
    end: Timestamp | None
    """When the last one ends."""
    essence: str
    """XXH3 over the essence: coded slices of H.264 and HEVC, all bytes of other codecs; in
    hexadecimal.
    """
    extras: ExtrasCount
    """Frames with captions or dynamic HDR metadata in them."""
    hidden: int
    """How many of them an edit list hides: decoded, but not presented."""
    keyframes: int
    """The number of packets at which decoding can start. In H.264, these are flagged frames that
    are IDR or have a recovery point.
    """
    kind: StreamKind
    """Frames, audio or subtitles."""
    last: Timestamp | None
    """When the last is presented."""
    packets: int
    """Compressed frames, blocks of audio, or subtitles."""
    start: Timestamp | None
    """When the first is presented."""
    times: str
    """XXH3 over the presentation times in the order of decoding, counted from the first of them;
    for subtitles of text also over how long each is shown; in hexadecimal.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class TrackReport(Record):
    """The report of an external audio track."""
    damage: list[DamageReport]
    """Damage of these files."""
    files: list[str]
    """Its files."""


@dataclass(kw_only=True, repr=False, eq=False)
class TrackSettings(Record):
    """An external audio track. Unknown keys are refused."""
    _may_be_absent = frozenset(["disposition", "gain", "inputs", "language", "layout", "length", "loudness", "map", "offset", "path", "pitch", "tempo", "title", "tolerance"])

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


@dataclass(kw_only=True, repr=False, eq=False)
class TrackTags(Record):
    """The properties of a track, other than its codec, that a container stores."""
    disposition: list[str]
    """The purposes of the track, by FFmpeg's names."""
    language: str | None
    """ISO 639 code."""
    other: list[tuple[str, str]]
    """All other tags."""
    title: str | None
    """Title."""


@dataclass(kw_only=True, repr=False, eq=False)
class Transform(Record):
    """What is done to every frame, in this order."""
    _may_be_absent = frozenset(["through"])

    crop: Rectangle | None
    """The part of the frame that remains after cropping."""
    deinterlace: Deinterlacing | None
    """Deinterlacing: fields become frames."""
    flatten: bool
    """True if frames are composited on black by their alpha channel."""
    format: PictureFormat
    """Chroma, depth, RGB, alpha."""
    from_: Color
    """Colour properties of the source samples."""
    height: int
    """Height in rows, before padding."""
    inverse_telecine: FieldOrder | None
    """Inverse telecine: film frames are restored from fields."""
    keeps_fields: FieldOrder | None
    """The fields that stay. The two fields of each frame are converted separately."""
    orientation: Orientation
    """How frames are mirrored and rotated."""
    packing: str | None
    """FFmpeg's name of a packed format with the same samples, for an encoder that needs it."""
    pad: Padding | None
    """Black borders around frames."""
    resampler: Resampler
    """The scaling filter."""
    to: Color
    """Colour properties of the output samples."""
    tonemap: ToneMapping | None
    """High dynamic range is converted to standard dynamic range."""
    width: int
    """Width in samples, before padding."""
    through: list[Waypoint] | None = None
    """Intermediate sizes of scaling, the largest first; empty if frames are scaled at once."""


@dataclass(kw_only=True, repr=False, eq=False)
class Verification(Record):
    """How an output was verified, and the results."""
    checks: list[Check]
    """All comparisons. Each of them holds, otherwise there is no report."""
    drift_seconds: float | None
    """Seconds from the end of the video to the end of the longest audio track; negative if audio
    ends first.
    """
    level: VerifyLevel
    """The level of verification."""
    lossless_frames: int | None
    """For a lossless encode: the number of frames that were proved equal."""
    score: Score | None
    """The score of the decoded output against the frames that were encoded."""


@dataclass(kw_only=True, repr=False, eq=False)
class VideoEncode(Record):
    """An encode of video. Its filter step decides which frames it gets."""
    origin: Timestamp
    """The source time at time zero of the packets."""
    threads: int
    """Threads of the encoder: of x264 frames or slices, of x265 its pool. The options of the video
    have the same number.
    """
    video: VideoPlan
    """What is encoded, and how."""


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


@dataclass(kw_only=True, repr=False, eq=False)
class VideoPlan(Record):
    """How video is encoded."""
    color: Color
    """Colour, as written."""
    constant_rate: bool
    """True if the source declares evenly spaced frames."""
    converted: bool
    """True if the filter stage changes the frames."""
    dolby_vision: DolbyVision | None
    """The Dolby Vision configuration, if Dolby Vision metadata is carried."""
    encoder: Encoder
    """The encoder."""
    fields: FieldOrder | None
    """The field that is shown first, for interlaced video."""
    filter: StepId
    """The filter step of the job that provides its frames."""
    follows_color: bool
    """True if the colour properties of each frame apply; false if the job overrides them."""
    format: PictureFormat
    """Chroma and depth."""
    hdr: StaticHdr
    """Static HDR metadata, as written."""
    hdr10_plus: bool
    """True if HDR10+ metadata is carried."""
    height: int
    """Height in rows."""
    key_interval: Timestamp | None
    """Time between forced keyframes."""
    keyframes: list[Timestamp]
    """Times of frames that must be keyframes."""
    lossless: bool
    """True if every decoded sample must equal the sample that was encoded."""
    on_change: OnChange
    """What is done when the source changes its size, format or colour in mid-stream."""
    options: list[tuple[str, str]]
    """The encoder's options in the order in which they are set."""
    orientation: Orientation
    """The rotation that players must apply, for frames that are not rotated here."""
    passes: int
    """Number of passes, 1 or 2."""
    preset: str
    """Preset; the encoder's `medium` if the job sets none."""
    profile: str | None
    """Profile, if the job sets one. ProRes always has one."""
    rate: Fraction
    """Frames per second, for rate control and headers; times are the source's unless
    `resampled_rate` is set.
    """
    resampled_rate: Fraction | None
    """Frames per second after frame rate conversion, which repeats and drops frames."""
    sample_aspect: Fraction
    """Sample aspect ratio, as written."""
    source_rate: Fraction
    """Frames per second of the source."""
    stream: int
    """Index of the stream in the source."""
    transform: Transform
    """What is done to frames before they are encoded."""
    tune: str | None
    """Tunes, if the job sets any."""
    width: int
    """Width in samples."""


@dataclass(kw_only=True, repr=False, eq=False)
class View(Record):
    """How the frames of a source look on a screen: upright, deinterlaced, with square pixels, in
    standard dynamic range.
    """
    decisions: list[Decision]
    """Automatic decisions."""
    filtering: Filtering
    """The filters that a still needs. They produce 8-bit RGB."""
    height: int
    """Height with square pixels."""
    origin: Timestamp
    """Time of the first frame of the whole source."""
    stream: int
    """Index of the stream in the source."""
    time_base: Fraction
    """Time base of the stream."""
    width: int
    """Width with square pixels."""


@dataclass(kw_only=True, repr=False, eq=False)
class WarningEvent(Record):
    """Something that a person should know, and that is no error."""
    path: str | None
    """The output that it is about; `None`: the source, or the whole job."""
    text: str
    """In words."""
    type: Literal["warning"] = "warning"


@dataclass(kw_only=True, repr=False, eq=False)
class WaveformReport(Record):
    """What became of a waveform."""
    channels: int
    """Channels that were drawn; one where they are mixed."""
    peaks: list[float]
    """The highest absolute sample of each channel; 1 is full scale."""
    rms: list[float]
    """The effective value of each channel."""
    sample_rate: int
    """Samples in a second."""
    samples: int
    """Samples on the time line."""


@dataclass(kw_only=True, repr=False, eq=False)
class WaveformStill(Record):
    """The level of the audio along the time line."""
    _may_be_absent = frozenset(["peaks"])

    background: Paint
    """The colour everywhere else."""
    channels: WaveformChannels
    """What is done to channels."""
    color: Paint
    """The colour from the lowest to the highest sample."""
    height: int
    """Height in rows, 16 to 4096."""
    path: str
    """The file name, which ends in `.png`."""
    rms_color: Paint
    """The colour of the RMS value (root of the mean square), inside it."""
    track: int
    """The number of the audio track, from 0."""
    width: int
    """Width in samples, 16 to 16383."""
    peaks: str | None = None
    """The name of a `.json` file with the peaks, in the format of the program audiowaveform
    (version 2, 16 bits).
    """
    type: Literal["waveform"] = "waveform"


@dataclass(kw_only=True, repr=False, eq=False)
class WaveformStillReport2(Record):
    """A waveform."""
    channels: int
    """Channels that were drawn; one where they are mixed."""
    peaks: list[float]
    """The highest absolute sample of each channel; 1 is full scale."""
    rms: list[float]
    """The effective value of each channel."""
    sample_rate: int
    """Samples in a second."""
    samples: int
    """Samples on the time line."""
    type: Literal["waveform"] = "waveform"


@dataclass(kw_only=True, repr=False, eq=False)
class Waypoint(Record):
    """Frames between two scaling steps."""
    format: PictureFormat
    """Chroma, depth, RGB, alpha."""
    height: int
    """Height in rows."""
    width: int
    """Width in samples."""


@dataclass(kw_only=True, repr=False, eq=False)
class WorstFrame(Record):
    """A frame that a [`Score`] names."""
    frame: int
    """Its place in the order of the comparison, from 0."""
    luma_psnr_db: float | None
    """PSNR of its luma, in decibels. `None` if it was not measured."""
    luma_ssim: float | None
    """SSIM of its luma; −1 to 1. `None` if it was not measured."""


# The origin of an audio track.
AudioContent: TypeAlias = AudioContentEncoded | AudioContentCopied

# How to correct audio whose timestamps and sample count drift apart.
AudioDrift: TypeAlias = Literal["fill", "stretch"]

# Audio tracks of the source: all, none, or numbers (from 0 on) and languages: 1, "eng", "0,eng",
# [0, "eng"]
AudioTracks: TypeAlias = str | int | list[str | int]

# Chroma subsampling.
Chroma: TypeAlias = Literal["400", "420", "422", "444"]

# Where chroma samples sit between the luma samples (H.273 figure 1, types 0 to 5).
ChromaLocation: TypeAlias = Literal["unspecified", "left", "center", "top-left", "top", "bottom-left", "bottom"]

# A container that Trix writes.
Container: TypeAlias = Literal["mp4", "mov", "matroska", "webm", "mpegts", "m2ts", "mxf"]

# Kinds of damage.
DamageKind: TypeAlias = Literal["container", "truncated", "packet", "undecodable", "frame", "checksum", "missing_reference", "continuity", "transport", "missing_file", "shape"]

# The purpose of a track.
Disposition: TypeAlias = Literal["default", "dub", "original", "comment", "forced", "hearing_impaired", "visual_impaired", "clean_effects", "lyrics", "karaoke"]

# The number of an encode in [`crate::plan::Plan::encodes`].
EncodeId: TypeAlias = int

# An encode. It runs once, however many files and renditions take its packets.
EncodePlan: TypeAlias = EncodePlanVideo | EncodePlanAudio

# An encoder of frames.
Encoder: TypeAlias = Literal["x264", "x265", "ffv1", "prores"]

# The kind of a failure, for a caller that reacts to it.
ErrorKind: TypeAlias = Literal["invalid_spec", "unsupported", "malformed_input", "limit", "io", "codec", "verification", "cancelled", "bug"]

# Something that happened in a job.
Event: TypeAlias = StageBeganEvent | ProgressEvent | WarningEvent | DamageFoundEvent | OutputDoneEvent | OutputFailedEvent | MissedEvent | JobEndedEvent

# Which field is shown first.
FieldOrder: TypeAlias = Literal["top", "bottom"]

# Why a decode does not begin near the frame that is wanted, but at the start of the source: what
# comes out is the same, and takes longer.
FromStart: TypeAlias = Literal["codec", "times", "damaged", "mid_group", "no_entry", "reconfigured", "plain"]

# A kind of high dynamic range.
HdrFormat: TypeAlias = Literal["dolby_vision", "hdr10_plus", "hdr10", "pq", "hlg"]

# Kinds of irregularities.
IrregularityKind: TypeAlias = Literal["gap", "repeat", "missing"]

# How the segments of a rendition are stored.
Layout: TypeAlias = Literal["files", "single"]

# What is done to a track that is shorter or longer than the video.
LengthPolicy: TypeAlias = Literal["as_is", "pad", "trim", "fit", "fail"]

# What to give up if the target loudness needs peaks above the limit.
LoudnessMode: TypeAlias = Literal["linear", "dynamic"]

# What became of a master.
MasterState: TypeAlias = Literal["made", "kept", "partly", "failed", "not_begun"]

Matrix: TypeAlias = str

# How a duration was found.
Method: TypeAlias = Literal["stream_header", "container", "index", "last_packets", "bit_rate", "measured"]

# What happened at a date.
Occasion: TypeAlias = Literal["recorded", "created", "modified", "dated"]

# What is done when the source changes its size or format in mid-stream.
OnChange: TypeAlias = Literal["scale", "refuse"]

# The reaction to damage in a source.
OnDamage: TypeAlias = Literal["fail", "conceal"]

# What happens to the other outputs when one fails.
OnOutputFailure: TypeAlias = Literal["fail", "continue"]

# The number of a file in [`crate::plan::Plan::outputs`].
OutputId: TypeAlias = int

# The number of a package in [`crate::plan::Plan::packages`].
PackageId: TypeAlias = int

Paint: TypeAlias = str

# What a job is doing.
Phase: TypeAlias = Literal["first_pass", "encode", "verify"]

PictureFormat: TypeAlias = str

# What happens to the pitch when the tempo changes.
Pitch: TypeAlias = Literal["follow", "keep"]

PixelFormat: TypeAlias = str

# The plane of a score, by its position in the frame.
PlaneLabel: TypeAlias = Literal["Y", "U", "V", "A"]

Primaries: TypeAlias = str

# A line of `--progress json`.
ProgressLine: TypeAlias = Progress | ReadingProgress

# Which code values black and white have.
Range: TypeAlias = Literal["unspecified", "limited", "full"]

# Constant or variable.
RateKind: TypeAlias = Literal["constant", "variable"]

# What says whether a bit rate is constant.
RateMethod: TypeAlias = Literal["buffer_model", "encoder_settings", "header", "uncompressed", "packet_sizes"]

# What a command without a job reads a file for.
Reading: TypeAlias = Literal["count", "verify", "compare", "check_copies"]

# How channels are remixed.
Remix: TypeAlias = RelabelRemix | PickRemix | StandardRemix | MatrixRemix

# How new samples are computed from old ones.
Resampler: TypeAlias = Literal["lanczos", "bicubic", "bilinear"]

# The library that changes the sample rate.
Resampler2: TypeAlias = Literal["soxr", "swr"]

# The stage, on the path from source to verified output, in which an error arose.
Stage: TypeAlias = Literal["plan", "source", "probe", "measure", "demux", "decode", "filter", "encode", "mux", "verify"]

# The number of a filter step in [`crate::plan::Plan::filters`].
StepId: TypeAlias = int

# What a still is made of.
StillInput: TypeAlias = FramesStillInput | AudioStillInput

# What is reported about a still.
StillReport2: TypeAlias = PosterStillReport2 | SpritesStillReport2 | WaveformStillReport2

# A still image of a film, or a set of them.
StillSettings: TypeAlias = PosterStill | SpritesStill | WaveformStill

# What kind of data a stream carries.
StreamKind: TypeAlias = Literal["video", "audio", "subtitle", "attachment", "data"]

# What a disagreement can be about.
Subject: TypeAlias = Literal["size", "sample_aspect", "display_aspect", "profile", "bit_depth", "pixel_format", "primaries", "transfer", "matrix", "range", "field_order", "frame_rate", "mastering_display", "content_light", "dolby_vision", "sample_rate", "channels", "timecode", "duration"]

# The form of subtitles.
SubtitleForm: TypeAlias = Literal["text", "bitmap"]

# How many times as fast: a ratio such as 25/24, or two rates of frames: 24000/1001->25
Tempo: TypeAlias = str

# HH:MM:SS:FF; a semicolon or a point before the frames means drop frame
Timecode: TypeAlias = str

# The place of a time code.
TimecodeOrigin: TypeAlias = Literal["container", "track", "stream", "group_of_pictures", "picture"]

# The frames that were measured.
TimingExtent: TypeAlias = Literal["index", "all_packets", "first_packets"]

# How high dynamic range is converted to standard dynamic range. Light is scaled so that reference
# white (203 cd/m2, ITU-R BT.2408) is 1, primaries are converted to those of BT.709, and the
# operator compresses brighter values.
Tonemap: TypeAlias = Literal["auto", "off", "mobius", "hable", "reinhard"]

Transfer: TypeAlias = str

# How an output is verified.
VerifyLevel: TypeAlias = Literal["off", "structure", "full"]

# What is done to channels in a waveform.
WaveformChannels: TypeAlias = Literal["mixed", "each"]

__all__ = [
    "AttachmentInfo",
    "AttachmentPlan",
    "AudioChange",
    "AudioContent",
    "AudioContentCopied",
    "AudioContentEncoded",
    "AudioDrift",
    "AudioEdit",
    "AudioEncode",
    "AudioInfo",
    "AudioLedger",
    "AudioPlan",
    "AudioStillInput",
    "AudioTracks",
    "BitRateMode",
    "BitstreamFacts",
    "Change",
    "Chapter",
    "Check",
    "Chroma",
    "ChromaLocation",
    "Chromaticity",
    "Color",
    "Comparison",
    "Container",
    "ContainerInfo",
    "ContentLight",
    "ContentPlan",
    "Conversion",
    "CopyPlan",
    "CoverPlan",
    "Cut",
    "Damage",
    "DamageFoundEvent",
    "DamageKind",
    "DamageReport",
    "DataBursts",
    "DateInfo",
    "Decision",
    "Deinterlacing",
    "Difference",
    "Disagreement",
    "Discontinuity",
    "Disposition",
    "Doctor",
    "DolbyVision",
    "Drift",
    "EditInfo",
    "EncodeId",
    "EncodePlan",
    "EncodePlanAudio",
    "EncodePlanVideo",
    "Encoder",
    "ErrorDetail",
    "ErrorDocument",
    "ErrorKind",
    "Event",
    "ExactLength",
    "Excerpt",
    "ExternalAudioPlan",
    "ExtrasCount",
    "FailedOutput",
    "FieldOrder",
    "FileFixity",
    "FilePlan",
    "FileReport",
    "FilterCounts",
    "FilterPlan",
    "Filtering",
    "Fixity",
    "FrameSize",
    "FramesStillInput",
    "FromStart",
    "FullDecodeCount",
    "HdrFormat",
    "HdrInfo",
    "Identity",
    "Inputs",
    "Irregularity",
    "IrregularityKind",
    "JobEndedEvent",
    "Layout",
    "Ledger",
    "LengthPolicy",
    "Library",
    "Limits",
    "Loudness",
    "LoudnessMode",
    "LoudnessTarget",
    "Machine",
    "Manifest",
    "MasterResult",
    "MasterState",
    "MasteringDisplay",
    "Matrix",
    "MatrixRemix",
    "Measured",
    "MediaInfo",
    "MemoryPlan",
    "MemoryShare",
    "Metadata",
    "Method",
    "MissedEvent",
    "Mistake",
    "Moved",
    "MustLast",
    "Need",
    "Normalisation",
    "Occasion",
    "OnChange",
    "OnDamage",
    "OnOutputFailure",
    "Orientation",
    "OutputDoneEvent",
    "OutputFailedEvent",
    "OutputId",
    "OutputPlan",
    "OutputReport",
    "PackageId",
    "PackagePlan",
    "PackageReport",
    "PackageSettings",
    "Padding",
    "Paint",
    "Phase",
    "PickRemix",
    "PictureFormat",
    "Pitch",
    "PixelFormat",
    "Place",
    "Plan",
    "PlaneLabel",
    "PlaneScore",
    "PosterReport",
    "PosterScore",
    "PosterStill",
    "PosterStillReport2",
    "Primaries",
    "ProgramInfo",
    "Progress",
    "ProgressEvent",
    "ProgressLine",
    "Queue",
    "Range",
    "RateKind",
    "RateMethod",
    "RawGeometry",
    "Reading",
    "ReadingProgress",
    "Rectangle",
    "RelabelRemix",
    "Remix",
    "RenditionPlan",
    "RenditionRecord",
    "RenditionReport",
    "Report",
    "ReportTiming",
    "Resampler",
    "Resampler2",
    "Score",
    "Seek",
    "Settled",
    "Sink",
    "SourcePlan",
    "SourceSettings",
    "Span",
    "SpriteReport",
    "SpritesStill",
    "SpritesStillReport2",
    "Stage",
    "StageBeganEvent",
    "StandardRemix",
    "StaticHdr",
    "StepId",
    "StillInput",
    "StillPlan",
    "StillReport",
    "StillReport2",
    "StillSettings",
    "StreamCount",
    "StreamInfo",
    "StreamKind",
    "Subject",
    "SubtitleForm",
    "SubtitleInfo",
    "SubtitlePlan",
    "Summary",
    "SummaryReport",
    "Tempo",
    "TextPlan",
    "Timecode",
    "TimecodeInfo",
    "TimecodeOrigin",
    "Timing",
    "TimingExtent",
    "TimingReport",
    "ToneMapping",
    "Tonemap",
    "TrackInput",
    "TrackLoudness",
    "TrackRecord",
    "TrackReport",
    "TrackSettings",
    "TrackTags",
    "Transfer",
    "Transform",
    "Verification",
    "VerifyLevel",
    "VideoEncode",
    "VideoInfo",
    "VideoPlan",
    "View",
    "WarningEvent",
    "WaveformChannels",
    "WaveformReport",
    "WaveformStill",
    "WaveformStillReport2",
    "Waypoint",
    "WorstFrame",
]
