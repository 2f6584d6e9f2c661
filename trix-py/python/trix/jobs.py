"""What a user writes: a job with its outputs, packages and stills.

Made by trix-py/scripts/generate.py from the JSON Schemas. Do not edit.
"""

# ruff: noqa: E501
from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from ._record import Settings, Timestamp


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
class Ass(Settings):
    """Advanced SubStation Alpha."""
    type: Literal["ass"] = "ass"


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
class AutoCrop(Settings):
    """Black borders, measured at several places of the source."""
    type: Literal["auto"] = "auto"


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
class CopyAudio(Settings):
    """Copies the compressed audio."""
    type: Literal["copy"] = "copy"


@dataclass(kw_only=True, repr=False, eq=False)
class CopySubtitles(Settings):
    """Copied if the container can hold them. Other text subtitles are converted to the text codec
    of the container. The report names bitmap subtitles that the container cannot hold.
    """
    type: Literal["copy"] = "copy"


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
class Eac3(Settings):
    """E-AC-3 (Dolby Digital Plus), up to 5.1."""
    kbps: int | None = None
    """Thousands of bits per second. Default: 192 for stereo, 448 for 5.1."""
    type: Literal["eac3"] = "eac3"


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
class Flac(Settings):
    """FLAC: lossless, 16 or 24 bits."""
    type: Literal["flac"] = "flac"


