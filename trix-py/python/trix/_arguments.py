"""Arguments of Python as the compiled module takes them."""

from __future__ import annotations

import json
import math
import operator
import os
from collections.abc import Callable, Mapping
from fractions import Fraction
from numbers import Rational, Real
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from ._record import Record, Timestamp

if TYPE_CHECKING:
    import numpy.typing as npt

    from . import records
    from .jobs import ColorOverride, Limits, RawGeometry

Time: TypeAlias = "Fraction | float | Timestamp"
"""A time in seconds. `float(frame.pts)` means the time of that frame."""

Damage: TypeAlias = Literal["fail", "conceal"]


def path_of(path: str | os.PathLike[str]) -> str:
    found = os.fspath(path)
    if not isinstance(found, str):
        raise TypeError(f"a path is a str or an os.PathLike of str, not {type(found).__name__}")
    return found


def reading(
    raw: str | RawGeometry | None,
    rate: Fraction | int | str | None,
    limits: Limits | None,
    video_stream: int | None = None,
    audio_tracks: str | int | list[str | int] | None = None,
) -> str:
    given = {
        "raw": raw.to_dict() if isinstance(raw, Record) else raw,
        "rate": None if rate is None else _written(per_second(rate, "rate")),
        "limits": limits.to_dict() if isinstance(limits, Record) else limits,
        "video_stream": None if video_stream is None else whole(video_stream, "video_stream", 0, LARGEST),
        "audio_tracks": audio_tracks,
    }
    return json.dumps({key: value for key, value in given.items() if value is not None})


# The largest number that the compiled module takes. No file has so many frames.
LARGEST = (1 << 63) - 1


def _written(rate: Fraction) -> str:
    return f"{rate.numerator}/{rate.denominator}"


def exact(time: Time) -> Fraction:
    """The time in seconds as a fraction. A float stands for the nearest one with a denominator of at most 1,000,000."""
    if isinstance(time, Timestamp):
        return time.exact
    if isinstance(time, bool) or not isinstance(time, Real):
        raise TypeError(f"a time is a Fraction, a float or a Timestamp, not {type(time).__name__}")
    if isinstance(time, Rational):
        found = Fraction(time)
    elif math.isfinite(time):
        found = Fraction(float(time)).limit_denominator(1_000_000)
    else:
        raise ValueError(f"a time is a finite number of seconds, not {time}")
    return _checked(found)


# The units of a second in which the bounds of floats are given, so that numerators and denominators have 64 bits.
FINEST = 1 << 60


def at_most(time: Time) -> Fraction:
    """The time in seconds, or the latest one that a float stands for. A frame is on screen at the float nearest to its time."""
    return _rounded(time, 1)


def at_least(time: Time) -> Fraction:
    """The time in seconds, or the earliest one that a float stands for. The float nearest to the time of a frame begins with that
    frame, or ends before it."""
    return _rounded(time, -1)


def _rounded(time: Time, towards: int) -> Fraction:
    if isinstance(time, (Rational, Timestamp)) or not isinstance(time, Real) or not math.isfinite(time):
        return exact(time)
    found = float(time)
    bound = Fraction(found) + towards * Fraction(math.ulp(found)) / 2
    ticks = math.floor(bound * FINEST) if towards < 0 else math.ceil(bound * FINEST)
    return _checked(Fraction(ticks, FINEST))


def _checked(time: Fraction) -> Fraction:
    if abs(time.numerator) > LARGEST or time.denominator > LARGEST:
        raise ValueError(f"a time of {float(time):g} s is too far away or too fine")
    return time


def whole(number: int, what: str, least: int, most: int) -> int:
    """A whole number within these bounds."""
    if isinstance(number, bool):
        raise TypeError(f"{what} is a number, not a bool")
    found = operator.index(number)
    if not least <= found <= most:
        raise ValueError(f"{what} is {least} to {most}, not {found}")
    return found


def per_second(rate: Fraction | float | str, what: str) -> Fraction:
    """Frames per second as a fraction. A float stands for the nearest one with a denominator of at most 100,000."""
    if isinstance(rate, Real) and not isinstance(rate, Rational):
        if not math.isfinite(rate):
            raise ValueError(f"{what} is a finite number, not {rate}")
        found = Fraction(float(rate)).limit_denominator(100_000)
    else:
        try:
            found = Fraction(rate)
        except ZeroDivisionError:
            raise ValueError(f"{what} is a number or a fraction, not {rate!r}") from None
    if found <= 0:
        raise ValueError(f"{what} is above 0, not {rate}")
    return found


