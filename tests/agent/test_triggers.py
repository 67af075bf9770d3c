"""When a run is due: at the start, by the clock, above high water, and after what went wrong."""

from datetime import timedelta

import pytest

from preloader.agent.cleanup import Summary
from preloader.agent.policy import Policy
from preloader.agent.retention.act import Outcome
from preloader.agent.triggers import Trigger, Triggers
from tests.agent.clock import SetClock

NOTHING_IS_DUE = None


class Node:
    """One node's triggers, with a clock and a disk that the test sets."""

    def __init__(self, last_run: float | None = None, **policy: object) -> None:
        self.clock = SetClock("2026-03-04 10:00")
        values = {"jitter_seconds": 0, "high_water_percent": 80, **policy}
        self.policy = Policy.from_mapping({"pool": "web", **values})
        self.triggers = Triggers(self.policy, "node", last_run, self.clock.now())
        self.is_complete = True
        self.used: float | None = 50.0

    def due(self) -> Trigger | None:
        return self.triggers.due(
            self.clock.now(), self.clock.uptime(), lambda: self.used, is_complete=self.is_complete
        )

    def run(self, trigger: Trigger, **values: object) -> None:
        summary = Summary(trigger, dry_run=False, started=self.clock.now())
        summary.missing = () if self.is_complete else ("nginx",)
        for key, value in values.items():
            setattr(summary, key, value)
        self.triggers.ran(trigger, summary, self.clock.now(), self.clock.uptime())

    def started(self) -> "Node":
        """The node after its first run."""
        assert self.due() is Trigger.START
        self.run(Trigger.START)
        assert self.due() is NOTHING_IS_DUE
        return self

    def go_on(self, **by: float) -> None:
        self.clock.go_on(timedelta(**by).total_seconds())


class TestStart:
    """Once after the start, as soon as the pool's images are present."""

    def test_at_once_when_they_are(self) -> None:
        node = Node().started()
        node.go_on(hours=1)
        assert node.due() is NOTHING_IS_DUE

    def test_later_when_they_come_later(self) -> None:
        node = Node()
        node.is_complete = False
        for _ in range(20):
            assert node.due() is NOTHING_IS_DUE
            node.go_on(minutes=10)
        node.is_complete = True
        assert node.due() is Trigger.START

    def test_an_image_that_never_comes_does_not_hold_up_the_schedule(self) -> None:
        node = Node()
        node.is_complete = False
        node.go_on(hours=17, seconds=1)
        assert node.due() is Trigger.SCHEDULE
        node.run(Trigger.SCHEDULE)
        # It is still waited for.
        node.is_complete = True
        node.go_on(seconds=30)
        assert node.due() is Trigger.START

    def test_not_again_when_another_run_found_all_present(self) -> None:
        node = Node()
        node.is_complete = False
        node.used = 90
        assert node.due() is Trigger.HIGH_WATER
        node.is_complete = True
        node.run(Trigger.HIGH_WATER)
        node.used = 50
        node.go_on(minutes=5)
        assert node.due() is NOTHING_IS_DUE


