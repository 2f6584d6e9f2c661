"""How the classes are called, as far as the schemas do not say it."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

# Two types of the engine that have one name, in different parts of it. Where both are in a document, its schema gives one of
# them a number.
NUMBERED = {
    # The library that changes the sample rate. `Resampler` is how pictures are scaled.
    "Resampler2": "AudioResampler",
    # What is found of a still: a choice. `StillReport` has it beside the files of the still.
    "StillReport2": "StillResult",
}

# Where they are in different documents, both schemas have the same name.
JOB_TIMING = {
    # How long a job took. The `Timing` of other documents is that of frames.
    "Timing": "ReportTiming",
}
SHARED = {"report": JOB_TIMING, "manifest": JOB_TIMING, "summary": JOB_TIMING}

# The end of the name of a choice's variants; without an entry, the whole name of the choice: a `ProgressEvent` is one of `Event`.
SUFFIXES = {
    "AudioSettings": "Audio",
    "StillResult": "Result",
    "StillSettings": "Still",
    "SubtitleSettings": "Subtitles",
    "VideoSettings": "Video",
}


def renamed(document: str, name: str) -> str:
    """The unique name of a definition of a document."""
    return SHARED.get(document, {}).get(name) or NUMBERED.get(name, name)


def camel(name: str) -> str:
    """`name` as a part of the name of a class."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^0-9A-Za-z]+", name) if part)


def variants(tags: Iterable[tuple[str, str]], taken: Iterable[str], *, for_jobs: bool) -> dict[tuple[str, str], str]:
    """The class of each variant of a choice, by the names of the choice and of its tag.

    In a job, where people write them, the tag alone is the name if it is unique: `X264`.
    """
    tags, taken = list(tags), set(taken)
    found = {}
    for choice, tag in tags:
        own = camel(tag)
        is_unique = sum(tag == other for _, other in tags) == 1 and own not in taken
        found[choice, tag] = own if for_jobs and is_unique and not keyword.iskeyword(own) else own + SUFFIXES.get(choice, choice)
    return found


def field(key: str) -> str:
    """The field for a key of JSON. A Python keyword gets an underscore behind it."""
    return key + "_" if keyword.iskeyword(key) else key
