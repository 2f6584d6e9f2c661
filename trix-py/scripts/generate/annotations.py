"""The types of Python as texts."""

from __future__ import annotations

import json
import re
from typing import Any

PRIMITIVES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}

# What stands for definitions that are text in JSON.
KNOWN = {"Rational": "Fraction", "Timestamp": "Timestamp"}
# In a job, a user may write a number or a text.
KNOWN_IN_JOBS = {
    **KNOWN,
    "ByteSize": "int | str",
    "FrameRate": "Fraction | int | str",
    "Rational": "Fraction | int | str",
    "Tempo": "Fraction | str",
    "Timestamp": "Timestamp | Fraction | float | int | str",
}


def constant(value: Any) -> str:
    """A constant of JSON in Python. Texts have double quotes, as in the rest of a file."""
    return json.dumps(value) if isinstance(value, str) else repr(value)


def literal(values: list[Any]) -> str:
    """The type of a value that is one of these constants; `None` is a type of its own."""
    known = ", ".join(constant(value) for value in values if value is not None)
    types = [f"Literal[{known}]"] if known else []
    return " | ".join(types + ["None"] * (None in values))


def union(types: list[str]) -> str:
    """A union without repeats; all texts together are one `Literal`, and `None` stands last."""
    flat: list[str] = []
    for one in types:
        flat += [part for part in parts(one) if part not in flat]
    literals = [part[len("Literal[") : -1] for part in flat if part.startswith("Literal[")]
    rest = [part for part in flat if not part.startswith("Literal[")]
    if literals:
        rest.insert(0, "Literal[" + ", ".join(dict.fromkeys(literals)) + "]")
    if "Any" in rest:
        return "Any"
    return " | ".join([part for part in rest if part != "None"] + ["None"] * ("None" in rest))


def parts(annotation: str) -> list[str]:
    """The types of a union."""
    found, depth, start = [], 0, 0
    for at, character in enumerate(annotation):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if depth == 0 and annotation.startswith(" | ", at):
            found.append(annotation[start:at])
            start = at + 3
    return [*found, annotation[start:]]


def words(annotation: str) -> set[str]:
    """All names in a type: classes, and what they are arguments of."""
    return set(re.findall(r"[A-Za-z_]\w*", re.sub(r'"[^"]*"', "", annotation)))
