"""Still images.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from .._record import Settings, Timestamp


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


Paint: TypeAlias = str

# A still image of a film, or a set of them.
StillSettings: TypeAlias = Poster | Sprites | Waveform

# What is done to channels in a waveform.
WaveformChannels: TypeAlias = Literal["mixed", "each"]
