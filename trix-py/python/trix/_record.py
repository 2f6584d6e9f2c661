"""What all documents have in common: the classes `Record`, `Settings` and `Timestamp`, and how their values become JSON and back.

A record that came from Trix goes back to exactly the JSON that it came from. This module knows none of the documents: the
classes of `records` and `jobs` have these as bases.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import numbers
import operator
import os
import sys
import types
import typing
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing import Any as Self


class Record:
    """A document, or a part of one. Its fields are those of its JSON Schema."""

    # The fields that JSON leaves out if they are `None`.
    _may_be_absent: typing.ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Makes the record from what `to_dict` returned, or from JSON. Unknown keys are left out.

        Raises:
            TypeError: a key is missing.
        """
        hints = _hints(cls)
        given = {}
        for field in dataclasses.fields(typing.cast(Any, cls)):
            key = _key(field.name)
            if key in data:
                given[field.name] = _read(hints[field.name], data[key])
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON has it: dicts, lists, texts, numbers, booleans and None."""
        return typing.cast("dict[str, Any]", _write(self))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __repr__(self) -> str:
        shown = []
        for field in dataclasses.fields(typing.cast(Any, self)):
            value = getattr(self, field.name)
            if value is not None and value != field.default and value not in ([], {}):
                shown.append(f"{field.name}={_short(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def _repr_html_(self) -> str:
        # Only notebooks need it.
        from ._html import table

        return table(self)


class Settings(Record):
    """A part of a job. What is `None` has its default."""

    def to_dict(self) -> dict[str, Any]:
        """The settings as a job file has them, without those that have their default."""
        hints, given = _hints(type(self)), {}
        for field in dataclasses.fields(typing.cast(Any, self)):
            value = getattr(self, field.name)
            if value is not None:
                given[_key(field.name)] = _plain(_as_text(value, hints[field.name]))
        return given


@functools.total_ordering
@dataclass(frozen=True, repr=False, eq=False)
class Timestamp(Record):
    """A time: a number of ticks, and the duration of a tick in seconds."""

    ticks: int
    time_base: Fraction
    seconds: float = dataclasses.field(default=0.0, compare=False)
    """The time in seconds, rounded to microseconds: for the eye."""

    def __post_init__(self) -> None:
        exact = self.ticks * self.time_base
        # Half a microsecond is rounded away from zero, as the engine does it.
        micros = int(abs(exact) * 1_000_000 + Fraction(1, 2))
        object.__setattr__(self, "seconds", (micros if exact >= 0 else -micros) / 1e6)

    @property
    def exact(self) -> Fraction:
        """The time in seconds, without rounding."""
        return self.ticks * self.time_base

    def __float__(self) -> float:
        return float(self.exact)

    def __repr__(self) -> str:
        return f"{self.seconds:.6f} s"

    # Times are compared, whatever the duration of their ticks.
    def __eq__(self, other: object) -> bool:
        return self.exact == other.exact if isinstance(other, Timestamp) else NotImplemented

    def __lt__(self, other: Timestamp) -> bool:
        return self.exact < other.exact if isinstance(other, Timestamp) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.exact)


def _key(name: str) -> str:
    """The key of a field. A Python keyword has an underscore behind it."""
    return name[:-1] if name.endswith("_") else name


@functools.cache
def _hints_of(cls: typing.Hashable) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _hints(cls: type) -> dict[str, Any]:
    """The types of the fields of a record."""
    return _hints_of(typing.cast(typing.Hashable, cls))


def _read(kind: Any, value: Any) -> Any:
    """`value`, which comes from JSON, as `kind`."""
    if kind is Any or value is None:
        return value
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _read_one_of(typing.get_args(kind), value)
    if origin is list:
        return [_read(typing.get_args(kind)[0], item) for item in value]
    if origin is tuple:
        return tuple(_read(inner, item) for inner, item in zip(typing.get_args(kind), value))
    if origin is dict:
        key, inner = typing.get_args(kind)
        return {key(name): _read(inner, item) for name, item in value.items()}
    if origin is typing.Literal:
        return value
    if kind is Fraction:
        return Fraction(value.replace(":", "/")) if isinstance(value, str) else Fraction(value)
    if isinstance(kind, type) and issubclass(kind, Record):
        return kind.from_dict(value)
    return float(value) if kind is float else value


def _read_one_of(kinds: tuple[Any, ...], value: Any) -> Any:
    """`value` as the one of `kinds` that it has the form of."""
    records = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Record)]
    if isinstance(value, dict):
        fitting = [kind for kind in records if _fits(kind, value)]
        if fitting:
            return fitting[0].from_dict(value)
        maps = [kind for kind in kinds if typing.get_origin(kind) is dict]
        return _read(maps[0], value) if maps else value
    if isinstance(value, list):
        lists = [kind for kind in kinds if typing.get_origin(kind) in (list, tuple)]
        return _read(lists[0], value) if lists else value
    plain = [kind for kind in kinds if kind not in records and kind is not type(None)]
    # A fraction is a text in JSON, and a text that a record also allows stays one.
    if isinstance(value, str) and plain == [Fraction]:
        return _read(Fraction, value)
    if plain == [float]:
        return float(value)
    return value


def _fits(kind: type, value: dict[str, Any]) -> bool:
    """True if `value` has the keys that `kind` needs, and its constant."""
    hints = _hints(kind)
    for field in dataclasses.fields(typing.cast(Any, kind)):
        key = _key(field.name)
        if field.name == "type":
            return value.get("type") in typing.get_args(hints["type"])
        if field.default is dataclasses.MISSING and key not in value:
            return False
    return set(value) <= {_key(field.name) for field in dataclasses.fields(typing.cast(Any, kind))}


def _write(value: Any) -> Any:
    if isinstance(value, Record):
        absent = value._may_be_absent
        pairs = [(_key(field.name), getattr(value, field.name)) for field in dataclasses.fields(typing.cast(Any, value))]
        return {key: _write(own) for key, own in pairs if own is not None or key not in absent}
    if isinstance(value, Fraction):
        return _fraction(value)
    if isinstance(value, dict):
        return {str(key): _write(own) for key, own in value.items()}
    if isinstance(value, (list, tuple)):
        return [_write(own) for own in value]
    return value


def _as_text(value: Any, hint: Any) -> Any:
    """Numbers as texts, where a job file wants a time or a fraction as text."""
    if isinstance(value, (list, tuple)):
        inner = [own for own in typing.get_args(hint) if typing.get_origin(own) is list] or [hint]
        return [_as_text(item, typing.get_args(inner[0])[0]) for item in value] if typing.get_args(inner[0]) else value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and Fraction in typing.get_args(hint):
        return _fraction(Fraction(_finite(value)).limit_denominator(1_000_000))
    return value


def _plain(value: Any) -> Any:
    """Settings as JSON: records, paths and times become what a job file holds."""
    if isinstance(value, Timestamp):
        return _fraction(value.exact)
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, Fraction):
        return _fraction(value)
    if isinstance(value, typing.Mapping):
        return {str(key): _plain(own) for key, own in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(own) for own in value]
    if isinstance(value, (str, os.PathLike)):
        return path_text(os.fspath(value))
    if hasattr(value, "__index__") and not isinstance(value, (bool, int)):
        # An integer of numpy.
        return operator.index(value)
    return float(_finite(value)) if isinstance(value, numbers.Real) and not isinstance(value, (bool, int)) else value


def path_text(path: str | bytes) -> str:
    """A path, or any text, as documents have it: they are UTF-8, and file names are bytes. Each byte outside of any character,
    which Python has as a lone surrogate (PEP 383), becomes the character U+10FF00 plus that byte."""
    if not isinstance(path, str):
        raise TypeError(f"a path is a str or an os.PathLike of str, not {type(path).__name__}")
    # ASCII needs no look at each character.
    return path if path.isascii() else path.translate(_LONE_BYTES)


_LONE_BYTES = {0xDC00 + byte: 0x10FF00 + byte for byte in range(0x80, 0x100)}


def _finite(value: Any) -> Any:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number that a job can hold")
    return value


def _fraction(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def _short(value: Any) -> str:
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, list) and len(value) > 4:
        return f"[{_short(value[0])}, … {len(value)} items]"
    if isinstance(value, list):
        return "[" + ", ".join(_short(item) for item in value) + "]"
    return repr(value)
