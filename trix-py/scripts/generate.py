"""Writes python/trix/records.py and python/trix/jobs.py from the JSON Schemas of the compiled module.

    python trix-py/scripts/generate.py          # writes both files
    python trix-py/scripts/generate.py --check  # says whether they are up to date

`records` holds what Trix writes (plans, reports, descriptions of files), `jobs` what a user writes.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import keyword
import re
import sys
import textwrap
from pathlib import Path
from typing import Any


def loaded() -> Any:
    """The compiled module, without the package around it: what this script writes may be missing or wrong."""
    package = importlib.util.find_spec("trix")
    assert package is not None and package.submodule_search_locations is not None, "trix is not installed"
    for folder in package.submodule_search_locations:
        for file in sorted(Path(folder).glob("_trix*.so")):
            loader = importlib.machinery.ExtensionFileLoader("_trix", str(file))
            spec = importlib.util.spec_from_file_location("_trix", file, loader=loader)
            assert spec is not None
            module = importlib.util.module_from_spec(spec)
            loader.exec_module(module)
            return module
    raise SystemExit("the compiled module is missing")


compiled = loaded()

FOLDER = Path(__file__).parent.parent / "python" / "trix"
WIDTH = 100

# The documents that Trix writes. The names of their classes are those of the schemas.
WRITTEN = ["media-info", "plan", "report", "progress", "event", "verify", "compare", "doctor", "error", "manifest", "summary"]

# What stands for definitions that are text in JSON.
KNOWN = {"Rational": "Fraction", "Timestamp": "Timestamp"}
# In a job, a user may write a number or a text.
IN_JOBS = {
    "Rational": "Fraction | int | str",
    "FrameRate": "Fraction | int | str",
    "Timestamp": "Timestamp | Fraction | float | int | str",
    "ByteSize": "int | str",
    "Tempo": "Fraction | str",
}

# How the variants of a choice are called in Python, if their own name is not unique.
SUFFIXES = {
    "VideoSettings": "Video",
    "AudioSettings": "Audio",
    "SubtitleSettings": "Subtitles",
    "Ffv1Rate": "Ffv1Rate",
    "StillSettings": "Still",
    "Event": "Event",
}

# What records can do beyond their fields: classes of _readable.py.
MIXINS = {
    "MediaInfo": ["InfoWords"],
    "Report": ["ReportWords"],
    "Doctor": ["DoctorWords"],
    "FileReport": ["FileReportWords"],
    "Comparison": ["ComparisonWords"],
    "Plan": ["PlanWords"],
}

PRIMITIVES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^0-9A-Za-z]+", name) if part)


def with_names(node: Any, names: dict[str, str]) -> Any:
    """The same node, with other names in its references."""
    if isinstance(node, dict):
        changed = {key: with_names(value, names) for key, value in node.items()}
        if isinstance(node.get("$ref"), str):
            changed["$ref"] = "#/$defs/" + names[node["$ref"].split("/")[-1]]
        return changed
    return [with_names(item, names) for item in node] if isinstance(node, list) else node


def is_variable(node: dict) -> bool:
    """True for the form `${name}`, which documents may have in place of any value."""
    return node.get("pattern", "").startswith("^\\$\\{")


class Module:
    """The classes of one file."""

    def __init__(self, schemas: dict[str, dict], for_jobs: bool):
        self.for_jobs = for_jobs
        self.definitions: dict[str, dict] = {}
        self.roots: dict[str, dict] = {}
        for schema in schemas.values():
            self.add(schema)
        self.definitions.update(self.roots)
        self.names = self.class_names()
        self.classes: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.wider: dict[str, str] = {}
        self.descriptions: dict[str, str] = {}

    def add(self, schema: dict) -> None:
        """Adds the definitions of a schema. One that has the name of another gets the title of its schema before it."""
        own, title = schema.get("$defs", {}), schema["title"]
        names = {name: name for name in own}
        while True:
            renamed = {names[name]: with_names(definition, names) for name, definition in own.items()}
            taken = [name for name in own if self.definitions.get(names[name], renamed[names[name]]) != renamed[names[name]]]
            if not taken:
                break
            for name in taken:
                others = [known for known in self.definitions if known.endswith(name) and known not in (name, names[name])]
                equal = [known for known in others if self.definitions[known] == with_names(own[name], names)]
                names[name] = equal[0] if equal else title + name
        self.definitions.update(renamed)
        body = {key: value for key, value in schema.items() if not key.startswith("$")}
        self.roots[title] = with_names(body, names)

    def class_names(self) -> dict[tuple[str, str], str]:
        """The name of each variant of a tagged choice, by definition and tag."""
        tags: dict[str, list[str]] = {}
        for name, definition in self.definitions.items():
            for variant in self.variants(definition):
                tag = self.tag(variant)
                if tag:
                    tags.setdefault(tag, []).append(name)
        names = {}
        for tag, owners in tags.items():
            for owner in owners:
                own = camel(tag)
                is_plain = len(owners) == 1 and own not in self.definitions and not keyword.iskeyword(own) and self.for_jobs
                names[owner, tag] = own if is_plain else own + SUFFIXES.get(owner, camel(owner))
        return names

    @staticmethod
    def variants(node: dict) -> list[dict]:
        """The variants of a choice, without the variables of documents and the short forms of a job."""
        for key in ("oneOf", "anyOf"):
            if key in node:
                inner = [one for one in node[key] if not is_variable(one)]
                if len(inner) == 1 and ("oneOf" in inner[0] or "anyOf" in inner[0]):
                    return Module.variants(inner[0])
                return [flat for one in inner for flat in (Module.variants(one) if "oneOf" in one else [one])]
        return []

    @staticmethod
    def tag(variant: dict) -> str | None:
        return variant.get("properties", {}).get("type", {}).get("const")

    def type_of(self, node: dict, hint: str) -> str:
        """The annotation of a value. `hint` names a class that has to be made for it."""
        if "$ref" in node and "properties" not in node:
            return self.reference(node["$ref"].split("/")[-1])
        if "const" in node:
            return literal([node["const"]])
        variants = self.variants(node)
        if variants:
            return self.union([self.type_of(one, hint + (camel(self.tag(one) or "") or "")) for one in variants])
        if "enum" in node:
            return literal(node["enum"])
        kinds = node.get("type", "object" if "properties" in node else None)
        if isinstance(kinds, list):
            return self.union([self.type_of({**node, "type": kind}, hint) for kind in kinds])
        if kinds == "array":
            if "prefixItems" in node:
                return "tuple[" + ", ".join(self.type_of(item, hint) for item in node["prefixItems"]) + "]"
            return f"list[{self.type_of(node.get('items', {}), hint)}]"
        if kinds == "object":
            if "properties" in node:
                return self.make_class(hint, node)
            patterns = list(node.get("patternProperties", {}).values())
            inner = patterns[0] if patterns else node.get("additionalProperties", {})
            key = "int" if patterns else "str"
            return f"dict[{key}, {self.type_of(inner, hint) if isinstance(inner, dict) else 'Any'}]"
        return PRIMITIVES.get(kinds, "Any")

    def union(self, types: list[str]) -> str:
        """A union without repeats; all texts together are one `Literal`, and `None` stands last."""
        flat: list[str] = []
        for one in types:
            flat += [part for part in split_union(one) if part not in flat]
        literals = [part[len("Literal[") : -1] for part in flat if part.startswith("Literal[")]
        rest = [part for part in flat if not part.startswith("Literal[")]
        if literals:
            rest.insert(0, "Literal[" + ", ".join(dict.fromkeys(literals)) + "]")
        if "Any" in rest:
            return "Any"
        return " | ".join([part for part in rest if part != "None"] + ["None"] * ("None" in rest))

    def reference(self, name: str) -> str:
        known = IN_JOBS.get(name) if self.for_jobs else None
        known = known or KNOWN.get(name)
        if known:
            return known
        self.define(name)
        return self.wider.get(name, name)

    def define(self, name: str) -> None:
        if name in self.classes or name in self.aliases or name in self.wider:
            return
        node = self.definitions[name]
        variants = self.variants(node)
        if "properties" in node and not variants:
            self.make_class(name, node)
            return
        self.aliases[name] = ""
        if variants:
            made = []
            for one in variants:
                tag = self.tag(one)
                own = self.names[name, tag] if tag else name + self.only_key(one)
                made.append(self.type_of(one, own))
            self.aliases[name] = self.union(made)
            if name in split_union(self.aliases[name]):
                # The class has the name, and what else is allowed is said where it is allowed.
                self.wider[name] = self.aliases.pop(name)
                return
        else:
            self.aliases[name] = self.type_of(node, name)
        # The settings of a job have their description inside, beside their short form.
        texts = [own.get("description", "") for own in (node, *node.get("anyOf", [])[:1])]
        self.descriptions[name] = next((text for text in texts if text), "")

    @staticmethod
    def only_key(node: dict) -> str:
        properties = list(node.get("properties", {}))
        return camel(properties[0]) if len(properties) == 1 else ""

    def make_class(self, name: str, node: dict) -> str:
        if name in self.classes:
            return name
        self.classes[name] = ""
        if "$ref" in node:
            inner = self.definitions[node["$ref"].split("/")[-1]]
            node = {
                **node,
                "properties": {**node["properties"], **inner.get("properties", {})},
                "required": node.get("required", []) + inner.get("required", []),
            }
        required = set(node.get("required", []))
        lines, fields = [], []
        for key, value in node["properties"].items():
            annotation = self.type_of(value, name + camel(key))
            field = key + "_" if keyword.iskeyword(key) else key
            text = " ".join(value.get("description", "").split())
            if "const" in value:
                default = f" = {written(value['const'])}"
                fields.append((0, f"{field}: {annotation}{default}", ""))
            elif key in required:
                fields.append((1, f"{field}: {annotation}", text))
            else:
                if "None" not in split_union(annotation):
                    annotation += " | None"
                fields.append((2, f"{field}: {annotation} = None", text))
        fields.sort(key=lambda one: one[0] == 1, reverse=True)
        kept = sorted(required) if not self.for_jobs else []
        lines.append("@dataclass(kw_only=True, repr=False, eq=False)")
        bases = "Settings" if self.for_jobs else ", ".join([*MIXINS.get(name, []), "Record"])
        lines.append(f"class {name}({bases}):")
        lines += docstring(node.get("description", ""), 4)
        if not self.for_jobs:
            optional = [key for key in node["properties"] if key not in kept]
            if optional:
                lines.append(f"    _may_be_absent = frozenset({json.dumps(sorted(optional))})")
                lines.append("")
        for _, line, text in fields:
            lines.append("    " + line)
            if text:
                lines += docstring(text, 4)
        self.classes[name] = "\n".join(lines) + "\n"
        return name

    def in_order(self, names: list[str]) -> list[str]:
        """The aliases, each behind those that it uses. They stand behind the classes."""
        placed: list[str] = []

        def place(name: str) -> None:
            if name in placed:
                return
            for used in re.findall(r"\w+", re.sub(r'"[^"]*"', "", self.aliases[name])):
                if used in self.aliases and used != name:
                    place(used)
            placed.append(name)

        for name in names:
            place(name)
        return placed

    def text(self, opening: str) -> str:
        for name in sorted(self.definitions):
            if (self.for_jobs and name in IN_JOBS) or name in KNOWN:
                continue
            self.define(name)
        parts = [opening]
        for name in sorted(self.classes):
            parts.append("\n" + self.classes[name])
        for name in self.in_order(sorted(self.aliases)):
            comment = " ".join(self.descriptions.get(name, "").split())
            head = "\n".join(textwrap.wrap(comment, WIDTH - 2, initial_indent="# ", subsequent_indent="# "))
            parts.append(f"\n{head}\n{name}: TypeAlias = {self.aliases[name]}" if head else f"\n{name}: TypeAlias = {self.aliases[name]}")
        names = sorted([*self.classes, *self.aliases])
        parts.append("\n__all__ = [\n" + "".join(f'    "{name}",\n' for name in names) + "]\n")
        return "\n".join(parts)


def written(value: Any) -> str:
    """A constant of JSON in Python. Texts have double quotes, as in the rest of the file."""
    return json.dumps(value) if isinstance(value, str) else repr(value)


def literal(values: list[Any]) -> str:
    """The annotation of a value that is one of these constants; `None` is a type of its own."""
    known = ", ".join(written(value) for value in values if value is not None)
    types = [f"Literal[{known}]"] if known else []
    return " | ".join(types + ["None"] * (None in values))


def split_union(annotation: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, character in enumerate(annotation):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if depth == 0 and annotation.startswith(" | ", at):
            parts.append(annotation[start:at])
            start = at + 3
    return [*parts, annotation[start:]]


def docstring(text: str, indent: int) -> list[str]:
    text = text.replace("\\", "\\\\").replace('"""', "'''").strip()
    if not text:
        return []
    pad = " " * indent
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    if len(paragraphs) == 1 and len(paragraphs[0]) + indent + 6 <= WIDTH:
        return [f'{pad}"""{paragraphs[0]}"""']
    lines: list[str] = []
    for number, paragraph in enumerate(paragraphs):
        lines += textwrap.wrap(paragraph, WIDTH - indent, initial_indent=pad, subsequent_indent=pad)
        if number + 1 < len(paragraphs):
            lines.append("")
    lines[0] = f'{pad}"""{lines[0].strip()}'
    return [*lines, f'{pad}"""']