@dataclass(kw_only=True, repr=False, eq=False)
class Job(Settings):
    """A job of Trix: a source, and what is made of it. In TOML, YAML or JSON."""
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
    memory: int | str | None = None
    """The most memory that the job may use, such as `4 GiB`; without it, there is no limit. Queues
    between stages get shorter to keep within the limit. Nothing that determines the bytes of
    outputs changes. A job that needs more is refused before anything is decoded.
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
    source: SourceSettings | None = None
    """The source."""
    stills: list[StillSettings] | None = None
    """Still images, from the same decode."""
    threads: int | None = None
    """Threads that the decoder and each encoder may use. `None`: for one output the number that
    the libraries choose on the machine that the job is planned for; for several a share of its
    cores. The plan shows the numbers. They are part of the job, because x264 and x265 write
    different streams with different numbers of threads.
    """
    tracks: list[TrackSettings] | None = None
    """External audio tracks. They come after the tracks of the source in every output that does
    not list its tracks.
    """
    variables: dict[str, str | float | bool] | None = None
    """Values that stand wherever ${name} is written; ${stem} is the name of the source."""


@dataclass(kw_only=True, repr=False, eq=False)
class Limits(Settings):
    """Limits of a source. A source beyond them is an error of kind `Limit`."""
    packet_bytes: int | None = None
    """Bytes of one compressed frame or block of audio. Default 512 MiB."""
    pixels: int | None = None
    """Samples per frame. Default 71 303 168, twice 8192x4320 (full-size DCI 8K)."""
    probe_bytes: int | None = None
    """Bytes that may be read to identify the streams. Default 64 MiB."""
    side: int | None = None
    """Width in samples or height in rows of a frame. Default 16384, the most that implementations
    of HEVC level 6.2 accept.
    """
    streams: int | None = None
    """Streams in the file. Default 256: a feature film with every language has far fewer."""


@dataclass(kw_only=True, repr=False, eq=False)
class LosslessFfv1Rate(Settings):
    """Every sample comes back as it went in."""
    type: Literal["lossless"] = "lossless"


@dataclass(kw_only=True, repr=False, eq=False)
class LosslessRateControl(Settings):
    """Every sample comes back as it went in."""
    type: Literal["lossless"] = "lossless"


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
class MovText(Settings):
    """3GPP timed text (ETSI TS 126 245), the text of MP4 and MOV."""
    type: Literal["mov_text"] = "mov_text"


@dataclass(kw_only=True, repr=False, eq=False)
class NoneAudio(Settings):
    """Leaves the audio out."""
    type: Literal["none"] = "none"


@dataclass(kw_only=True, repr=False, eq=False)
class NoneCrop(Settings):
    """Nothing."""
    type: Literal["none"] = "none"


@dataclass(kw_only=True, repr=False, eq=False)
class NoneSubtitles(Settings):
    """Left out."""
    type: Literal["none"] = "none"


@dataclass(kw_only=True, repr=False, eq=False)
class NoneVideo(Settings):
    """Left out."""
    type: Literal["none"] = "none"


@dataclass(kw_only=True, repr=False, eq=False)
class Opus(Settings):
    """Opus, always at 48 kHz."""
    kbps: int | None = None
    """Thousands of bits per second. Default: 64 for each channel."""
    type: Literal["opus"] = "opus"


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


@dataclass(kw_only=True, repr=False, eq=False)
class PackageJob(Settings):
    """A package: a folder with CMAF segments, playlists of HLS and a manifest of DASH."""
    audio: AudioSettings | None = None
    """How each audio track is written."""
    audio_shape: AudioShape | None = None
    """Channel layout and sample rate of encoded audio."""
    cases: list[PackageJobCases] | None = None
    """Other settings of this table for sources of which the `when` of the case holds."""
    id: str | None = None
    """A name by which a document that inherits this one can change it."""
    ladder: list[Rung] | None = None
    """Renditions, the largest first. Those with more rows than the source are left out."""
    layout: Layout | None = None
    """How segments are stored."""
    overwrite: bool | None = None
    """True if an existing package with this name may be replaced."""
    path: str | None = None
    """The folder."""
    picture: PictureSettings | None = None
    """What is done to frames before they are scaled."""
    segment: Fraction | int | str | None = None
    """Duration of a segment in seconds, 1 to 60; a keyframe is forced at the start of each.
    Default: 6.
    """
    subtitles: bool | None = None
    """True if text subtitles are included, as WebVTT."""
    video: dict[str, Any] | None = None
    """Settings that all rungs share."""
    when: dict[str, str | float | bool] | None = None
    """Traits of the source, all of which must hold: true or false (video, audio, subtitles,
    interlaced, hdr), a number or a comparison such as ">=1080" (width, height, fps, depth,
    channels, duration).
    """


@dataclass(kw_only=True, repr=False, eq=False)
class PackageJobCases(Settings):
    when: dict[str, str | float | bool]
    """Traits of the source, all of which must hold: true or false (video, audio, subtitles,
    interlaced, hdr), a number or a comparison such as ">=1080" (width, height, fps, depth,
    channels, duration).
    """


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
class Poster(Settings):
    """One frame that represents the film."""
    at: Timestamp | Fraction | float | int | str | None = None
    """The time of the frame, counted from the start of the film; the frame shown then is taken.
    `None`: the most informative of the examined frames.
    """
    cases: list[PosterCases] | None = None
    """Other settings of this table for sources of which the `when` of the case holds."""
    height: int | None = None
    """The largest height in rows, 16 to 16383; `None`: the height that follows from the width."""
    id: str | None = None
    """A name by which a document that inherits this one can change it."""
    path: str | None = None
    """The file name. Its extension decides the format: `.jpg` `.jpeg`, `.png`, `.webp`."""
    quality: int | None = None
    """Quality of JPEG and WebP, 1 to 100. From 90, JPEG keeps chroma in full resolution."""
    type: Literal["poster"] = "poster"
    when: dict[str, str | float | bool] | None = None
    """Traits of the source, all of which must hold: true or false (video, audio, subtitles,
    interlaced, hdr), a number or a comparison such as ">=1080" (width, height, fps, depth,
    channels, duration).
    """
    width: int | None = None
    """The largest width in samples, 16 to 16383. Smaller frames keep their size."""


@dataclass(kw_only=True, repr=False, eq=False)
class PosterCases(Settings):
    when: dict[str, str | float | bool]
    """Traits of the source, all of which must hold: true or false (video, audio, subtitles,
    interlaced, hdr), a number or a comparison such as ">=1080" (width, height, fps, depth,
    channels, duration).
    """


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
class RawGeometry(Settings):
    """The frame format of a file without a header, which only its owner knows."""
    height: int
    """Height in rows."""
    pixel_format: str
    """FFmpeg's name of the pixel format, e.g. `yuv420p10le`."""
    rate: Fraction | int | str
    """Frames per second."""
    width: int
    """Width in samples."""


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
class Rung(Settings):
    """A rendition of a ladder."""
    height: int | None = None
    """Height in rows; the width keeps the aspect ratio of the frame."""
    video: VideoSettings | dict[str, Any] | None = None


