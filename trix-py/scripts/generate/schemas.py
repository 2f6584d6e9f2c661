"""The JSON Schemas of the compiled module, and their definitions under names that are unique."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from names import renamed

# A node of a JSON Schema.
Node = dict[str, Any]


def loaded() -> Any:
    """The compiled module, without the package around it: what this program writes may be missing or wrong."""
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


def definitions(compiled: Any, documents: list[str]) -> dict[str, Node]:
    """All definitions of these documents. A document itself is one, with its title as name."""
    found: dict[str, Node] = {}
    for document in documents:
        schema = json.loads(compiled.schema(document))
        body = {key: value for key, value in schema.items() if not key.startswith("$") and key != "title"}
        for name, definition in {**schema.get("$defs", {}), schema["title"]: body}.items():
            own, node = renamed(document, name), with_own_names(document, definition)
            if re.search(r"\d$", own):
                raise SystemExit(f"{own} of the document {document} has a number for a name that is taken: name it in names.py")
            if found.setdefault(own, node) != node:
                raise SystemExit(f"{own} of the document {document} differs from that of an earlier one: rename it in names.py")
    return found


def with_own_names(document: str, node: Any) -> Any:
    """The same node of a document, with the unique names in its references."""
    if isinstance(node, dict):
        changed = {key: with_own_names(document, value) for key, value in node.items()}
        if isinstance(node.get("$ref"), str):
            changed["$ref"] = renamed(document, referred(node))
        return changed
    return [with_own_names(document, item) for item in node] if isinstance(node, list) else node


def referred(node: Node) -> str:
    """The name of the definition that a node refers to."""
    return str(node["$ref"]).split("/")[-1]


def variants(node: Node) -> list[Node]:
    """The variants of a choice, without the variables of documents and the short forms of a job."""
    for key in ("oneOf", "anyOf"):
        if key in node:
            inner = [one for one in node[key] if not is_variable(one)]
            if len(inner) == 1 and ("oneOf" in inner[0] or "anyOf" in inner[0]):
                return variants(inner[0])
            return [flat for one in inner for flat in (variants(one) if "oneOf" in one else [one])]
    return []


def is_variable(node: Node) -> bool:
    """True for the form `${name}`, which documents may have in place of any value."""
    return str(node.get("pattern", "")).startswith("^\\$\\{")


def tag(variant: Node) -> str | None:
    """The constant `type` of a variant, which tells it from the others."""
    found = variant.get("properties", {}).get("type", {}).get("const")
    return None if found is None else str(found)


def only_key(variant: Node) -> str:
    """The one key of a variant; empty if it has several."""
    properties = list(variant.get("properties", {}))
    return properties[0] if len(properties) == 1 else ""
