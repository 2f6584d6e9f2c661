"""Readers: iterators of frames and of audio that a thread of the engine reads ahead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import _trix
from ._trix import Block
from .frame import Frame

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Audio", "Frames"]


class Frames:
    """Frames of a source, one after the other. A thread reads ahead, at most 96 MiB.

    It is an iterator and a context manager; `close` ends the reading early.
    """

    def __init__(self, frames: _trix.FrameIterator) -> None:
        self._frames = frames

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        found = self._frame(None)
        if found is None:
            raise StopIteration
        return found

    def _frame(self, number: int | None) -> Frame | None:
        """The next frame, whose number is `number` if it is known."""
        found = self._frames.next(number)
        return None if found is None or found[0] is None else Frame(found[0])

    def __enter__(self) -> Frames:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the reading. Frames that were returned stay as they are."""
        self._frames.close()


class Audio:
    """Audio of a source, block by block. A thread reads ahead, at most 96 MiB.

    It is an iterator of blocks and a context manager; `read` returns all that is left as one array.
    """

    def __init__(self, blocks: _trix.BlockIterator) -> None:
        self._blocks = blocks

    def __iter__(self) -> Iterator[Block]:
        return self

    def __next__(self) -> Block:
        return next(self._blocks)

    def __enter__(self) -> Audio:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> npt.NDArray[Any]:
        """All samples that are left, with the shape (samples, channels) and the type of the blocks.

        Raises:
            ValueError: There are no samples left.
        """
        import numpy as np

        arrays = [block.array for block in self]
        if not arrays:
            raise ValueError("there is no audio between start and stop")
        return np.concatenate(arrays)

    def close(self) -> None:
        """Ends the reading."""
        self._blocks.close()


def each(frames: _trix.FrameIterator) -> Iterator[Frame | None]:
    """All frames of an iterator; None where there is no frame."""
    while found := frames.next(None):
        yield None if found[0] is None else Frame(found[0])