class TestSchedule:
    """By the clock, on each node with a delay of its own."""

    def test_each_time_once(self) -> None:
        node = Node(schedule="0 12,18 * * *").started()
        for hours, expected in ((1.9, None), (0.1, Trigger.SCHEDULE), (6, Trigger.SCHEDULE)):
            node.go_on(hours=hours)
            assert node.due() is expected
            if expected:
                node.run(expected)
                assert node.due() is NOTHING_IS_DUE

    def test_with_the_node_s_delay(self) -> None:
        node = Node(schedule="0 12 * * *", jitter_seconds=600)
        delay = node.triggers.next_run - (node.clock.now() + timedelta(hours=2))
        assert timedelta(0) < delay < timedelta(seconds=600)
        assert Node(schedule="0 12 * * *", jitter_seconds=600).triggers.next_run == (
            node.triggers.next_run
        )
        node.run(Trigger.START)
        node.go_on(hours=2)
        assert node.due() is NOTHING_IS_DUE
        node.clock.go_on(delay.total_seconds())
        assert node.due() is Trigger.SCHEDULE
        node.run(Trigger.SCHEDULE)
        assert node.triggers.next_run == node.clock.now() + timedelta(days=1)

    def test_a_delay_beyond_the_next_time_loses_no_run(self) -> None:
        node = Node(schedule="*/5 * * * *", jitter_seconds=86_400)
        first = node.triggers.next_run
        assert first - node.clock.now() <= timedelta(minutes=5)
        node.clock.go_on((first - node.clock.now()).total_seconds())
        node.run(Trigger.SCHEDULE)
        assert node.triggers.next_run == first + timedelta(minutes=5)

    def test_in_the_pool_s_time_zone(self) -> None:
        node = Node(schedule="0 12 * * *", time_zone="Asia/Tokyo")
        assert node.triggers.next_run.hour == 3


class TestMissed:
    """A run for which the node or the agent was not up is made up for, once."""

    def last_run(self, **ago: float) -> float:
        return (SetClock("2026-03-04 10:00").now() - timedelta(**ago)).timestamp()

    def test_by_an_agent_that_starts_late(self) -> None:
        node = Node(self.last_run(days=3), schedule="0 3 * * *")
        node.is_complete = False
        assert node.due() is Trigger.MISSED
        node.run(Trigger.MISSED)
        assert node.due() is NOTHING_IS_DUE
        assert node.triggers.next_run == node.clock.now() + timedelta(hours=17)

    def test_but_not_when_the_last_run_came_after_it(self) -> None:
        node = Node(self.last_run(hours=6), schedule="0 3 * * *")
        node.is_complete = False
        assert node.due() is NOTHING_IS_DUE

    def test_by_a_node_that_slept(self) -> None:
        node = Node(schedule="0 12 * * *").started()
        node.go_on(days=4)
        assert node.due() is Trigger.MISSED
        node.run(Trigger.MISSED)
        assert node.due() is NOTHING_IS_DUE

    def test_not_on_a_node_that_has_never_run(self) -> None:
        node = Node(None)
        node.is_complete = False
        assert node.due() is NOTHING_IS_DUE

    def test_not_because_of_a_last_run_in_the_future(self) -> None:
        node = Node(self.last_run(days=-9000), schedule="0 12 * * *")
        assert node.triggers.next_run - node.clock.now() == timedelta(hours=2)


class TestClockJumps:
    """The time of day is set by people and time servers, in both directions."""

    def test_forwards_past_a_run_makes_up_for_it(self) -> None:
        node = Node(schedule="0 12 * * *").started()
        node.clock.jump(hours=3)
        assert node.due() is Trigger.MISSED
        node.run(Trigger.MISSED)
        assert node.due() is NOTHING_IS_DUE

    def test_back_does_not_put_off_the_next_run(self) -> None:
        node = Node(schedule="0 12 * * *").started()
        node.clock.jump(days=3000)
        assert node.due() is Trigger.MISSED
        node.run(Trigger.MISSED)
        node.clock.jump(days=-3000)
        assert node.due() is NOTHING_IS_DUE
        node.go_on(hours=2)
        assert node.due() is Trigger.SCHEDULE

    def test_late_by_more_than_five_minutes_is_missed(self) -> None:
        for minutes, expected in ((4, Trigger.SCHEDULE), (5, Trigger.MISSED)):
            node = Node(schedule="0 12 * * *").started()
            node.go_on(hours=2, minutes=minutes)
            assert node.due() is expected

    def test_a_little_back_runs_nothing_twice(self) -> None:
        node = Node(schedule="0 12 * * *").started()
        node.go_on(hours=2)
        assert node.due() is Trigger.SCHEDULE
        node.run(Trigger.SCHEDULE)
        node.clock.jump(seconds=-30)
        assert node.due() is NOTHING_IS_DUE
        node.go_on(seconds=40)
        assert node.due() is NOTHING_IS_DUE


