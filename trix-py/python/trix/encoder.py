"""Encodes frames and audio of a program."""

from __future__ import annotations

import atexit
import json
import os
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from . import _trix, jobs, records
from ._record import Record, _plain
from .frame import Frame
from .running import _given
from ._arguments import path_of

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["AudioTrack", "Encoder"]

Picture: TypeAlias = "Frame | npt.NDArray[Any] | Sequence[npt.NDArray[Any]]"

# The encoders that are neither closed nor aborted.
_unclosed: weakref.WeakSet[Encoder] = weakref.WeakSet()


@atexit.register
def _abort_all() -> None:
    # A program that ends leaves nothing under the names of files that it did not close.
    for encoder in list(_unclosed):
        encoder.abort()


# The usual layout of so many channels.
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


class AudioTrack:
    """An audio track that a program gives.

    Args:
        rate: Samples per second.
        layout: Channels, such as `mono`, `stereo`, `5.1` or `3 channels`; by default the usual one for the channels of the
            first array.
        language: ISO 639 code.
        title: Title.
    """

    def __init__(self, rate: int, layout: str | None = None, language: str | None = None, title: str | None = None) -> None:
        self.rate = rate
        self.layout = layout
        self.language = language
        self.title = title
        self._sample: str | None = None
        self._channels = 0
        self._samples = 0


