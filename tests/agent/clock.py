"""A clock that a test sets."""

from datetime import UTC, datetime, timedelta

from preloader.agent.clock import Clock


class SetClock(Clock):
    """Stands still until it is told to go on; sleeping makes it go on at once."""

    def __init__(self, now: str = "2026-03-04 10:00") -> None:
        self.time = datetime.fromisoformat(now).replace(tzinfo=UTC)
        self.seconds = 100_000.0

    def now(self) -> datetime:
        return self.time

    def uptime(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.go_on(seconds)

    def go_on(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.seconds += seconds

    def jump(self, **by: float) -> None:
        """Somebody sets the time of day."""
        self.time += timedelta(**by)
