"""How long one image may take, whatever a registry does meanwhile."""

import time
from concurrent.futures import Future
from threading import Event
from typing import TypeVar

from preloadctl.lock.registries.errors import NotLocked

Value = TypeVar("Value")


class Deadline:
    """The time that an image has, from now on; `stopped` ends it early for all images."""

    def __init__(self, timeout_seconds: float, stopped: Event) -> None:
        self.timeout_seconds = timeout_seconds
        self._ends_at = time.monotonic() + timeout_seconds
        self._stopped = stopped

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be asked."""
        return self._stopped.is_set() or time.monotonic() >= self._ends_at

    def remaining_seconds(self, host: str) -> float:
        """Returns what is left, above 0; raises NotLocked where nothing is."""
        if self.is_over:
            raise self.exceeded(host)
        return max(self._ends_at - time.monotonic(), 0.001)

    def exceeded(self, host: str) -> NotLocked:
        """The error for a host whose answer took too long."""
        return NotLocked(
            f"{host} gave no whole answer within {self.timeout_seconds:g} s; "
            "try again, or raise --timeout-seconds"
        )

    def sleep(self, seconds: float) -> None:
        """Waits, at most until the end."""
        self._stopped.wait(min(seconds, max(self._ends_at - time.monotonic(), 0)))

    def wait_for(self, future: Future[Value]) -> Value:
        """Returns what another thread finds out; raises what it raises, or NotLocked."""
        try:
            return future.result(max(self._ends_at - time.monotonic(), 0))
        except TimeoutError:
            raise self.exceeded("its registry") from None
