"""The schedule: cron's fields, and the hours that daylight saving time skips and repeats."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preloader.agent.schedule import (
    MACROS,
    InvalidSchedule,
    load_zone,
    node_delay,
    parse_schedule,
)

MADRID = ZoneInfo("Europe/Madrid")


def runs(
    expression: str, start: str, count: int = 1, zone: str = "UTC", end: str | None = None
) -> list[str]:
    """The local times, with their offset, at which it runs after `start`, a time in UTC."""
    schedule = parse_schedule(expression)
    tz = load_zone(zone)
    now = datetime.fromisoformat(start).replace(tzinfo=UTC)
    last = datetime.fromisoformat(end).replace(tzinfo=UTC) if end else None
    found: list[str] = []
    while len(found) < count or last:
        now = schedule.next_after(now, tz)
        if last and now > last:
            break
        found.append(now.astimezone(tz).isoformat(" ", "minutes"))
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 3 * * *", "2026-03-05 03:00"),
        ("30 12 * * *", "2026-03-04 12:30"),
        ("* * * * *", "2026-03-04 10:21"),
        ("*/15 * * * *", "2026-03-04 10:30"),
        ("5/20 * * * *", "2026-03-04 10:25"),
        ("10-12 * * * *", "2026-03-04 11:10"),
        ("10-40/15 * * * *", "2026-03-04 10:25"),
        ("0 1,13,23 * * *", "2026-03-04 13:00"),
        ("0 0 1 * *", "2026-04-01 00:00"),
        ("0 0 31 * *", "2026-03-31 00:00"),
        ("0 0 29 2 *", "2028-02-29 00:00"),
        ("0 0 * feb *", "2027-02-01 00:00"),
        ("0 0 * * 0", "2026-03-08 00:00"),
        ("0 0 * * 7", "2026-03-08 00:00"),
        ("0 0 * * SUN", "2026-03-08 00:00"),
        ("0 0 * * mon-wed", "2026-03-09 00:00"),
        # A day that fits the month or the week is enough, unless one of them says '*'.
        ("0 0 20 * fri", "2026-03-06 00:00"),
        ("0 0 5 * fri", "2026-03-05 00:00"),
        ("0 0 30 2 fri", "2027-02-05 00:00"),
        ("0 0 */2 * fri", "2026-03-13 00:00"),
        ("@daily", "2026-03-05 00:00"),
        ("@hourly", "2026-03-04 11:00"),
        ("@weekly", "2026-03-08 00:00"),
        (" 0  3 *\t* * ", "2026-03-05 03:00"),
    ],
)
def test_it_runs_when_cron_would(expression: str, expected: str) -> None:
    # A Wednesday.
    assert runs(expression, "2026-03-04 10:20:30") == [f"{expected}+00:00"]


@pytest.mark.parametrize("macro", MACROS)
def test_every_macro_runs(macro: str) -> None:
    assert runs(macro, "2026-03-04 10:20", 3)


def test_a_run_is_after_and_not_at_the_given_time() -> None:
    assert runs("0 3 * * *", "2026-03-04 03:00") == ["2026-03-05 03:00+00:00"]
    assert runs("0 3 * * *", "2026-03-04 02:59:59") == ["2026-03-04 03:00+00:00"]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "0 3 * *",
        "0 3 * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * * 8",
        "* * * * ,",
        "*/0 * * * *",
        "1-* * * * *",
        "5-1 * * * *",
        "-1 * * * *",
        "1.5 * * * *",
        "a * * * *",
        "* * * foo *",
        "mon * * * *",
        "1/ * * * *",
        "1//2 * * * *",
        "\u0661 * * * *",
        "@reboot",
        "1" * 5000 + " * * * *",
    ],
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(InvalidSchedule):
        parse_schedule(expression)


@pytest.mark.parametrize("expression", ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 30-31 feb */2"])
def test_what_never_runs_is_refused(expression: str) -> None:
    with pytest.raises(InvalidSchedule, match="never"):
        parse_schedule(expression)


def test_the_refusal_names_the_field_and_what_it_takes() -> None:
    with pytest.raises(InvalidSchedule, match=r"'hour' numbers from 0 to 23.*not '24'"):
        parse_schedule("0 24 * * *")


def test_a_local_time_that_is_skipped_runs_once_right_after() -> None:
    # Clocks go from 02:00 to 03:00.
    assert runs("30 2 * * *", "2026-03-28 12:00", 2, "Europe/Madrid") == [
        "2026-03-29 03:00+02:00",
        "2026-03-30 02:30+02:00",
    ]
    assert runs("*/20 2 * * *", "2026-03-28 12:00", 2, "Europe/Madrid") == [
        "2026-03-29 03:00+02:00",
        "2026-03-30 02:00+02:00",
    ]


def test_a_run_in_the_skipped_hour_and_one_right_after_are_one() -> None:
    assert runs("0 2,3 * * *", "2026-03-28 12:00", 2, "Europe/Madrid") == [
        "2026-03-29 03:00+02:00",
        "2026-03-30 02:00+02:00",
    ]


def test_a_local_time_that_is_repeated_runs_once() -> None:
    # Clocks go from 03:00 back to 02:00.
    assert runs("30 2 * * *", "2026-10-24 12:00", 2, "Europe/Madrid") == [
        "2026-10-25 02:30+02:00",
        "2026-10-26 02:30+01:00",
    ]
    repeated = runs(
        "*/30 * * * *", "2026-10-24 23:00", zone="Europe/Madrid", end="2026-10-25 03:00"
    )
    assert repeated == [
        "2026-10-25 01:30+02:00",
        "2026-10-25 02:00+02:00",
        "2026-10-25 02:30+02:00",
        "2026-10-25 03:00+01:00",
        "2026-10-25 03:30+01:00",
        "2026-10-25 04:00+01:00",
    ]


def test_it_does_not_run_again_when_asked_within_the_repeated_hour() -> None:
    # 01:10 UTC is 02:10 for the second time.
    assert runs("30 2 * * *", "2026-10-25 01:10", 1, "Europe/Madrid") == ["2026-10-26 02:30+01:00"]


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Australia/Lord_Howe", "2026-10-03 00:00"),
        ("America/Sao_Paulo", "2018-11-03 00:00"),
        ("Pacific/Apia", "2011-12-29 00:00"),
        ("Africa/Casablanca", "2026-02-14 00:00"),
    ],
)
def test_odd_changes_of_the_clock_cost_no_day_more_than_they_skip(zone: str, start: str) -> None:
    schedule, tz = parse_schedule("15 0,2 * * *"), load_zone(zone)
    now = datetime.fromisoformat(start).replace(tzinfo=UTC)
    times = [now := schedule.next_after(now, tz) for _ in range(8)]
    assert all(earlier < later for earlier, later in pairwise(times))
    assert all(later - earlier <= timedelta(hours=25) for earlier, later in pairwise(times))


@settings(max_examples=150)
@given(
    st.sampled_from(["0 3 * * *", "*/7 1-4 * * *", "30 2 * * sun", "59 23 31 * *", "0 0 1 1 *"]),
    st.sampled_from(["UTC", "Europe/Madrid", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]),
    st.integers(1_104_537_600, 2_208_988_800),
)
def test_the_next_run_is_the_first_minute_that_fits(
    expression: str, zone: str, seconds: int
) -> None:
    schedule, tz = parse_schedule(expression), load_zone(zone)
    now = datetime.fromtimestamp(seconds, UTC)
    found = schedule.next_after(now, tz)
    assert found > now
    assert schedule.next_after(found - timedelta(seconds=1), tz) == found
    # Minute by minute, from the start or the last day before: none that fits was left out.
    minute = max(now, found - timedelta(days=1)).replace(second=0, microsecond=0)
    seen = minute.astimezone(tz).replace(tzinfo=None) - timedelta(minutes=1)
    while (minute := minute + timedelta(minutes=1)) < found:
        shown = minute.astimezone(tz).replace(tzinfo=None)
        if shown == seen + timedelta(minutes=1):
            day = shown.isoweekday() % 7
            assert not (
                shown.minute in schedule.minutes
                and shown.hour in schedule.hours
                and shown.day in schedule.days
                and shown.month in schedule.months
                and day in schedule.weekdays
                and not shown.replace(tzinfo=tz, fold=0).astimezone(UTC) <= now
            )
        seen = max(seen, shown)


def test_utc_needs_no_time_zone_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoneinfo.ZoneInfo", None)
    assert load_zone("UTC") is UTC


def test_a_node_has_its_own_delay_always_the_same() -> None:
    delays = [node_delay(f"ip-10-0-0-{number}.ec2.internal", 600) for number in range(200)]
    assert all(timedelta(0) <= delay <= timedelta(seconds=600) for delay in delays)
    assert len(set(delays)) > 100
    # The value itself: another process, or another version, gives the same.
    assert node_delay("node-1", 600) == timedelta(seconds=284)


def test_without_jitter_there_is_no_delay() -> None:
    assert node_delay("node", 0) == timedelta(0)
