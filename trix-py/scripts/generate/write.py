"""The files of a package as texts."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable

from annotations import parts
from classes import Alias, Class, Made
from modules import Module, Package, uses

# The longest line of code, and of a docstring or comment.
WIDTH = 130
TEXT_WIDTH = 100

MADE = "Made by trix-py/scripts/generate from the JSON Schemas. Do not edit."

# What records can do beyond their fields: classes of _readable.py.
MIXINS = {
    "Comparison": "ComparisonWords",
    "Doctor": "DoctorWords",
    "FileReport": "FileReportWords",
    "MediaInfo": "InfoWords",
    "Plan": "PlanWords",
    "Report": "ReportWords",
}


def package(package: Package, placed: dict[Module, list[Made]], base: str) -> dict[str, str]:
    """The files of a package, by name. `base` is the class below all of its classes."""
    made = {own.name: own for inside in placed.values() for own in inside}
    places = {own.name: module.name for module, inside in placed.items() for own in inside}
    files = {f"{module.name}.py": module_text(module, inside, made, places, base) for module, inside in placed.items()}
    return {"__init__.py": package_text(package, placed), **files}


def package_text(package: Package, placed: dict[Module, list[Made]]) -> str:
    """The `__init__.py` of a package."""
    names = {module.name: [own.name for own in placed[module]] for module in sorted(placed, key=lambda module: module.name)}
    lines = [
        *heading(package.text),
        "",
        "from typing import TYPE_CHECKING",
        "",
        "from .._later import later",
        "",
        "if TYPE_CHECKING:",
        *(line for module, inside in names.items() for line in imported(f".{module}", inside, indent=4)),
        "",
        "# A module is loaded when something of it is used first: all classes together take a while to make.",
        "_MODULES = {",
        *(line for module, inside in names.items() for line in filled(f'    "{module}": [', quoted(inside), "],")),
        "}",
        "",
        "if not TYPE_CHECKING:",
        "    __getattr__ = later(__name__, _MODULES)",
        "",
        "    def __dir__() -> list[str]:",
        "        return sorted({*globals(), *_MODULES, *__all__})",
        "",
        "",
        *filled("__all__ = [", quoted(sorted(name for inside in names.values() for name in inside)), "]"),
    ]
    return "\n".join(lines) + "\n"


def module_text(module: Module, inside: list[Made], made: dict[str, Made], places: dict[str, str], base: str) -> str:
    """A module with its classes, and behind them its aliases."""
    classes = [own for own in inside if isinstance(own, Class)]
    aliases = in_order([own for own in inside if isinstance(own, Alias)])
    words = {word for own in inside for word in own.uses}
    others: dict[str, set[str]] = {}
    for own in inside:
        for used in uses(own, made):
            if places[used] != module.name:
                others.setdefault(places[used], set()).add(used)
    standard = {
        "dataclasses": {"dataclass"} if classes else set(),
        "fractions": words & {"Fraction"},
        "typing": words & {"Any", "Literal"} | ({"TypeAlias"} if aliases else set()),
    }
    private = {
        ".._readable": {MIXINS[own.name] for own in classes if own.name in MIXINS},
        ".._record": ({base} if classes else set()) | words & {"Timestamp"},
    }
    lines = heading(module.text)
    for group in (standard, private | {f".{other}": names for other, names in sorted(others.items())}):
        imports = [line for other, names in group.items() if names for line in imported(other, sorted(names))]
        lines += ["", *imports] if imports else []
    for one in classes:
        lines += ["", "", *class_lines(one, base)]
    for number, alias in enumerate(aliases):
        lines += [*[""] * (1 if number else 2), *alias_lines(alias)]
    return "\n".join(lines) + "\n"


def heading(text: str) -> list[str]:
    """How every file begins."""
    return [f'"""{text}', "", MADE, '"""', "", "from __future__ import annotations"]


def class_lines(own: Class, base: str) -> list[str]:
    bases = f"{MIXINS[own.name]}, {base}" if own.name in MIXINS else base
    lines = ["@dataclass(kw_only=True, repr=False, eq=False)", f"class {own.name}({bases}):", *docstring(own.text)]
    if base == "Record" and own.optional:
        lines += [*filled("    _may_be_absent = frozenset([", quoted(own.optional), "])"), ""]
    for field in own.fields:
        lines += [f"    {field.line}", *docstring(field.text)]
    return lines


def alias_lines(own: Alias) -> list[str]:
    comment = " ".join(own.text.split())
    lines = textwrap.wrap(comment, TEXT_WIDTH - 2, initial_indent="# ", subsequent_indent="# ")
    types = parts(own.annotation)
    if len(types) == 1 and own.annotation.startswith("Literal["):
        return [*lines, *filled(f"{own.name}: TypeAlias = Literal[", own.annotation[len("Literal[") : -1].split(", "), "]")]
    line = f"{own.name}: TypeAlias = {own.annotation}"
    return [*lines, *([line] if len(line) <= WIDTH else filled(f"{own.name}: TypeAlias = (", types, ")", between=" |"))]


def in_order(aliases: list[Alias]) -> list[Alias]:
    """The aliases of a module, each behind those that it uses: unlike annotations, they are evaluated."""
    known = {own.name: own for own in aliases}
    placed: dict[str, Alias] = {}

    def place(own: Alias) -> None:
        for used in sorted(uses(own, known)):
            place(known[used])
        placed.setdefault(own.name, own)

    for own in aliases:
        place(own)
    return list(placed.values())


def imported(module: str, names: list[str], indent: int = 0) -> list[str]:
    """The import of names from a module."""
    pad = " " * indent
    line = f"{pad}from {module} import {', '.join(names)}"
    return [line] if len(line) <= WIDTH else filled(f"{pad}from {module} import (", names, ")")


def quoted(names: Iterable[str]) -> list[str]:
    return [json.dumps(name) for name in names]


def filled(start: str, items: list[str], end: str, between: str = ",") -> list[str]:
    """`items` between two brackets: on one line, or on as many as it takes."""
    pad = " " * (len(start) - len(start.lstrip()))
    line = f"{start}{f'{between} '.join(items)}{end}"
    if len(line) <= WIDTH:
        return [line]
    lines = [f"{pad}    {items[0]}"]
    for item in items[1:]:
        lines[-1] += between
        if len(lines[-1]) + len(item) + len(between) + 1 <= WIDTH:
            lines[-1] += f" {item}"
        else:
            lines.append(f"{pad}    {item}")
    lines[-1] += between.strip(" |")
    return [start, *lines, f"{pad}{end}"]


def docstring(text: str) -> list[str]:
    """The docstring of a class, or the text behind a field."""
    text = text.replace("\\", "\\\\").replace('"""', "'''").strip()
    if not text:
        return []
    pad = " " * 4
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    if len(paragraphs) == 1 and len(paragraphs[0]) + len(pad) + 6 <= TEXT_WIDTH:
        return [f'{pad}"""{paragraphs[0]}"""']
    lines: list[str] = []
    for number, paragraph in enumerate(paragraphs):
        lines += textwrap.wrap(paragraph, TEXT_WIDTH - len(pad), initial_indent=pad, subsequent_indent=pad)
        if number + 1 < len(paragraphs):
            lines.append("")
    lines[0] = f'{pad}"""{lines[0].strip()}'
    return [*lines, f'{pad}"""']
