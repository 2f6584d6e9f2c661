"""Encodes frames and audio of a program."""

from __future__ import annotations

import atexit
import json
import os
import threading
import warnings
import weakref
from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from . import _trix, jobs, records
from ._arguments import hdr_of, path_of, per_second, size_of, stated_color
from ._planes import planes_of
from ._record import _plain
from ._streams import Stream, hand_over
from ._work import given
from .errors import InvalidSpec
from .frame import Frame
from .running import log, log_report
from .tracks import AudioTrack, Track, usual_layout

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Encoder"]

Picture: TypeAlias = "Frame | npt.NDArray[Any] | Sequence[npt.NDArray[Any]]"

# The encoders that are neither closed nor aborted.
_unclosed: weakref.WeakSet[Encoder] = weakref.WeakSet()


@atexit.register
def _abort_all() -> None:
    # A program that ends leaves nothing under the names of files that it did not close.
    for encoder in list(_unclosed):
        encoder.abort()


def _forget_all() -> None:
    # A process that is forked has no encoders.
    for encoder in list(_unclosed):
        encoder._forget()
    _unclosed.clear()


os.register_at_fork(after_in_child=_forget_all)


def _drop(session: _trix.Session, path: str) -> None:
    """Ends the session of an encoder that nobody can close any more. Nothing is left under the name of its file."""
    session.abort()
    warnings.warn(f"the encoder of {path} was neither closed nor aborted", ResourceWarning, stacklevel=2)


