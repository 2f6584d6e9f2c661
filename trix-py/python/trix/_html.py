"""Records as HTML, for notebooks."""

from __future__ import annotations

import dataclasses
import html
from fractions import Fraction
from typing import Any, cast

from ._record import Record, Timestamp

_STYLE = "text-align:left;vertical-align:top;padding:2px 8px"


def table(record: Record) -> str:
    """A table of the fields that have a value."""
    rows = []
    for field in dataclasses.fields(cast(Any, record)):
        value = getattr(record, field.name)
        if value is None or value in ([], {}):
            continue
        rows.append(f'<tr><th style="{_STYLE}">{html.escape(field.name)}</th><td style="{_STYLE}">{cell(value)}</td></tr>')
    return f"<table><caption>{html.escape(type(record).__name__)}</caption>{''.join(rows)}</table>"


def cell(value: Any) -> str:
    """A value of a table. Longer ones are folded."""
    if isinstance(value, (Timestamp, Fraction)) or not isinstance(value, (Record, list, tuple, dict)):
        return html.escape(str(value))
    if isinstance(value, Record):
        return folded(type(value).__name__, table(value))
    if isinstance(value, dict):
        items = "".join(f"<li>{html.escape(str(key))}: {cell(own)}</li>" for key, own in value.items())
        return folded(f"{len(value)} entries", f"<ul>{items}</ul>")
    if all(not isinstance(own, (Record, list, dict)) for own in value):
        return html.escape(", ".join(map(str, value)))
    return folded(f"{len(value)} items", "".join(f"<div>{cell(own)}</div>" for own in value))


def folded(title: str, inner: str) -> str:
    return f"<details><summary>{html.escape(title)}</summary>{inner}</details>"
