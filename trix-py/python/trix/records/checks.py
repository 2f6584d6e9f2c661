"""What was compared: checks, and scores of frames.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .._readable import ComparisonWords, FileReportWords
from .._record import Record, Timestamp
from .reading import FullDecodeCount


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
class Comparison(ComparisonWords, Record):
    """What a comparison found."""
    first_difference: Difference | None
    """The first frame that is not equal, sample by sample; absent when all are."""
    score: Score
    """Scores over all frames."""


@dataclass(kw_only=True, repr=False, eq=False)
class Difference(Record):
    """A frame that is not equal to that of the reference."""
    frame: int
    """Which frame, from zero."""
    time: Timestamp
    """When it is shown."""


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
class Score(Record):
    """The similarity of a clip to its reference. All values are 0, `false`, `None` or empty if no
    frame was compared.
    """
    _may_be_absent = frozenset(["vmaf"])

    curve: ScoreCurve | None
    """The similarity of luma over time. `None` if no metric was measured."""
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
    vmaf: float | None = None
    """VMAF of luma, as the mean over the frames; 0 to 100. `None` if it was not measured."""


@dataclass(kw_only=True, repr=False, eq=False)
class ScoreCurve(Record):
    """The similarity of luma over the time of a clip."""
    frames: int
    """Frames of a point: a power of two, so that there are at most 512 points. The last point may
    have fewer.
    """
    psnr_db: list[float | None]
    """PSNR of each point in decibels, from the mean squared error over its frames. `None` where
    they are identical, or if PSNR was not measured.
    """
    ssim: list[float]
    """SSIM of each point, as the mean over its frames; −1 to 1. Empty if SSIM was not measured."""


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
class WorstFrame(Record):
    """A frame that a [`Score`] names."""
    frame: int
    """Its place in the order of the comparison, from 0."""
    luma_psnr_db: float | None
    """PSNR of its luma, in decibels. `None` if it was not measured."""
    luma_ssim: float | None
    """SSIM of its luma; −1 to 1. `None` if it was not measured."""


# The plane of a score, by its position in the frame.
PlaneLabel: TypeAlias = Literal["Y", "U", "V", "A"]

# How an output is verified.
VerifyLevel: TypeAlias = Literal["off", "structure", "full"]
