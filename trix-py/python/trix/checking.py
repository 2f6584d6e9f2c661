"""Checks of files, and scores of copies."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Literal

from . import _trix, records
from ._arguments import path_of, reading
from .jobs import RawGeometry

__all__ = ["compare", "verify"]


def verify(
    path: str | os.PathLike[str],
    against: str | os.PathLike[str] | None = None,
    *,
    raw: str | RawGeometry | None = None,
    against_raw: str | RawGeometry | None = None,
) -> records.FileReport:
    """Decodes a whole file and checks it. With `against`, its frames are compared with those of another file.

    `ok` of the report says whether all checks passed; a failed check raises nothing.

    Raises:
        Error: A file cannot be read.
    """
    other = None if against is None else path_of(against)
    text = _trix.verify(path_of(path), reading(raw, None, None), other, reading(against_raw, None, None))
    return records.FileReport.from_dict(json.loads(text))


def compare(
    reference: str | os.PathLike[str],
    copy: str | os.PathLike[str],
    *,
    metrics: Iterable[Literal["psnr", "ssim", "vmaf"]] = ("psnr", "ssim"),
    raw: str | RawGeometry | None = None,
    copy_raw: str | RawGeometry | None = None,
) -> records.Comparison:
    """Scores a copy against its reference, frame by frame.

    Raises:
        VerificationError: The files differ in size or in the number of frames.
        Error: A file cannot be read.
    """
    names: list[str] = [metrics] if isinstance(metrics, str) else list(metrics)
    text = _trix.compare(path_of(reference), reading(raw, None, None), path_of(copy), reading(copy_raw, None, None), names)
    return records.Comparison.from_dict(json.loads(text))
