"""Jobs as the compiled module takes them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from . import jobs, records
from ._arguments import path_of
from ._record import _plain, path_text

Job: TypeAlias = "jobs.Job | records.Plan | Mapping[str, Any] | str | os.PathLike[str]"
"""A job as dataclass or dict, as TOML text, or the path of a job file; or a plan."""


def work_of(job: Job, set: Mapping[str, Any] | None, output: str | os.PathLike[str] | None, overwrite: bool) -> str:
    """What the compiled module runs, as JSON."""
    plan = _plan_of(job)
    if plan is not None:
        if set or output is not None:
            raise ValueError("a plan runs as it is; set and output belong to a job")
        return json.dumps({"kind": "plan", "plan": plan, "overwrite": bool(overwrite)})
    folder = None if output is None else path_text(path_of(output))
    common = {"set": pairs(set), "folder": folder, "overwrite": bool(overwrite)}
    if isinstance(job, (jobs.Job, Mapping)):
        text = json.dumps(_plain(job))
        return json.dumps({"kind": "text", "text": text, "language": "json", **common})
    if isinstance(job, str) and _is_toml(job):
        return json.dumps({"kind": "text", "text": job, "language": "toml", **common})
    if isinstance(job, (str, os.PathLike)):
        return json.dumps({"kind": "file", "path": path_text(path_of(job)), **common})
    raise TypeError(f"a job is a trix.jobs.Job, a dict, TOML text, a path or a trix.records.Plan, not {type(job).__name__}")


def is_plan(job: Job) -> bool:
    """True for a plan, or the path of one."""
    return _plan_of(job) is not None


def _plan_of(job: Job) -> str | None:
    """A plan as JSON; None for a job."""
    if isinstance(job, records.Plan):
        return json.dumps(job.to_dict())
    if isinstance(job, Mapping) or not isinstance(job, (str, os.PathLike)):
        return None
    path = Path(path_of(job))
    if path.suffix != ".json":
        return None
    try:
        text = path.read_text()
        data = json.loads(text)
    except (OSError, ValueError):
        return None
    # A job has neither of these keys, and a report not the second.
    return text if isinstance(data, dict) and "trix" in data and "external_audio" in data else None


def _is_toml(text: str) -> bool:
    """True for the text of a job, and false for the path of a job file."""
    return "\n" in text or ("=" in text and not os.path.exists(text))


def given(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if value is not None}


def pairs(set: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Settings as the command line has them: a text is read like an argument there, and other values are JSON."""

    def text(key: str, value: Any) -> str:
        if value is None:
            raise ValueError(f"set has no value for {key}")
        plain = _plain(value)
        return plain if isinstance(plain, str) else json.dumps(plain)

    return [(key, text(key, value)) for key, value in (set or {}).items()]