OPENING = '''"""{what}

Made by trix-py/scripts/generate.py from the JSON Schemas. Do not edit.
"""

# ruff: noqa: E501
from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import {typing}

{imports}
'''


def made() -> dict[str, str]:
    def schema(name: str) -> dict[str, Any]:
        return json.loads(compiled.schema(name))

    of_trix = Module({name: schema(name) for name in WRITTEN}, for_jobs=False)
    mixins = ", ".join(sorted(mixin for own in MIXINS.values() for mixin in own))
    imports = f"from ._readable import {mixins}\nfrom ._record import Record, Timestamp"
    what = "What Trix writes: descriptions of files, plans, reports, events."
    records = of_trix.text(OPENING.format(what=what, typing="Literal, TypeAlias", imports=imports))
    jobs = Module({"job": schema("job")}, for_jobs=True).text(
        OPENING.format(
            what="What a user writes: a job with its outputs, packages and stills.",
            typing="Any, Literal, TypeAlias",
            imports="from ._record import Settings, Timestamp",
        )
    )
    return {"records.py": records, "jobs.py": jobs}


def main() -> int:
    stale = [name for name, text in made().items() if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text]
    if "--check" in sys.argv:
        print("\n".join(f"{name} is not up to date" for name in stale))
        return 1 if stale else 0
    for name, text in made().items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