class TestHighWater:
    """At once when the disk of the images is fuller than the mark."""

    def test_at_the_mark_and_not_below(self) -> None:
        node = Node(high_water_percent=80).started()
        node.used = 79.9
        assert node.due() is NOTHING_IS_DUE
        node.used = 80.0
        assert node.due() is Trigger.HIGH_WATER

    def test_never_without_a_mark(self) -> None:
        node = Node(high_water_percent=None).started()
        node.used = 99.0
        assert node.due() is NOTHING_IS_DUE

    def test_not_when_the_disk_cannot_be_measured(self) -> None:
        node = Node().started()
        node.used = None
        assert node.due() is NOTHING_IS_DUE

    def test_before_the_pool_s_images_are_present(self) -> None:
        node = Node()
        node.is_complete = False
        node.used = 90
        assert node.due() is Trigger.HIGH_WATER

    def test_again_at_once_as_long_as_it_removes_something(self) -> None:
        node = Node().started()
        node.used = 90
        node.run(Trigger.HIGH_WATER, outcomes={Outcome.REMOVED: 1})
        assert node.due() is Trigger.HIGH_WATER

    def test_more_and_more_rarely_when_there_is_nothing_to_remove(self) -> None:
        node = Node().started()
        node.used = 90
        pauses: list[int] = []
        for _ in range(6):
            node.run(Trigger.HIGH_WATER, outcomes={Outcome.KEPT: 5})
            pauses.append(0)
            while node.due() is NOTHING_IS_DUE:
                pauses[-1] += 5
                node.go_on(minutes=5)
        assert pauses == [5, 10, 20, 40, 60, 60]
        node.run(Trigger.HIGH_WATER, outcomes={Outcome.REMOVED: 1})
        node.run(Trigger.HIGH_WATER)
        node.go_on(minutes=5)
        assert node.due() is Trigger.HIGH_WATER


class TestYoung:
    """Images that stayed for their age alone are looked at again when they are old enough."""

    def test_once(self) -> None:
        node = Node()
        node.run(Trigger.START, young_for=1800.0)
        node.go_on(minutes=29)
        assert node.due() is NOTHING_IS_DUE
        node.go_on(minutes=1)
        assert node.due() is Trigger.GROWN
        node.run(Trigger.GROWN)
        node.go_on(hours=1)
        assert node.due() is NOTHING_IS_DUE


class TestBrokenOff:
    """A run that the runtime broke off is due again, after a pause."""

    def test_soon_and_then_more_rarely(self) -> None:
        node = Node(schedule="0 12 * * *").started()
        node.go_on(hours=2)
        pauses: list[int] = []
        for _ in range(5):
            assert node.due() is Trigger.SCHEDULE
            node.run(Trigger.SCHEDULE, fault="gone")
            pauses.append(0)
            while node.due() is NOTHING_IS_DUE:
                pauses[-1] += 1
                node.go_on(seconds=1)
        assert pauses == [10, 20, 40, 60, 60]
        node.run(Trigger.SCHEDULE)
        assert node.due() is NOTHING_IS_DUE

    def test_the_start_is_not_forgotten(self) -> None:
        node = Node()
        assert node.due() is Trigger.START
        node.run(Trigger.START, fault="gone")
        node.go_on(seconds=30)
        assert node.due() is Trigger.START

    @pytest.mark.parametrize("fault", [None, "gone"])
    def test_after_success_the_pause_is_short_again(self, fault: str | None) -> None:
        node = Node()
        node.run(Trigger.START, fault="gone")
        node.run(Trigger.START, fault=fault)
        node.run(Trigger.START, fault="gone")
        node.used = 90
        node.go_on(seconds=10)
        assert (node.due() is not NOTHING_IS_DUE) is (fault is None)
