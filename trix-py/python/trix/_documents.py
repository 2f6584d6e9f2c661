"""Records for the compiled module, which knows them by their names."""

from __future__ import annotations

import json

from . import records
from ._record import Record


def of_json(name: str, text: str) -> Record:
    """The class of `records` that is called `name`, made of JSON."""
    kind: type[Record] = getattr(records, name)
    return kind.from_dict(json.loads(text))