@dataclass(kw_only=True, repr=False, eq=False)
class Size(Settings):
    """Width and height; -2 stands for the even number that keeps the aspect ratio of the frame."""
    height: int
    """Height in rows, or -2."""
    width: int
    """Width in samples, or -2."""


@dataclass(kw_only=True, repr=False, eq=False)
class SourceSettings(Settings):
    """The source and the part of it to read."""
    audio_drift: AudioDrift | None = None
    """What to do if the audio's timestamps drift away from its samples."""
    audio_tracks: AudioTracks | None = None
    """The audio tracks for outputs that do not list their own: `all`, `none`, or numbers from 0
    and languages. Default: every track of the programme of the video.
    """
    duration: Timestamp | Fraction | float | int | str | None = None
    """The duration of the output."""
    frames: int | None = None
    """The largest number of frames of the output."""
    limits: Limits | None = None
    """The limits of the source."""
    on_damage: OnDamage | None = None
    """What to do if the source is damaged."""
    path: str | None = None
    """A local file, or a pattern for the numbered files of an image sequence in one folder:
    `shot.%04d.dpx`.
    """
    rate: Fraction | int | str | None = None
    """Frames per second of an image sequence; `None`: the rate in the headers, else 25."""
    raw: RawGeometry | None = None
    """The frame format of a file of raw frames without a header."""
    start: Timestamp | Fraction | float | int | str | None = None
    """The start of the output, counted from the start of the source. Frames before it are dropped.
    """
    video_stream: int | None = None
    """The video stream to encode, by its index in the file. Default: the main video. It is not a
    cover, not a still image, and not a stream without the default flag if another stream has
    that flag.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class Sprites(Settings):
    """Thumbnails on sheets, and a WebVTT file with the place and time of each."""
    cases: list[SpritesCases] | None = None
    """Other settings of this table for sources of which the `when` of the case holds."""
    columns: int | None = None
    """Thumbnails in a row of a sheet, 1 to 100."""
    count: int | None = None
    """The number of thumbnails, 1 to 4000."""
    height: int | None = None
    """The largest height of a thumbnail in rows, 16 to 1024; `None`: the height that follows from
    the width.
    """
    id: str | None = None
    """A name by which a document that inherits this one can change it."""
    interval: Timestamp | Fraction | float | int | str | None = None
    """The time from one thumbnail to the next, at least a millisecond."""
    most: int | None = None
    """The largest number of thumbnails, 1 to 4000, if there is no `count`."""
    path: str | None = None
    """The name of the sheet. Its extension decides the format, as for a poster. Several sheets are
    numbered: `sprites-001.jpg` and so on for `sprites.jpg`.
    """
    prefix: str | None = None
    """The text before the names of sheets in the WebVTT file: a folder or an address, with its
    last slash.
    """
    quality: int | None = None
    """Quality of JPEG and WebP, 1 to 100."""
    rows: int | None = None
    """Rows of thumbnails on a sheet, 1 to 100."""
    type: Literal["sprites"] = "sprites"
    vtt: str | None = None
    """The name of the WebVTT file; `None`: the name of the sheet with the extension `.vtt`."""
    when: dict[str, str | float | bool] | None = None
    """Traits of the source, all of which must hold: true or false (video, audio, subtitles,
    interlaced, hdr), a number or a comparison such as ">=1080" (width, height, fps, depth,
    channels, duration).
    """
    width: int | None = None
    """Width of a thumbnail in samples, 16 to 1024. Smaller frames keep their size."""


@dataclass(kw_only=True, repr=False, eq=False)
class SpritesCases(Settings):
    when: dict[str, str | float | bool]
    """Traits of the source, all of which must hold: true or false (video, audio, subtitles,
    interlaced, hdr), a number or a comparison such as ">=1080" (width, height, fps, depth,
    channels, duration).
    """


@dataclass(kw_only=True, repr=False, eq=False)
class Subrip(Settings):
    """SubRip."""
    type: Literal["subrip"] = "subrip"


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


@dataclass(kw_only=True, repr=False, eq=False)
class Vbi(Settings):
    """The 32 rows of the vertical blanking interval that D-10 (IMX) stores above the picture.
    Other sources stay whole.
    """
    type: Literal["vbi"] = "vbi"


@dataclass(kw_only=True, repr=False, eq=False)
class Waveform(Settings):
    """The level of the audio along the time line."""
    background: Paint | None = None
    """The colour everywhere else."""
    cases: list[WaveformCases] | None = None
    """Other settings of this table for sources of which the `when` of the case holds."""
    channels: WaveformChannels | None = None
    """What is done to channels."""
    color: Paint | None = None
    """The colour from the lowest to the highest sample."""
    height: int | None = None
    """Height in rows, 16 to 4096."""
    id: str | None = None
    """A name by which a document that inherits this one can change it."""
    path: str | None = None
    """The file name, which ends in `.png`."""
    peaks: str | None = None
    """The name of a `.json` file with the peaks, in the format of the program audiowaveform
    (version 2, 16 bits).
    """
    rms_color: Paint | None = None
    """The colour of the RMS value (root of the mean square), inside it."""
    track: int | None = None
    """The number of the audio track, from 0."""
    type: Literal["waveform"] = "waveform"
    when: dict[str, str | float | bool] | None = None
    """Traits of the source, all of which must hold: true or false (video, audio, subtitles,
    interlaced, hdr), a number or a comparison such as ">=1080" (width, height, fps, depth,
    channels, duration).
    """
    width: int | None = None
    """Width in samples, 16 to 16383."""


@dataclass(kw_only=True, repr=False, eq=False)
class WaveformCases(Settings):
    when: dict[str, str | float | bool]
    """Traits of the source, all of which must hold: true or false (video, audio, subtitles,
    interlaced, hdr), a number or a comparison such as ">=1080" (width, height, fps, depth,
    channels, duration).
    """


@dataclass(kw_only=True, repr=False, eq=False)
class Webvtt(Settings):
    """WebVTT."""
    type: Literal["webvtt"] = "webvtt"


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
    tune: str | None = None
    """Tune by the encoder's name."""
    type: Literal["x265"] = "x265"


