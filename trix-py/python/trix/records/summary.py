"""What became of several masters.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .._record import Record
from .errors import ErrorDetail
from .report import Report


@dataclass(kw_only=True, repr=False, eq=False)
class MasterResult(Record):
    """What became of a master."""
    error: ErrorDetail | None
    """Why the job failed."""
    report: Report | None
    """The report of the job; of files that were kept, that of the job that made them. `None` if
    the job failed.
    """
    seconds: float
    """Seconds that it took."""
    source: str
    """The master."""
    state: MasterState
    """What became of it."""


@dataclass(kw_only=True, repr=False, eq=False)
class Summary(Record):
    """What became of several masters, in the order in which they were done."""
    masters: list[MasterResult]
    """The masters."""
    trix: int
    """Version of this format: 1."""


# What became of a master.
MasterState: TypeAlias = Literal["made", "kept", "partly", "failed", "not_begun"]