class Encoder:
    """Writes frames and audio of a program into a file, verified when it is closed.

        >>> with trix.Encoder("ramp.mkv", video=trix.Ffv1(), fps=25) as encoder:
        ...     for value in range(10):
        ...         encoder.write(np.full((64, 96, 3), value, np.uint8))
        >>> encoder.report.outputs[0].ledger.emitted
        10

    The file gets its name when the encoder is closed. An exception inside `with` leaves nothing under that name, nor does an
    encoder that is dropped (with a ResourceWarning). The first frame decides size and format of all frames. Frames are shown one
    after the other, at `fps`.

    An MP4 is made for common players, also of RGB: chroma and depth that `video` does not state are 4:2:0, and at most 8 bits of
    H.264 or 10 of HEVC. `compatible=False` keeps those of the frames, and so do other containers.

    Frames and audio have to be given in step: within 5 seconds of each other. Several threads can give them; the calls of one
    wait for those of another.

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
        self._rate = per_second(fps, "fps")
        if tracks and sample_rate is not None:
            raise ValueError("sample_rate is for one track; tracks have their own")
        settings = list(tracks) or ([AudioTrack(sample_rate, layout)] if sample_rate is not None else [])
        if (audio is not None) != bool(settings):
            raise ValueError("audio needs sample_rate or tracks, and these need audio")
        if video is None and not settings:
            raise ValueError("neither video nor audio is written")
        self._video = None if video is None else Stream(self._rate, self._hand_frame)
        self._tracks = [self._track(number, own) for number, own in enumerate(settings)]
        picture = dict(_plain(more.pop("picture", None)) or {})
        wanted = size_of(size)
        if wanted is not None:
            picture["size"] = {"width": wanted[0], "height": wanted[1]}
        output = {
            "path": path_of(path),
            "video": "none" if video is None else video,
            "audio": "none" if audio is None else audio,
            "picture": picture or None,
            "overwrite": overwrite,
            **more,
        }
        self._is_for_players = "compatible" not in more
        self._job = json.dumps(_plain({"outputs": [given(output)]}))
        self._color = stated_color(color)
        self._hdr = hdr_of(hdr)
        self._session: _trix.Session | None = None
        self._dropped: weakref.finalize[..., Encoder] | None = None
        self._first: Any = None
        self._report: records.Report | None = None
        self._is_closed = False
        self._lock = threading.RLock()
        self.path = path_of(path)

    def __enter__(self) -> Encoder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            self.abort()
        elif not self._is_closed:
            self.close()

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
        return self._video.count if self._video else 0

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
        item = frame if isinstance(frame, Frame) else planes_of(frame, format)
        with self._lock:
            self._check_open()
            if self._video is None:
                raise ValueError("this encoder has no video")
            if self._first is not None and _shape_of(item) != _shape_of(self._first):
                raise InvalidSpec(f"the frame is {_shape_of(item)}, and the first one is {_shape_of(self._first)}")
            self._give(self._video, 1, item)
            self._first = self._first or item

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

        if not isinstance(samples, np.ndarray):
            raise TypeError(f"samples are a numpy array, not {type(samples).__name__}")
        array = samples[:, np.newaxis] if samples.ndim == 1 else samples
        if array.ndim != 2 or not array.size:
            raise ValueError(f"samples have the shape (samples, channels), not {samples.shape}")
        name, channels = array.dtype.name, array.shape[1]
        if name not in ("int16", "int32", "float32", "float64"):
            raise ValueError(f"samples are int16, int32, float32 or float64, not {name}")
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("=")).tobytes()
        with self._lock:
            own = self._track_of(track)
            if own.stream.has_ended:
                raise ValueError(f"audio track {track} has ended")
            if own.sample is None:
                own.layout = own.layout or usual_layout(channels)
                own.sample, own.channels = name, channels
            if (name, channels) != (own.sample, own.channels):
                raise ValueError(f"the track has {own.channels} channels of {own.sample}, and {channels} of {name} were given")
            self._give(own.stream, len(array), data)

    def end_audio(self, track: int = 0) -> None:
        """Ends an audio track that is shorter than the video, so that frames can be given without it.

        Raises:
            ValueError: There is no such track, or it got no samples.
        """
        with self._lock:
            own = self._track_of(track)
            if not own.stream.has_begun:
                raise ValueError(f"no samples were given for audio track {track}")
            if not own.stream.has_ended and self._session is not None:
                hand_over(self._streams())
                self._session.end_audio(track)
            own.stream.has_ended = True

    def close(self) -> records.Report:
        """Ends the file: waits for the encoder, verifies the file, gives it its name, and returns the report.

        Raises:
            InvalidSpec: No frames, or no audio of a track, were given.
            VerificationError: The file does not hold what was given.
        """
        with self._lock:
            if self._report is not None:
                return self._report
            self._check_open()
            if self._session is None:
                self._open()
            session = self._session
            assert session is not None
            try:
                for number, own in enumerate(self._tracks):
                    # What waits of other streams is not held up by a track that is over.
                    if any(stream.waiting for stream in self._streams()) and not own.stream.waiting:
                        self.end_audio(number)
                hand_over(self._streams())
                self._end()
                self._report = records.Report.from_dict(json.loads(session.finish()))
            except BaseException:
                self.abort()
                raise
            log_report(self._report, log.warning)
            return self._report

    def abort(self) -> None:
        """Ends without a file. Nothing is left under its name."""
        with self._lock:
            self._end()
            if self._session is not None and self._report is None:
                self._session.abort()

    def _end(self) -> None:
        self._is_closed = True
        _unclosed.discard(self)
        self._forget()

    def _forget(self) -> None:
        """Leaves the session alone from here on, whatever becomes of this object."""
        if self._dropped is not None:
            self._dropped.detach()

    def _check_open(self) -> None:
        if self._is_closed:
            raise ValueError(f"the encoder of {self.path} is closed")

    def _streams(self) -> list[Stream]:
        return [*([self._video] if self._video else []), *(own.stream for own in self._tracks)]

    def _track_of(self, track: int) -> Track:
        self._check_open()
        if not 0 <= track < len(self._tracks):
            raise ValueError(f"there are {len(self._tracks)} audio tracks, counted from 0, and no track {track}")
        return self._tracks[track]

    def _track(self, number: int, settings: AudioTrack) -> Track:
        if not isinstance(settings, AudioTrack):
            raise TypeError(f"tracks are trix.AudioTrack, not {type(settings).__name__}")
        return Track(settings, Stream(settings.rate, lambda before, data: self._hand_samples(number, before, data)))

    def _give(self, stream: Stream, size: int, item: Any) -> None:
        """Gives an item to the session, or keeps it until every stream has begun."""
        if self._session is not None:
            hand_over(self._streams())
            stream.hand(size, item)
            return
        stream.keep(size, item)
        if stream is self._video:
            self._first = self._first or item
        if not all(own.has_begun for own in self._streams()):
            return
        try:
            self._open()
        except BaseException:
            # The item was not taken, and can be given again.
            if self._session is None:
                stream.waiting.pop()
                self._first = self._first if self._video and self._video.has_begun else None
            raise

    def _open(self) -> None:
        """Starts the session, and gives it what waits."""
        if self._video and not self._video.has_begun:
            raise ValueError("no frame was given")
        silent = [number for number, own in enumerate(self._tracks) if not own.stream.has_begun]
        if silent:
            raise ValueError(f"no samples were given for audio track {silent[0]}")
        stated: dict[str, Any] = {
            "video": None,
            "rate": f"{self._rate.numerator}/{self._rate.denominator}",
            "color": self._color,
            "mastering": self._hdr[0] and self._hdr[0].to_dict(),
            "content_light": self._hdr[1] and self._hdr[1].to_dict(),
            "audio": [own.stated() for own in self._tracks],
            "for_players": self._is_for_players,
        }
        first = None
        if isinstance(self._first, Frame):
            first = self._first._frame
        elif self._first is not None:
            name, width, height = self._first[0]
            stated["video"] = {"width": width, "height": height, "format": name}
        self._session = _trix.session(self._job, json.dumps(stated), first)
        _unclosed.add(self)
        self._dropped = weakref.finalize(self, _drop, self._session, self.path)
        # `_abort_all` ends the encoders that are left at the end of the program.
        self._dropped.atexit = False
        hand_over(self._streams())
        for number, own in enumerate(self._tracks):
            if own.stream.has_ended:
                self._session.end_audio(number)

    def _hand_frame(self, before: int, item: Any) -> None:
        assert self._session is not None
        if isinstance(item, Frame):
            self._session.write_frame(before, item._frame)
        else:
            (name, width, height), planes = item
            self._session.write_planes(before, name, (width, height), planes)

    def _hand_samples(self, number: int, before: int, data: bytes) -> None:
        own = self._tracks[number]
        assert self._session is not None and own.sample is not None and own.layout is not None
        self._session.write_audio(number, before, own.sample, own.layout, own.settings.rate, data)


def _shape_of(item: Any) -> str:
    if isinstance(item, Frame):
        return f"{item.width}x{item.height} {item.format}"
    name, width, height = item[0]
    return f"{width}x{height} {name}"