# What is done to an alpha channel.
Alpha: TypeAlias = Literal["auto", "black", "refuse"]

# How to correct audio whose timestamps and sample count drift apart.
AudioDrift: TypeAlias = Literal["fill", "stretch"]

# How the audio is written. All tracks of the source are treated alike and keep their language and
# title. `kbps` is the bitrate of each track in kbit/s (thousands of bits per second). Without it,
# the bitrate depends on the codec and the number of channels.
AudioSettings: TypeAlias = AutoAudio | CopyAudio | NoneAudio | Aac | Opus | Ac3 | Eac3 | Flac | Alac | Pcm | Pcm16 | Pcm24 | Pcm32 | Pcmf32 | str

# Audio tracks of the source: all, none, or numbers (from 0 on) and languages: 1, "eng", "0,eng",
# [0, "eng"]
AudioTracks: TypeAlias = str | int | list[str | int]

# Chroma subsampling.
Chroma: TypeAlias = Literal["400", "420", "422", "444"]

# What is cropped at the edges.
Crop: TypeAlias = NoneCrop | AutoCrop | Vbi | Rectangle | str

# What is done to interlaced frames.
Deinterlace: TypeAlias = Literal["auto", "on", "fields", "off"]

# The purpose of a track.
Disposition: TypeAlias = Literal["default", "dub", "original", "comment", "forced", "hearing_impaired", "visual_impaired", "clean_effects", "lyrics", "karaoke"]

# What is done to HDR10+ and Dolby Vision metadata.
DynamicHdr: TypeAlias = Literal["carry", "drop", "require"]

# The only rate of FFV1.
Ffv1Rate: TypeAlias = LosslessFfv1Rate

# How the segments of a rendition are stored.
Layout: TypeAlias = Literal["files", "single"]

# What is done to a track that is shorter or longer than the video.
LengthPolicy: TypeAlias = Literal["as_is", "pad", "trim", "fit", "fail"]

# What to give up if the target loudness needs peaks above the limit.
LoudnessMode: TypeAlias = Literal["linear", "dynamic"]

Matrix: TypeAlias = str

