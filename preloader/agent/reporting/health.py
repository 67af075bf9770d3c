"""How the agent is and what it has done so far, for whoever asks."""

from dataclasses import dataclass, field

from preloader.agent.cleanup import Summary
from preloader.agent.readiness import STALE_SECONDS, write_readiness
from preloader.agent.retention.act import Outcome
from preloader.printable import printable


@dataclass(slots=True)
class Health:
    """The state of one agent; `path` is the file of its readiness check."""

    path: str
    why_not: str | None = "starting"
    """Why the agent cannot do its work; None: it can."""
    beat_at: float = 0
    """The node's uptime at the agent's last sign of life, in seconds."""
    runs: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """How many runs there were, by trigger and result."""
    outcomes: dict[Outcome, int] = field(default_factory=dict[Outcome, int])
    freed: int = 0
    last: Summary | None = None

    def beat(self, uptime: float) -> str | None:
        """Gives a sign of life; returns what keeps it from being written, if anything does."""
        self.beat_at = uptime
        try:
            write_readiness(self.path, uptime, printable(self.why_not or ""))
        except OSError as error:
            return f"{self.path}: {error.strerror}"
        return None

    def is_alive(self, uptime: float) -> bool:
        return uptime - self.beat_at < STALE_SECONDS

    def ran(self, summary: Summary) -> None:
        key = (summary.trigger, "completed" if summary.fault is None else "failed")
        self.runs[key] = self.runs.get(key, 0) + 1
        for outcome, count in summary.outcomes.items():
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + count
        self.freed += max(0, summary.freed or 0)
        self.last = summary
