"""Arguments of Python as the compiled module takes them."""

from __future__ import annotations

import json
import math
import os
from fractions import Fraction
from numbers import Rational, Real
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from ._record import Record, Timestamp

if TYPE_CHECKING:
    from .jobs import ColorOverride, Limits, RawGeometry

Time: TypeAlias = "Fraction | float | Timestamp"
"""A time in seconds. A float stands for the nearest fraction with a denominator of at most 1,000,000, so that
`float(frame.pts)` means that frame."""

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
        "rate": None if rate is None else str(rate),
        "limits": limits.to_dict() if isinstance(limits, Record) else limits,
        "video_stream": video_stream,
        "audio_tracks": audio_tracks,
    }
    return json.dumps({key: value for key, value in given.items() if value is not None})


# The largest number that the compiled module takes. No file has so many frames.
MOST = (1 << 63) - 1


def exact(time: Time) -> Fraction:
    """The time in seconds as a fraction."""
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
    if abs(found.numerator) > MOST or found.denominator > MOST:
        raise ValueError(f"a time of {float(found):g} s is too far away or too fine")
    return found


def place(place: int | Time | None, what: str) -> int | tuple[int, int] | None:
    """A place as the compiled module takes it. A whole number counts frames or samples."""
    if place is None:
        return None
    if isinstance(place, bool):
        raise TypeError(f"{what} is a number or a time, not a bool")
    if hasattr(place, "__index__"):
        number = cast(Any, place).__index__()
        if number < 0:
            raise ValueError(f"{what} is {number}; numbers count from 0")
        return min(cast(int, number), MOST)
    time = exact(place)
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
    width, height = size
    if not (1 <= width <= 65535 and 1 <= height <= 65535):
        raise ValueError(f"a size of {width}x{height} is no size of a frame")
    return int(width), int(height)


def how(
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
