"""Frames and audio of a file as arrays."""

from __future__ import annotations

import json
import operator
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from . import _trix
from ._arguments import (
    LARGEST,
    Damage,
    Time,
    at_least,
    at_most,
    conceals,
    exact,
    path_of,
    place,
    read_settings,
    reading,
    room_for,
    size_of,
    whole,
)
from .frame import Frame
from .readers import Audio, Frames, each

if TYPE_CHECKING:
    import numpy.typing as npt

    from .jobs import ColorOverride, Limits, RawGeometry
    from .records import MediaInfo

__all__ = ["Source", "open", "probe"]


def probe(
    path: str | os.PathLike[str],
    *,
    count: bool = False,
    raw: str | RawGeometry | None = None,
    rate: Fraction | int | str | None = None,
    limits: Limits | None = None,
) -> MediaInfo:
    """Describes a file.

        >>> video = trix.probe("master.mov").video
        >>> video.codec, video.video.width, video.video.average_rate
        ('h264', 192, Fraction(25, 1))

    Args:
        path: A local file, or a pattern for the numbered files of an image sequence: `shot.%04d.dpx`.
        count: Decodes the whole file, to count frames and samples and to find damage.
        raw: The geometry of planes without a header, such as `480x270:yuv420p10le:25`.
        rate: Frames per second of an image sequence.
        limits: What the source may have at most.

    Raises:
        IoError: The file cannot be read; a missing file is also a `FileNotFoundError`.
        MalformedInput: It is not media.
        Unsupported: It is a playlist, a script or the like.
        LimitExceeded: It exceeds the limits.
    """
    return _described(_trix.probe(path_of(path), reading(raw, rate, limits), count=count))


def open(
    path: str | os.PathLike[str],
    *,
    raw: str | RawGeometry | None = None,
    rate: Fraction | int | str | None = None,
    video_stream: int | None = None,
    audio_tracks: str | int | list[str | int] | None = None,
    limits: Limits | None = None,
) -> Source:
    """Opens a file to read its frames and audio.

        >>> with trix.open("master.mov") as source:
        ...     print(len(source), source[12])
        50 <trix.Frame 12: 192x108 yuv420p, I, 0.480000 s>

    Args:
        path: A local file, or a pattern for the numbered files of an image sequence: `shot.%04d.dpx`.
        raw: The geometry of planes without a header, such as `480x270:yuv420p10le:25`.
        rate: Frames per second of an image sequence.
        video_stream: The stream that frames are read from, by its index; by default the main video.
        audio_tracks: The audio tracks: numbers from 0, or languages.
        limits: What the source may have at most.

    Raises:
        The same errors as `probe`.
    """
    return Source(path, _trix.open(path_of(path), reading(raw, rate, limits, video_stream, audio_tracks)))


