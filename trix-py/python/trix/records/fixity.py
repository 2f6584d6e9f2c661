"""What tells whether a file is still the same.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Record


@dataclass(kw_only=True, repr=False, eq=False)
class FileFixity(Record):
    """The fixity of one of several files at the time of reading."""
    bytes: int
    """Size in bytes."""
    name: str
    """File name in the folder."""
    sha256: str
    """SHA-256 of the file, 64 lower-case hexadecimal digits."""


@dataclass(kw_only=True, repr=False, eq=False)
class Fixity(Record):
    """The fixity of a source at the time of reading."""
    _may_be_absent = frozenset(["files"])

    bytes: int
    """Size of the source in bytes, of all its files together."""
    disk_bytes: int
    """Bytes read from disk so far to open, examine, check, decode and hash the source. More than
    `bytes` if data was read twice because it was too large to stay in memory.
    """
    sha256: str
    """SHA-256 (FIPS 180-4), 64 lower-case hexadecimal digits. For a file, it is the hash of its
    bytes. For an image sequence, it is the hash of the text that `LC_ALL=C sha256sum` prints
    for all files in the order of their names. In their folder, `sha256sum shot.*.dpx |
    sha256sum` returns the same hash.
    """
    files: list[FileFixity] | None = None
    """The files, if the source is an image sequence."""


@dataclass(kw_only=True, repr=False, eq=False)
class Identity(Record):
    """The identity of a source at one time."""
    bytes: int
    """Size in bytes; of an image sequence, of all files together."""
    head_sha256: str
    """SHA-256 of the first 64 KiB, as 64 hexadecimal digits; of an image sequence, of the first
    file.
    """
    modified: tuple[int, int]
    """Time of the last change, in seconds and nanoseconds since 1970; of an image sequence, of the
    file that changed last.
    """
