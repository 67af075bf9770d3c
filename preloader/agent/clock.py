"""The time of day, and the uptime, which never jumps."""

import time
from datetime import UTC, datetime


class Clock:
    """The node's clocks; tests have their own."""

    def now(self) -> datetime:
        """Returns the time of day in UTC: people and time servers set it, both ways."""
        return datetime.now(UTC)

    def uptime(self) -> float:
        """Returns the seconds since the node booted."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
