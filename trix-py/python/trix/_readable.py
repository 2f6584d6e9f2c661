"""The words of records: what descriptions, reports and plans say of themselves in a terminal and in a notebook.

The classes here are bases of those in `records`, which have the fields. So this module knows `records` only by the types.
"""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, cast

from . import _trix
from ._html import folded, table

if TYPE_CHECKING:
    from . import records


class _Words:
    """A record that has a text for people."""

    def __str__(self) -> str:
        return repr(self)


class InfoWords(_Words):
    """What a file holds, in the words of `trix probe`."""

    def __repr__(self) -> str:
        return _trix.info_text(json.dumps(cast("records.MediaInfo", self).to_dict())).rstrip("\n")

    def _repr_html_(self) -> str:
        info = cast("records.MediaInfo", self)
        return f"<pre>{html.escape(repr(self))}</pre>" + folded("all fields", table(info))

    @property
    def video(self) -> records.StreamInfo | None:
        """The video stream that frames are read from; None if there is none."""
        info = cast("records.MediaInfo", self)
        return next((stream for stream in info.streams if stream.index == info.film), None)

    @property
    def audio(self) -> list[records.StreamInfo]:
        """The audio streams, in the order of the file."""
        info = cast("records.MediaInfo", self)
        return [stream for stream in info.streams if stream.kind == "audio"]


class DoctorWords(_Words):
    """What this build can do."""

    def __repr__(self) -> str:
        own = cast("records.Doctor", self)
        libraries = ", ".join(f"{library.name} {library.version}" for library in own.libraries[:3])
        missing = [need.name for need in own.needs if not need.present]
        return f"Trix {own.trix} with {libraries}: " + ("missing " + ", ".join(missing) if missing else "nothing is missing")


class ReportWords(_Words):
    """The report of a job."""

    def __repr__(self) -> str:
        own = cast("records.Report", self)
        lines = [f"Report of {own.source}"]
        for output in own.outputs:
            checks = output.verification.checks
            frames = f"{output.ledger.emitted} frames, " if output.ledger else ""
            lines.append(f"  {output.path}: {frames}{output.bytes:,} bytes, {_count(checks)}")
        for package in own.packages:
            renditions = _number(len(package.renditions), "rendition")
            lines.append(f"  {package.path}: {renditions}, {package.bytes:,} bytes, {_count(package.checks)}")
        lines += [f"  {still.path}: {_number(len(still.files), 'file')}" for still in own.stills]
        lines += [f"  {failed.path}: failed: {failed.error}" for failed in own.failed]
        lines.append(f"  {own.timing.encode_seconds:.1f} s to encode, {own.timing.verify_seconds:.1f} s to verify")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        own = cast("records.Report", self)
        parts = [f"<pre>{html.escape(repr(self))}</pre>"]
        for output in own.outputs:
            parts.append(folded(f"{output.path}: {_count(output.verification.checks)}", checks_table(output.verification.checks)))
        for package in own.packages:
            parts.append(folded(f"{package.path}: {_count(package.checks)}", checks_table(package.checks)))
        parts += [image for still in own.stills for image in images([file.name for file in still.files], still.path)]
        parts.append(folded("all fields", table(own)))
        return "".join(parts)


class FileReportWords(_Words):
    """The checks of a file."""

    def __repr__(self) -> str:
        own = cast("records.FileReport", self)
        lines = [f"{own.file}: {'sound' if own.ok else 'NOT sound'}, {_count(own.checks)}"]
        lines += [f"  {check.name}: expected {check.expected}, found {check.found}" for check in own.checks if not check.ok]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        own = cast("records.FileReport", self)
        return f"<pre>{html.escape(repr(self))}</pre>" + checks_table(own.checks) + folded("all fields", table(own))


class ComparisonWords(_Words):
    """The scores of a copy against its reference."""

    def __repr__(self) -> str:
        own = cast("records.Comparison", self)
        score, where = own.score, own.first_difference
        if where is None:
            return f"{score.frames} frames, all equal"
        counts = f"{score.frames} frames, {score.identical_frames} equal"
        lines = [f"{counts}; the first that differs is {where.frame}, at {where.time}"]
        lines += [f"  {name:<7} {_scores(psnr, ssim)}" for name, psnr, ssim in _planes(score)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>" + folded("all fields", table(cast("records.Comparison", self)))


class PlanWords(_Words):
    """What a job resolves to."""

    def __repr__(self) -> str:
        own = cast("records.Plan", self)
        lines = [f"Plan of {own.source.settings.path}", *_decided(own.decisions)]
        for output in own.outputs:
            lines += [f"  {output.path}", *_decided(output.content.decisions)]
        for package in own.packages:
            lines += [f"  {package.path}: {_number(len(package.renditions), 'rendition')}", *_decided(package.decisions)]
        for still in own.stills:
            lines += [f"  {still.path}", *_decided(still.decisions)]
        lines.append(f"  {own.threads} threads, {own.memory.estimate / (1 << 20):.0f} MiB of memory at most")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>" + folded("all fields", table(cast("records.Plan", self)))


def _decided(decisions: list[records.Decision]) -> list[str]:
    return [f"    {decision.what}: {decision.why}" for decision in decisions]


def _planes(score: records.Score) -> list[tuple[str, float | None, float | None]]:
    """The scores of all planes together, and those of each."""
    return [("all", score.psnr_db, score.ssim), *((plane.plane, plane.psnr_db, plane.ssim) for plane in score.planes)]


def _scores(psnr: float | None, ssim: float | None) -> str:
    shown = [f"PSNR {psnr:.2f} dB" if psnr is not None else "", f"SSIM {ssim:.4f}" if ssim is not None else ""]
    return ", ".join(text for text in shown if text) or "equal"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _count(checks: list[records.Check]) -> str:
    failed = sum(not check.ok for check in checks)
    return f"{failed} of {len(checks)} checks failed" if failed else f"{len(checks)} checks passed"


def checks_table(checks: list[records.Check]) -> str:
    """The checks as a table."""
    rows = "".join(
        f"<tr><td>{'✓' if check.ok else '✗'}</td><td>{html.escape(check.name)}</td>"
        f"<td>{html.escape(str(check.expected))}</td><td>{html.escape(str(check.found))}</td></tr>"
        for check in checks
    )
    return f"<table><tr><th></th><th>check</th><th>expected</th><th>found</th></tr>{rows}</table>"


def images(names: list[str], first: str) -> list[str]:
    """The images among the files of a still, as they are on the disk now. They lie beside the first."""
    import base64
    from pathlib import Path

    shown = []
    for name in names:
        file = Path(first).parent / name
        kind = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png"}.get(file.suffix.lower())
        # Larger files would make the notebook slow.
        if kind and file.is_file() and file.stat().st_size < 4 << 20:
            data = base64.b64encode(file.read_bytes()).decode()
            shown.append(f'<img style="max-width:480px" alt="{html.escape(file.name)}" src="data:image/{kind};base64,{data}">')
    return shown
