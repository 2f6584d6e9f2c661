"""A class, or an alias of a type, for each definition of the schemas."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import names
from annotations import KNOWN, KNOWN_IN_JOBS, PRIMITIVES, constant, literal, parts, union, words
from names import camel
from schemas import Node, only_key, referred, tag, variants


@dataclass
class Field:
    """A field of a class."""

    name: str
    annotation: str
    default: str | None
    text: str

    @property
    def line(self) -> str:
        """The line that declares it."""
        return f"{self.name}: {self.annotation}" + ("" if self.default is None else f" = {self.default}")


@dataclass
class Class:
    """A class to write."""

    name: str
    text: str
    fields: list[Field] = dataclasses.field(default_factory=list)
    optional: list[str] = dataclasses.field(default_factory=list)
    """The keys that JSON may lack."""

    @property
    def uses(self) -> set[str]:
        """The names in its annotations."""
        return {word for field in self.fields for word in words(field.annotation)}


@dataclass
class Alias:
    """A name for a type."""

    name: str
    text: str
    annotation: str

    @property
    def uses(self) -> set[str]:
        """The names in its annotation."""
        return words(self.annotation)


Made = Class | Alias


def of_definitions(definitions: dict[str, Node], *, for_jobs: bool) -> dict[str, Made]:
    """What is made of these definitions and their parts, by name."""
    maker = _Maker(definitions, for_jobs)
    for name in sorted(definitions):
        maker.reference(name)
    return {**maker.classes, **maker.aliases}


class _Maker:
    """Makes what a definition needs when the definition is used first."""

    def __init__(self, definitions: dict[str, Node], for_jobs: bool):
        self.definitions = definitions
        self.known = KNOWN_IN_JOBS if for_jobs else KNOWN
        tags = [(name, own) for name, node in definitions.items() for one in variants(node) if (own := tag(one))]
        self.names = names.variants(tags, definitions, for_jobs=for_jobs)
        self.classes: dict[str, Class] = {}
        self.aliases: dict[str, Alias] = {}
        self.wider: dict[str, str] = {}
        """Definitions that are a class of their name, or something else: their types."""

    def reference(self, name: str) -> str:
        """The annotation for a definition."""
        if name in self.known:
            return self.known[name]
        if name not in self.classes and name not in self.aliases and name not in self.wider:
            self.define(name, self.definitions[name])
        return self.wider.get(name, name)

    def define(self, name: str, node: Node) -> None:
        choices = variants(node)
        if "properties" in node and not choices:
            self.make_class(name, node)
            return
        # The settings of a job have their description inside, beside their short form.
        texts = [own.get("description", "") for own in (node, *node.get("anyOf", [])[:1])]
        alias = self.aliases[name] = Alias(name, next((text for text in texts if text), ""), "")
        if not choices:
            alias.annotation = self.type_of(node, name)
            return
        made = []
        for one in choices:
            own = tag(one)
            made.append(self.type_of(one, self.names[name, own] if own else name + camel(only_key(one))))
        alias.annotation = union(made)
        if name in parts(alias.annotation):
            # The class has the name, and what else is allowed is said where it is allowed.
            self.wider[name] = self.aliases.pop(name).annotation

    def type_of(self, node: Node, hint: str) -> str:
        """The annotation of a value. `hint` names a class that has to be made for it."""
        if "$ref" in node and "properties" not in node:
            return self.reference(referred(node))
        if "const" in node:
            return literal([node["const"]])
        choices = variants(node)
        if choices:
            return union([self.type_of(one, hint + camel(tag(one) or "")) for one in choices])
        if "enum" in node:
            return literal(node["enum"])
        kinds = node.get("type", "object" if "properties" in node else None)
        if isinstance(kinds, list):
            return union([self.type_of({**node, "type": kind}, hint) for kind in kinds])
        if kinds == "array":
            if "prefixItems" in node:
                return "tuple[" + ", ".join(self.type_of(item, hint) for item in node["prefixItems"]) + "]"
            return f"list[{self.type_of(node.get('items', {}), hint)}]"
        if kinds == "object":
            return self.make_class(hint, node) if "properties" in node else self.map_of(node, hint)
        return PRIMITIVES.get(str(kinds), "Any")

    def map_of(self, node: Node, hint: str) -> str:
        """The annotation of an object with any keys. Those with a pattern are numbers."""
        patterns = list(node.get("patternProperties", {}).values())
        inner: Any = patterns[0] if patterns else node.get("additionalProperties", {})
        return f"dict[{'int' if patterns else 'str'}, {self.type_of(inner, hint) if isinstance(inner, dict) else 'Any'}]"

    def make_class(self, name: str, node: Node) -> str:
        if name in self.classes:
            return name
        made = self.classes[name] = Class(name, node.get("description", ""))
        properties, required = node["properties"], set(node.get("required", []))
        if "$ref" in node:
            # A variant with its tag beside the fields of a definition.
            inner = self.definitions[referred(node)]
            properties = {**properties, **inner.get("properties", {})}
            required |= set(inner.get("required", []))
        for key, value in properties.items():
            annotation = self.type_of(value, name + camel(key))
            text = " ".join(value.get("description", "").split())
            default = None
            if "const" in value:
                default, text = constant(value["const"]), ""
            elif key not in required:
                default = "None"
                annotation += "" if "None" in parts(annotation) else " | None"
            made.fields.append(Field(names.field(key), annotation, default, text))
        made.fields.sort(key=lambda field: field.default is not None)
        made.optional = sorted(set(properties) - required)
        return name
