"""How an audio track is made.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from .._record import Record, Timestamp


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
    resampler: AudioResampler | None
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
class ExactLength(Record):
    """An exact number of samples of the output."""
    pad: bool
    """True if silence follows shorter audio."""
    samples: int
    """Samples, counted from the start of the output."""
    trim: bool
    """True if the end of longer audio is cut."""


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
class MatrixRemix(Record):
    """Mixed with the matrix of the job."""
    rows: list[list[float]]
    """One row for each channel of the output, with one factor for each channel of the source."""
    type: Literal["matrix"] = "matrix"


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
class PickRemix(Record):
    """Some channels, in another order or together with silent ones; their samples are unchanged."""
    channels: list[int | None]
    """For each channel of the output, the number of the source channel, from 0; `null` is silence.
    """
    type: Literal["pick"] = "pick"


@dataclass(kw_only=True, repr=False, eq=False)
class RelabelRemix(Record):
    """The same samples with other loudspeaker names."""
    type: Literal["relabel"] = "relabel"


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
class StandardRemix(Record):
    """Mixed by libswresample with the coefficients of ITU-R BS.775 (annex 4): the centre and each
    surround channel go to left and right with a factor of the square root of one half, and low-
    frequency effects are left out. All factors are divided by the largest sum of the factors of
    one channel, so that nothing clips.
    """
    type: Literal["standard"] = "standard"


# The library that changes the sample rate.
AudioResampler: TypeAlias = Literal["soxr", "swr"]

# What to give up if the target loudness needs peaks above the limit.
LoudnessMode: TypeAlias = Literal["linear", "dynamic"]

# What happens to the pitch when the tempo changes.
Pitch: TypeAlias = Literal["follow", "keep"]

# How channels are remixed.
Remix: TypeAlias = RelabelRemix | PickRemix | StandardRemix | MatrixRemix
