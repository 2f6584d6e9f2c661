"""What a package has to do to load its modules when something of them is used first."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def later(package: str, modules: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """The `__getattr__` of a package (PEP 562) that has these modules, and of each the names that it holds."""
    places = {name: module for module, names in modules.items() for name in names}

    def loaded(name: str) -> Any:
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(f"{package}.{places[name]}"), name)
        # The next use finds it there.
        setattr(sys.modules[package], name, found)
        return found

    return loaded