def place(place: int | Time | None, what: str, time_of: Callable[[Time], Fraction]) -> int | tuple[int, int] | None:
    """A place as the compiled module takes it. A whole number counts frames or samples; `time_of` is `exact` or `at_least`."""
    if place is None:
        return None
    if isinstance(place, bool):
        raise TypeError(f"{what} is a number or a time, not a bool")
    if hasattr(place, "__index__"):
        number = cast(Any, place).__index__()
        if number < 0:
            raise ValueError(f"{what} is {number}; numbers count from 0")
        return min(cast(int, number), LARGEST)
    time = time_of(place)
    return time.numerator, time.denominator


def color_of(color: ColorOverride | dict[str, str] | None) -> str | None:
    if color is None:
        return None
    if not isinstance(color, (Record, dict)):
        raise TypeError(f"color is a dict or a ColorOverride, not {type(color).__name__}")
    return json.dumps(color.to_dict() if isinstance(color, Record) else color)


def size_of(size: tuple[int, int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    width, height = (operator.index(side) for side in size)
    if not (1 <= width <= 65535 and 1 <= height <= 65535):
        raise ValueError(f"a size of {width}x{height} is no size of a frame")
    return width, height


def read_settings(
    size: tuple[int, int] | None,
    format: str | None,
    color: ColorOverride | dict[str, str] | None,
    on_damage: Damage,
    threads: int,
) -> dict[str, Any]:
    if not 0 <= threads <= 1024:
        raise ValueError(f"the number of threads is 0 to 1024, not {threads}")
    return {
        "size": size_of(size),
        "format": format,
        "color": color_of(color),
        "conceal": conceals(on_damage),
        "threads": threads,
    }


def conceals(on_damage: str) -> bool:
    if on_damage not in ("fail", "conceal"):
        raise ValueError(f"on_damage is 'fail' or 'conceal', not {on_damage!r}")
    return on_damage == "conceal"


def room_for(count: int, size: tuple[int, int], format: str, out: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
    """The array for so many frames: `out`, if it fits, or a new one."""
    import numpy as np

    kinds: dict[str, tuple[Any, tuple[int, ...]]] = {
        "rgb24": (np.uint8, (3,)),
        "rgb48le": (np.uint16, (3,)),
        "gray": (np.uint8, ()),
        "gray16le": (np.uint16, ()),
    }
    if format not in kinds:
        raise ValueError(f"a batch is rgb24, rgb48le, gray or gray16le, not {format!r}")
    dtype, inner = kinds[format]
    shape = (count, size[1], size[0], *inner)
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is a numpy array, not {type(out).__name__}")
    if out.shape != shape or out.dtype != dtype or not out.flags.writeable:
        state = "" if out.flags.writeable else ", read-only"
        raise ValueError(f"out has to be a writable {np.dtype(dtype)} array of {shape}; it is {out.dtype} of {out.shape}{state}")
    return out


def hdr_of(hdr: Any) -> tuple[records.MasteringDisplay | None, records.ContentLight | None]:
    """The display that a programme was graded on, and its light level."""
    if hdr is None:
        return None, None
    from . import records

    kinds = (records.MasteringDisplay, records.ContentLight)
    if not isinstance(hdr, (tuple, list)) or len(hdr) != 2:
        raise TypeError(f"hdr is a pair of mastering and content_light of a frame, not {hdr!r}")
    for own, kind in zip(hdr, kinds, strict=True):
        if own is not None and not isinstance(own, kind):
            raise TypeError(f"hdr has a {kind.__name__} or None at this place, not {type(own).__name__}")
    return hdr[0], hdr[1]


def stated_color(color: Mapping[str, str] | records.Color | None) -> dict[str, str] | None:
    """Every property of colour; those that are not given are unspecified."""
    if color is None:
        return None
    given = color.to_dict() if isinstance(color, Record) else dict(color)
    names = ("primaries", "transfer", "matrix", "range", "chroma_location")
    unknown = set(given) - set(names)
    if unknown:
        raise ValueError(f"colour has {', '.join(names)}, and no {sorted(unknown)[0]}")
    return {name: given.get(name, "unspecified") for name in names}