# What is done when the source changes its size or format in mid-stream.
OnChange: TypeAlias = Literal["scale", "refuse"]

# The reaction to damage in a source.
OnDamage: TypeAlias = Literal["fail", "conceal"]

# What happens to the other outputs when one fails.
OnOutputFailure: TypeAlias = Literal["fail", "continue"]

Paint: TypeAlias = str

# What happens to the pitch when the tempo changes.
Pitch: TypeAlias = Literal["follow", "keep"]

Primaries: TypeAlias = str

# Which code values black and white have.
Range: TypeAlias = Literal["unspecified", "limited", "full"]

# Control of rate and quality.
RateControl: TypeAlias = Crf | Qp | LosslessRateControl | Bitrate

# How new samples are computed from old ones.
Resampler: TypeAlias = Literal["lanczos", "bicubic", "bilinear"]

# Whether frames are rotated upright.
Rotate: TypeAlias = Literal["auto", "off"]

# Primaries, transfer and matrix that belong together.
Standard: TypeAlias = Literal["bt709", "bt601-525", "bt601-625", "bt2020", "pq", "hlg"]

# A still image of a film, or a set of them.
StillSettings: TypeAlias = Poster | Sprites | Waveform

# How subtitles are written. All tracks of the source are treated alike and keep their language,
# title and purpose.
SubtitleSettings: TypeAlias = CopySubtitles | NoneSubtitles | Subrip | MovText | Ass | Webvtt | str

# How high dynamic range is converted to standard dynamic range. Light is scaled so that reference
# white (203 cd/m2, ITU-R BT.2408) is 1, primaries are converted to those of BT.709, and the
# operator compresses brighter values.
Tonemap: TypeAlias = Literal["auto", "off", "mobius", "hable", "reinhard"]

Transfer: TypeAlias = str

# How an output is verified.
VerifyLevel: TypeAlias = Literal["off", "structure", "full"]

# Settings for the video of an output.
VideoSettings: TypeAlias = AutoVideo | X264 | X265 | Ffv1 | Prores | CopyVideo | NoneVideo | str

# What is done to channels in a waveform.
WaveformChannels: TypeAlias = Literal["mixed", "each"]

__all__ = [
    "Aac",
    "Ac3",
    "Alac",
    "Alpha",
    "Ass",
    "AudioDrift",
    "AudioSettings",
    "AudioShape",
    "AudioTracks",
    "AutoAudio",
    "AutoCrop",
    "AutoVideo",
    "Bitrate",
    "Chroma",
    "ColorOverride",
    "CopyAudio",
    "CopySubtitles",
    "CopyVideo",
    "Crf",
    "Crop",
    "Deinterlace",
    "Disposition",
    "DynamicHdr",
    "Eac3",
    "Ffv1",
    "Ffv1Rate",
    "Flac",
    "Job",
    "Layout",
    "LengthPolicy",
    "Limits",
    "LosslessFfv1Rate",
    "LosslessRateControl",
    "LoudnessMode",
    "LoudnessTarget",
    "Matrix",
    "MovText",
    "NoneAudio",
    "NoneCrop",
    "NoneSubtitles",
    "NoneVideo",
    "OnChange",
    "OnDamage",
    "OnOutputFailure",
    "Opus",
    "OutputSettings",
    "OutputSettingsCases",
    "PackageJob",
    "PackageJobCases",
    "Paint",
    "Pcm",
    "Pcm16",
    "Pcm24",
    "Pcm32",
    "Pcmf32",
    "PictureSettings",
    "Pitch",
    "Poster",
    "PosterCases",
    "Primaries",
    "Prores",
    "Qp",
    "Range",
    "RateControl",
    "RawGeometry",
    "Rectangle",
    "Resampler",
    "Rotate",
    "Rung",
    "Size",
    "SourceSettings",
    "Sprites",
    "SpritesCases",
    "Standard",
    "StillSettings",
    "Subrip",
    "SubtitleSettings",
    "Tonemap",
    "TrackInput",
    "TrackSettings",
    "TrackSettingsCases",
    "Transfer",
    "Vbi",
    "VerifyLevel",
    "VideoSettings",
    "Waveform",
    "WaveformCases",
    "WaveformChannels",
    "Webvtt",
    "X264",
    "X265",
]