class Encoder:
    """Writes frames and audio of a program into a file, verified when it is closed.

        >>> with trix.Encoder("ramp.mkv", video=trix.Ffv1(), fps=25) as encoder:
        ...     for value in range(10):
        ...         encoder.write(np.full((64, 96, 3), value, np.uint8))
        >>> encoder.report.outputs[0].ledger.emitted
        10

    The file gets its name when the encoder is closed. An exception inside `with` leaves nothing under that name. The first frame
    decides size and format of all frames. Frames are shown one after the other, at `fps`.

    Frames and audio have to be given in step: within 5 seconds of each other.

    Args:
        path: The file to write; its extension decides the container.
        video: `trix.X264(...)`, `trix.X265(...)`, `trix.Ffv1()`, `trix.Prores(...)` or a name; None for audio alone.
        audio: How audio is written, such as `trix.Flac()`. Needs `sample_rate` or `tracks`.
        fps: Frames per second.
        size: Width and height to scale to.
        color: What the samples of arrays mean: primaries, transfer, matrix, range. By default, that of a frame of a source, and
            unspecified for arrays.
        hdr: The display that the programme was graded on, and its light level: `mastering` and `content_light` of a frame.
        sample_rate: Samples per second of a single audio track.
        layout: Its channels.
        tracks: The audio tracks, if there are several.
        overwrite: Replaces a file that has the name.
        more: Other keys of an output in a job, such as `picture` and `metadata`.

    Raises:
        InvalidSpec: The settings have mistakes; raised with the first frame.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        video: jobs.VideoSettings | None = "x264",
        audio: jobs.AudioSettings | None = None,
        fps: Fraction | int | float | str = 25,
        size: tuple[int, int] | None = None,
        color: Mapping[str, str] | records.Color | None = None,
        hdr: tuple[records.MasteringDisplay | None, records.ContentLight | None] | None = None,
        sample_rate: int | None = None,
        layout: str | None = None,
        tracks: Sequence[AudioTrack] = (),
        overwrite: bool = False,
        **more: Any,
    ) -> None:
        self._rate = Fraction(fps).limit_denominator(100_000) if isinstance(fps, float) else Fraction(fps)
        if self._rate <= 0:
            raise ValueError(f"fps is above 0, not {fps}")
        if tracks and sample_rate is not None:
            raise ValueError("sample_rate is for one track; tracks have their own")
        self._tracks = list(tracks) or ([AudioTrack(sample_rate, layout)] if sample_rate is not None else [])
        if (audio is not None) != bool(self._tracks):
            raise ValueError("audio needs sample_rate or tracks, and these need audio")
        if video is None and not self._tracks:
            raise ValueError("neither video nor audio is written")
        picture = dict(_plain(more.pop("picture", None)) or {})
        if size is not None:
            picture["size"] = {"width": int(size[0]), "height": int(size[1])}
        output = {
            "path": path_of(path),
            "video": "none" if video is None else video,
            "audio": "none" if audio is None else audio,
            "picture": picture or None,
            "overwrite": overwrite,
            **more,
        }
        self._job = json.dumps(_plain({"outputs": [_given(output)]}))
        self._color = _plain_color(color)
        self._hdr = hdr or (None, None)
        self._has_video = video is not None
        self._session: _trix.Session | None = None
        self._waiting: deque[tuple[int | None, Any]] = deque()
        self._frames = 0
        self._report: records.Report | None = None
        self._is_closed = False
        self.path = path_of(path)

    def __enter__(self) -> Encoder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    @property
    def report(self) -> records.Report:
        """The report of the job, after `close`.

        Raises:
            ValueError: The encoder is not closed, or was aborted.
        """
        if self._report is None:
            raise ValueError("an encoder has a report after it was closed")
        return self._report

    @property
    def frames(self) -> int:
        """The number of frames given so far."""
        return self._frames + sum(track is None for track, _ in self._waiting)

    def write(self, frame: Picture, *, format: str | None = None) -> None:
        """Gives the next frame.

        Args:
            frame: A `trix.Frame`; an array of shape (rows, columns, 3) with RGB or (rows, columns, 4) with RGBA; an array
                (rows, columns) with grey; or planes (Y, Cb, Cr) with uint8, or uint16 with the value in the low bits. Arrays are
                uint8 or uint16, of any order and stride.
            format: FFmpeg's name of the format of planes, such as `yuv420p10le`. It is needed for uint16 planes, whose depth
                arrays do not tell. RGB and grey of uint16 have 16 bits.

        Raises:
            TypeError: It is no frame.
            ValueError: Its type, shape or number of planes is none of these.
            InvalidSpec: It has another size or format than the first frame.
            LimitExceeded: The frames are more than 5 seconds ahead of the audio; the frame can be given again later.
        """
        self._check_open()
        if not self._has_video:
            raise ValueError("this encoder has no video")
        item = frame if isinstance(frame, Frame) else planes_of(frame, format)
        if self._session is None:
            self._wait_for(None, item)
        else:
            self._give_frame(self._session, item)

    def write_audio(self, samples: npt.NDArray[Any], track: int = 0) -> None:
        """Gives the next samples of an audio track.

        Args:
            samples: An array of shape (samples, channels), or (samples,) for mono: int16, int32, float32 or float64. Floating
                point has full scale at 1.
            track: Number of the track, from 0.

        Raises:
            TypeError: It is no array.
            ValueError: Its type or shape is none of these, or another than before.
            LimitExceeded: The track is more than 5 seconds ahead; the samples can be given again later.
        """
        import numpy as np

        self._check_open()
        if not 0 <= track < len(self._tracks):
            raise ValueError(f"there are {len(self._tracks)} audio tracks, counted from 0, and no track {track}")
        if not isinstance(samples, np.ndarray):
            raise TypeError(f"samples are a numpy array, not {type(samples).__name__}")
        own = self._tracks[track]
        array = samples[:, np.newaxis] if samples.ndim == 1 else samples
        if array.ndim != 2 or not array.size:
            raise ValueError(f"samples have the shape (samples, channels), not {samples.shape}")
        name = array.dtype.name
        if name not in ("int16", "int32", "float32", "float64"):
            raise ValueError(f"samples are int16, int32, float32 or float64, not {name}")
        if own._sample is None:
            layout = own.layout or _LAYOUTS.get(array.shape[1], f"{array.shape[1]} channels")
            own.layout, own._sample, own._channels = layout, name, array.shape[1]
        if (name, array.shape[1]) != (own._sample, own._channels):
            raise ValueError(
                f"the track has {own._channels} channels of {own._sample}, and {array.shape[1]} of {name} were given"
            )
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("=")).tobytes()
        item = (data, len(array))
        if self._session is None:
            self._wait_for(track, item)
        else:
            self._give_audio(self._session, track, item)

    def close(self) -> records.Report:
        """Ends the file: waits for the encoder, verifies the file, gives it its name, and returns the report.

        Raises:
            InvalidSpec: No frames, or no audio of a track, were given.
            VerificationError: The file does not hold what was given.
        """
        if self._report is not None:
            return self._report
        self._check_open()
        session = self._session or self._open()
        self._is_closed = True
        _unclosed.discard(self)
        try:
            self._report = records.Report.from_dict(json.loads(session.finish()))
        except BaseException:
            session.abort()
            raise
        return self._report

    def abort(self) -> None:
        """Ends without a file. Nothing is left under its name."""
        self._is_closed = True
        _unclosed.discard(self)
        self._waiting.clear()
        if self._session is not None and self._report is None:
            self._session.abort()

    def _check_open(self) -> None:
        if self._is_closed:
            raise ValueError(f"the encoder of {self.path} is closed")

    def _wait_for(self, track: int | None, item: Any) -> None:
        """Keeps what is given until the shape of all streams is known, and then starts."""
        self._waiting.append((track, item))
        is_known = (not self._has_video or any(own is None for own, _ in self._waiting)) and all(
            own._sample is not None for own in self._tracks
        )
        if is_known:
            self._open()
        elif len(self._waiting) > 5 * self._rate + 50:
            self._waiting.pop()
            raise ValueError("the first frame and the first samples of each track have to be given within 5 seconds")

    def _open(self) -> _trix.Session:
        frames = [item for track, item in self._waiting if track is None]
        if self._has_video and not frames:
            raise ValueError("no frame was given")
        silent = [number for number, own in enumerate(self._tracks) if own._sample is None]
        if silent:
            raise ValueError(f"no samples were given for audio track {silent[0]}")
        stated: dict[str, Any] = {
            "video": None,
            "rate": f"{self._rate.numerator}/{self._rate.denominator}",
            "color": self._color,
            "mastering": self._hdr[0] and self._hdr[0].to_dict(),
            "content_light": self._hdr[1] and self._hdr[1].to_dict(),
            "audio": [
                {
                    "sample_rate": own.rate,
                    "layout": own.layout,
                    "sample": own._sample,
                    "language": own.language,
                    "title": own.title,
                }
                for own in self._tracks
            ],
        }
        first = None
        if frames and isinstance(frames[0], Frame):
            first = frames[0]._frame
        elif frames:
            name, width, height = frames[0][0]
            stated["video"] = {"width": width, "height": height, "format": name}
        session = _trix.session(self._job, json.dumps(stated), first)
        self._session = session
        _unclosed.add(self)
        waiting, self._waiting = self._waiting, deque()
        for track, item in waiting:
            if track is None:
                self._give_frame(session, item)
            else:
                self._give_audio(session, track, item)
        return session

    def _give_frame(self, session: _trix.Session, item: Any) -> None:
        if isinstance(item, Frame):
            session.write_frame(self._frames, item._frame)
        else:
            (name, width, height), planes = item
            session.write_planes(self._frames, name, (width, height), planes)
        self._frames += 1

    def _give_audio(self, session: _trix.Session, track: int, item: tuple[bytes, int]) -> None:
        data, count = item
        own = self._tracks[track]
        assert own._sample is not None and own.layout is not None
        session.write_audio(track, own._samples, own._sample, own.layout, own.rate, data)
        own._samples += count


def _plain_color(color: Mapping[str, str] | records.Color | None) -> dict[str, str] | None:
    if color is None:
        return None
    given = color.to_dict() if isinstance(color, Record) else dict(color)
    names = ("primaries", "transfer", "matrix", "range", "chroma_location")
    unknown = set(given) - set(names)
    if unknown:
        raise ValueError(f"colour has {', '.join(names)}, and no {sorted(unknown)[0]}")
    return {name: given.get(name, "unspecified") for name in names}


def planes_of(frame: Any, format: str | None) -> tuple[tuple[str, int, int], list[tuple[bytes, int]]]:
    """The format and size of arrays, and their bytes with those of a row."""
    import numpy as np

    if isinstance(frame, np.ndarray):
        arrays = [frame]
    elif isinstance(frame, (list, tuple)) and all(isinstance(plane, np.ndarray) for plane in frame):
        arrays = list(frame)
    else:
        raise TypeError(f"a frame is a trix.Frame, a numpy array or planes, not {type(frame).__name__}")
    kinds = {array.dtype.name for array in arrays}
    if not arrays or len(kinds) != 1 or not kinds <= {"uint8", "uint16"}:
        raise ValueError(f"samples are uint8 or uint16, not {', '.join(sorted(kinds)) or 'nothing'}")
    is_deep = kinds == {"uint16"}
    first = arrays[0]
    if len(arrays) == 1 and first.ndim == 3:
        if first.shape[2] not in (3, 4) or not first.size:
            raise ValueError(f"RGB has the shape (rows, columns, 3) or (rows, columns, 4), not {first.shape}")
        name = {(3, False): "rgb24", (4, False): "rgba", (3, True): "rgb48le", (4, True): "rgba64le"}[first.shape[2], is_deep]
        height, width = first.shape[:2]
    elif all(array.ndim == 2 and array.size for array in arrays):
        height, width = first.shape
        name = format or _planar(arrays, is_deep)
    else:
        raise ValueError(f"planes have the shape (rows, columns), not {', '.join(str(array.shape) for array in arrays)}")
    if format is not None and format != name:
        raise ValueError(f"an array of shape {first.shape} is {name}, not {format}")
    packed = []
    for array in arrays:
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        packed.append((data, len(data) // array.shape[0]))
    return (name, width, height), packed


def _planar(arrays: list[Any], is_deep: bool) -> str:
    """The format of planes, by their shapes."""
    (height, width) = arrays[0].shape
    if len(arrays) == 1:
        return "gray16le" if is_deep else "gray"
    if is_deep:
        raise ValueError("planes of uint16 need format, such as yuv420p10le, since arrays do not tell their depth")
    if len(arrays) != 3 or arrays[1].shape != arrays[2].shape:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ValueError(f"planes are (Y, Cb, Cr), with Cb and Cr of one shape; these are {shapes}")
    halves = ((height + 1) // 2, (width + 1) // 2)
    names = {(height, width): "yuv444p", (height, halves[1]): "yuv422p", halves: "yuv420p"}
    name = names.get(arrays[1].shape)
    if name is None:
        raise ValueError(f"chroma of {arrays[1].shape} fits no format for luma of {(height, width)}")
    return name
