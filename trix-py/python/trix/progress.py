"""The progress of a job as a bar, in terminals and notebooks."""

from __future__ import annotations

import warnings
from typing import Any

from . import records

__all__ = ["Bar"]


class Bar:
    """A bar of tqdm that shows the slowest output."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # A notebook without ipywidgets gets the bar as text.
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm  # type: ignore[import-untyped, unused-ignore]
        self._tqdm: Any = tqdm
        self._bar: Any = None
        self._stage = ""
        self._frames: dict[int, int] = {}

    def show(self, event: records.Event) -> None:
        """Shows what an event says."""
        if not isinstance(event, records.ProgressEvent):
            return
        if event.stage != self._stage:
            self.close()
            self._stage, self._frames = event.stage, {}
            self._bar = self._tqdm(total=event.frames_expected, unit="frames", desc=event.stage, leave=True)
        self._frames[event.output] = event.frames
        # An output that is told of for the first time may be behind the others.
        self._bar.update(max(0, min(self._frames.values()) - self._bar.n))

    def close(self) -> None:
        """Ends the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