class Source:
    """An open file: a sequence of frames, with audio beside it. `trix.open` makes it.

    `source[12]` is a frame, `source[10:20:2]` an iterator of frames, `len(source)` the number of frames. Frames are the same
    as in a decode from the start, wherever reading begins. Frames stay valid when the source is closed. A source can be used
    from several threads. After `close`, whatever reads raises ValueError.
    """

    def __init__(self, path: str | os.PathLike[str], source: _trix.Source) -> None:
        self._path = path
        self._source = source
        self._info: MediaInfo | None = None
        self._count: int | None = None
        self._lock = threading.Lock()
        # The number of the last frame that was asked for by its number, and a reader that stands behind it.
        self._last = -1
        self._next: Frames | None = None

    def __repr__(self) -> str:
        return f"<trix.Source {os.fspath(self._path)!r}{' (closed)' if self.closed else ''}>"

    def __enter__(self) -> Source:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def path(self) -> str:
        """The path that was opened."""
        return os.fspath(self._path)

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._source.closed

    def close(self) -> None:
        """Ends all reading, and closes the file. Frames and blocks that were returned stay as they are.

        Reading on raises ValueError, as with a closed file of Python.
        """
        self._source.close()
        with self._lock:
            self._next = None

    @property
    def info(self) -> MediaInfo:
        """What the file holds."""
        if self._info is None:
            self._info = _described(self._source.info())
        return self._info

    @property
    def fps(self) -> Fraction:
        """Frames per second on average: as the container states it, else by the times of the frames.

        Raises:
            ValueError: There is no video, or its rate is unknown.
        """
        stream = self.info.video
        video = stream and stream.video
        rate = video and (video.average_rate or video.declared_rate or (video.timing and video.timing.rate))
        if not rate:
            raise ValueError(f"{self.path} states no frame rate")
        return rate

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frames, in samples.

        Raises:
            ValueError: There is no video.
        """
        stream = self.info.video
        if stream is None or stream.video is None:
            raise ValueError(f"{self.path} has no video")
        return stream.video.width, stream.video.height

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        """The number of frames. It comes from the index; a source without a sound index is decoded once."""
        if self._count is None:
            self._count = self._source.count()
        return self._count

    @overload
    def __getitem__(self, which: int) -> Frame: ...

    @overload
    def __getitem__(self, which: slice) -> Frames: ...

    def __getitem__(self, which: int | slice) -> Frame | Frames:
        if isinstance(which, slice):
            start, stop, step = which.indices(len(self))
            if step > 0:
                return self.frames(start=start, stop=max(start, stop), stride=step)
            return self._chosen(list(range(start, stop, step)))
        if not hasattr(which, "__index__"):
            raise TypeError(f"frames are numbered by integers or slices, not by {type(which).__name__}")
        number = min(which.__index__(), LARGEST)
        if number < 0:
            number += len(self)
        found = self._numbered(number) if number >= 0 else None
        if found is None:
            raise IndexError(f"there are {len(self)} frames, counted from 0, and no frame {which}")
        return found

    def _numbered(self, number: int) -> Frame | None:
        """The frame with this number. A program that asks for one frame after the other gets them from one reader."""
        with self._lock:
            follows, reader = number == self._last + 1, self._next
            self._last, self._next = number, None
        if not follows or number == 0:
            found = self._source.chosen([number], **read_settings(None, None, None, "fail", 0)).next(number)
            return None if found is None or found[0] is None else Frame(found[0])
        reader = reader or self.frames(start=number)
        frame = reader._frame(number)
        with self._lock:
            # Another thread may have asked for another frame meanwhile.
            if frame is not None and self._last == number and not self.closed:
                self._next = reader
        return frame

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def frames(
        self,
        *,
        start: int | Time | None = None,
        stop: int | Time | None = None,
        stride: int = 1,
        size: tuple[int, int] | None = None,
        format: str | None = None,
        color: ColorOverride | dict[str, str] | None = None,
        on_damage: Damage = "fail",
        threads: int = 0,
    ) -> Frames:
        """Frames in sequence.

            >>> with trix.open("master.mov") as source:
            ...     [frame.number for frame in source.frames(start=1.0, stop=40, stride=5)]
            [25, 30, 35]

        Args:
            start: The first frame, by number (int) or time; by default that of the file.
            stop: The end, which is not read, by number (int) or time.
            stride: 2 reads every second frame, and so on.
            size: Width and height to scale to.
            format: FFmpeg's name of the format to convert to, such as `yuv420p`, `rgb24`, `gray16le`. RGB has full range.
            color: Colour that is known better than the file says: `{"matrix": "bt709"}`.
            on_damage: `fail` raises at the first damage, `conceal` goes on.
            threads: Threads of the decoder; 0: two more than there are cores.

        Raises:
            ValueError: An argument is out of range.
            InvalidSpec: The conversion is impossible. It is raised with the first frame, as the errors of decoding are.
        """
        stride = whole(stride, "stride", 1, LARGEST)
        first, end = place(start, "start", at_least), place(stop, "stop", at_least)
        return Frames(self._source.frames(first, end, stride, **read_settings(size, format, color, on_damage, threads)))

    def frames_at(
        self,
        times: Iterable[Time],
        *,
        size: tuple[int, int] | None = None,
        format: str | None = None,
        color: ColorOverride | dict[str, str] | None = None,
        on_damage: Damage = "fail",
        threads: int = 0,
    ) -> Iterator[Frame | None]:
        """The frame on screen at each time, in the order of the times; None before the first frame.

            >>> with trix.open("master.mov") as source:
            ...     [frame.number for frame in source.frames_at([0.5, 1, Fraction(7, 5)])]
            [12, 25, 35]

        Times are in seconds, in the time of the file (`frame.pts`). Ascending times cost least. Several decoders read
        at once, one for each core. The other arguments are those of `frames`.
        """
        places: list[int | tuple[int, int]] = [at_most(time).as_integer_ratio() for time in times]
        return each(self._source.chosen(places, **read_settings(size, format, color, on_damage, threads)))

    def batch(
        self,
        indices: Sequence[int],
        out: npt.NDArray[Any] | None = None,
        *,
        size: tuple[int, int] | None = None,
        format: Literal["rgb24", "rgb48le", "gray", "gray16le"] = "rgb24",
        color: ColorOverride | dict[str, str] | None = None,
        threads: int = 0,
    ) -> npt.NDArray[Any]:
        """The frames with these numbers in one array, in the order of the numbers.

            >>> with trix.open("master.mov") as source:
            ...     source.batch([40, 3, -1], size=(96, 54)).shape
            (3, 54, 96, 3)

        Its shape is (frames, height, width, 3), or (frames, height, width) for grey. Its type is uint8 for `rgb24` and `gray`, and
        uint16 for the others. Negative numbers count from the end. Several decoders read at once, in the order that costs least.

        Args:
            indices: Numbers of frames.
            out: An array of that shape and type to write into; by default a new one.

        Raises:
            IndexError: There is no such frame.
            ValueError: `out` has another shape or type, or is read-only.
        """
        shape = size_of(size) or self.size
        out = room_for(len(indices), shape, format, out)
        numbers = [min(operator.index(number), LARGEST) for number in indices]
        if any(number < 0 for number in numbers):
            numbers = [number + len(self) if number < 0 else number for number in numbers]
        if any(number < 0 for number in numbers):
            raise IndexError(f"there are {len(self)} frames, and no frame {min(indices)}")
        for position, frame in self._source.batch(numbers, **read_settings(shape, format, color, "fail", threads)):
            if frame is None:
                raise IndexError(f"there are {len(self)} frames, counted from 0, and no frame {numbers[position]}")
            out[position] = Frame(frame).pixels
        return out

    def times(self) -> list[Fraction] | None:
        """The times of all frames in seconds, from the index; None if it is not exact, so that only decoding tells them."""
        found = self._source.times()
        return None if found is None else [Fraction(num, den) for num, den in found]

    def audio(
        self,
        *,
        start: int | Time | None = None,
        stop: int | Time | None = None,
        stream: int | None = None,
        rate: int | None = None,
        layout: str | None = None,
        dtype: npt.DTypeLike | None = None,
        on_damage: Damage = "fail",
    ) -> Audio:
        """The audio of one stream.

            >>> with trix.open("master.mov") as source:
            ...     samples = source.audio(start=0.5, stop=1.5, rate=16_000, layout="mono").read()
            >>> samples.shape, samples.dtype
            ((16000, 1), dtype('float32'))

        Without `rate`, `layout` and `dtype`, blocks are those of the decoder. With one of them, blocks follow each other without
        gaps, with silence where the file has no audio.

        Args:
            start: The first sample, by number (int) or time; by default that of the file.
            stop: The end, which is not read, by number (int) or time.
            stream: Index of the stream; by default the first audio track.
            rate: Samples per second to convert to.
            layout: Channels to mix to, such as `mono`, `stereo` or `5.1`.
            dtype: Type of samples: int16, int32, float32 or float64. Floating point has full scale at 1.
            on_damage: `fail` raises at the first damage, `conceal` goes on.

        Raises:
            ValueError: An argument is out of range. Errors of decoding are raised with the first block.
        """
        sample = None
        if dtype is not None:
            import numpy as np

            sample = np.dtype(dtype).name
        elif rate is not None or layout is not None:
            sample = "float32"
        first, end = place(start, "start", exact), place(stop, "stop", exact)
        found = self._source.audio(
            first,
            end,
            stream=None if stream is None else whole(stream, "stream", 0, LARGEST),
            rate=None if rate is None else whole(rate, "rate", 1, 768_000),
            layout=layout,
            sample=sample,
            conceal=conceals(on_damage),
        )
        return Audio(found)

    def _chosen(self, numbers: list[int]) -> Frames:
        places = cast("list[int | tuple[int, int]]", numbers)
        return Frames(self._source.chosen(places, **read_settings(None, None, None, "fail", 0)))


def _described(text: str) -> MediaInfo:
    from .records import MediaInfo

    return MediaInfo.from_dict(json.loads(text))
