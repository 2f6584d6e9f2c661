"""What notebooks show: records as tables of HTML, and pictures as PNG.

A record is any dataclass here, so that the classes of records can use this module.
"""

from __future__ import annotations

import dataclasses
import html
import struct
import zlib
from typing import TYPE_CHECKING, Any, SupportsFloat

if TYPE_CHECKING:
    import numpy.typing as npt

_STYLE = "text-align:left;vertical-align:top;padding:2px 8px"


def table(record: Any) -> str:
    """A table of the fields that have a value."""
    rows = []
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if value is None or value in ([], {}):
            continue
        rows.append(f'<tr><th style="{_STYLE}">{html.escape(field.name)}</th><td style="{_STYLE}">{cell(value)}</td></tr>')
    return f"<table><caption>{html.escape(type(record).__name__)}</caption>{''.join(rows)}</table>"


def cell(value: Any) -> str:
    """A value of a table. Longer ones are folded."""
    is_record = dataclasses.is_dataclass(value)
    # A time is a record too, and a number.
    if isinstance(value, SupportsFloat) or not (is_record or isinstance(value, (list, tuple, dict))):
        return html.escape(str(value))
    if is_record:
        return folded(type(value).__name__, table(value))
    if isinstance(value, dict):
        items = "".join(f"<li>{html.escape(str(key))}: {cell(own)}</li>" for key, own in value.items())
        return folded(f"{len(value)} entries", f"<ul>{items}</ul>")
    if all(not (dataclasses.is_dataclass(own) or isinstance(own, (list, dict))) for own in value):
        return html.escape(", ".join(map(str, value)))
    return folded(f"{len(value)} items", "".join(f"<div>{cell(own)}</div>" for own in value))


def folded(title: str, inner: str) -> str:
    """`inner`, which a click on the title shows."""
    return f"<details><summary>{html.escape(title)}</summary>{inner}</details>"


def png(picture: npt.NDArray[Any]) -> bytes:
    """An array of uint8 with the shape (rows, columns, 3) as PNG (ISO/IEC 15948)."""
    height, width, _ = picture.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    # 8 bits of red, green and blue. Each row begins with the number of its filter: 0, none.
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
