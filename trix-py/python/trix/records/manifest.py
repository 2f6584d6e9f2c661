"""The manifest of a master.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Record
from .fixity import FileFixity, Identity
from .report import Report


@dataclass(kw_only=True, repr=False, eq=False)
class Inputs(Record):
    """What files are made of: the source, the audio files beside it, and the job."""
    job: str
    """SHA-256 of the job, without the folders of source and outputs: 64 lower-case hexadecimal
    digits.
    """
    source: Identity
    """The source."""
    tracks: list[Identity]
    """The files of external audio tracks, in the order of the job."""


@dataclass(kw_only=True, repr=False, eq=False)
class Manifest(Record):
    """The files that were made of a master."""
    files: list[FileFixity]
    """The files, by their names below the folder of the manifest."""
    inputs: Inputs
    """What the files were made of."""
    report: Report
    """The report of the job."""
    trix: int
    """Version of this format: 1."""
