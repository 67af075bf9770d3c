"""When a run is due. It looks at clocks that it is given, and does nothing by itself."""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from preloader.agent.cleanup import Summary
from preloader.agent.policy import Policy
from preloader.agent.retention.act import Outcome
from preloader.agent.schedule import load_zone, node_delay, parse_schedule

# As often as the kubelet looks whether it has to evict.
TICK_SECONDS = 10
# A run later than this was missed: the node or the agent was not up.
LATE = timedelta(minutes=5)
# A smaller step back of the clock is time synchronisation at work.
CLOCK_STEP = timedelta(minutes=1)
HIGH_WATER_PAUSE_SECONDS = 300
HIGH_WATER_MAX_PAUSE_SECONDS = 3600
RETRY_MAX_SECONDS = 60


class Trigger(StrEnum):
    """Why a run takes place."""

    START = "start"
    SCHEDULE = "schedule"
    MISSED = "missed"
    GROWN = "grown-old-enough"
    HIGH_WATER = "high-water"
    BY_HAND = "by-hand"


class Triggers:
    """Decides which run is due on one node, and learns from each run when the next may be."""

    def __init__(self, policy: Policy, node: str, last_run: float | None, now: datetime) -> None:
        self._high_water = policy.high_water_percent
        self._schedule = parse_schedule(policy.schedule)
        self._zone: tzinfo = load_zone(policy.time_zone)
        self._delay = node_delay(node, policy.jitter_seconds)
        self._start_is_due = True
        self._grown_at: float | None = None
        self._high_water_at = 0.0
        self._high_water_pause = HIGH_WATER_PAUSE_SECONDS
        self._retry_at = 0.0
        self._retry_pause = TICK_SECONDS
        self._last_now = now
        self.next_run = self._after(now)
        # A last run in the future was made by a clock that was wrong.
        if last_run is not None and last_run < now.timestamp():
            self.next_run = self._after(datetime.fromtimestamp(last_run, now.tzinfo))

    def due(
        self,
        now: datetime,
        uptime: float,
        used_percent: Callable[[], float | None],
        *,
        is_complete: bool,
    ) -> Trigger | None:
        """Returns the run that is due at `now`, if any.

        `used_percent` says how full the disk is, and is asked only where it matters; `is_complete`:
        whether the pool's images are on the node.
        """
        if now < self._last_now - CLOCK_STEP:
            self.next_run = min(self.next_run, self._after(now))
        self._last_now = now
        if uptime < self._retry_at:
            return None
        if now >= self.next_run:
            return Trigger.SCHEDULE if now - self.next_run < LATE else Trigger.MISSED
        if self._start_is_due and is_complete:
            return Trigger.START
        if self._grown_at is not None and uptime >= self._grown_at:
            return Trigger.GROWN
        if self._high_water is not None and uptime >= self._high_water_at:
            used = used_percent()
            if used is not None and used >= self._high_water:
                return Trigger.HIGH_WATER
        return None

    def ran(self, trigger: Trigger, summary: Summary, now: datetime, uptime: float) -> None:
        """Takes note of a run. One that broke off is due again after a pause."""
        if summary.fault is not None:
            self._retry_at = uptime + self._retry_pause
            self._retry_pause = min(2 * self._retry_pause, RETRY_MAX_SECONDS)
            return
        self._retry_pause = TICK_SECONDS
        if now >= self.next_run:
            self.next_run = self._after(now)
        if not summary.missing:
            self._start_is_due = False
        self._grown_at = None if summary.young_for is None else uptime + summary.young_for
        if summary.outcomes.get(Outcome.REMOVED):
            self._high_water_pause = HIGH_WATER_PAUSE_SECONDS
        elif trigger is Trigger.HIGH_WATER:
            # What had nothing to remove a moment ago can hardly have now.
            self._high_water_at = uptime + self._high_water_pause
            self._high_water_pause = min(2 * self._high_water_pause, HIGH_WATER_MAX_PAUSE_SECONDS)

    def _after(self, instant: datetime) -> datetime:
        return self._schedule.next_after(instant - self._delay, self._zone) + self._delay
