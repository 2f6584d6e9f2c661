"""Frames and audio of a program on their way to a session."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from .errors import LimitExceeded

# Seconds that a stream may be ahead of another; the same as in the session.
LEAD = 5


class Stream:
    """One stream: what was given to the session, and what waits until the shape of every stream is known.

    Args:
        rate: Frames or samples per second.
        hand: Gives an item of this size to the session; the first argument counts frames or samples before it.
    """

    def __init__(self, rate: Fraction | int, hand: Callable[[int, Any], None]) -> None:
        self.rate = rate
        self.given = 0
        self.waiting: deque[tuple[int, Any]] = deque()
        self.has_ended = False
        self._hand = hand

    @property
    def has_begun(self) -> bool:
        """True if the stream got something."""
        return self.given > 0 or bool(self.waiting)

    @property
    def count(self) -> int:
        """Frames or samples so far."""
        return self.given + sum(size for size, _ in self.waiting)

    def hand(self, size: int, item: Any) -> None:
        """Gives an item to the session."""
        self._hand(self.given, item)
        self.given += size

    def keep(self, size: int, item: Any) -> None:
        """Keeps an item until the other streams have begun.

        Raises:
            LimitExceeded: The items that wait last longer than the lead.
        """
        if sum(size for size, _ in self.waiting) >= LEAD * self.rate:
            detail = f"the first frame and the first samples of each track have to be given within {LEAD} seconds"
            raise LimitExceeded(detail)
        self.waiting.append((size, item))


def hand_over(streams: Iterable[Stream]) -> None:
    """Gives all that waits to the session, in the order of time.

    Raises:
        LimitExceeded: A stream is too far ahead of another. What was not given waits on.
        Error: An item was refused. It waits no more; what follows it does.
    """
    streams = list(streams)
    while full := [stream for stream in streams if stream.waiting]:
        first = min(full, key=lambda stream: stream.given / Fraction(stream.rate))
        size, item = first.waiting.popleft()
        try:
            first.hand(size, item)
        except LimitExceeded:
            first.waiting.appendleft((size, item))
            raise
