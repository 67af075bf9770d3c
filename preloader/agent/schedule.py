"""When the cleanup runs: cron expressions in a time zone, and each node's own delay.

The fields and their meaning are those of https://man7.org/linux/man-pages/man5/crontab.5.html.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    # Sunday is both 0 and 7.
    ("day of week", 0, 7, _WEEKDAYS),
)
_MINUTE = timedelta(minutes=1)


class InvalidSchedule(ValueError):
    """A schedule or time zone that cannot be used; the message says what is accepted."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The local times at which something runs."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """Whether a day needs to fit the month or the week, and not both."""

    def next_after(self, instant: datetime, zone: tzinfo) -> datetime:
        """Returns the first time after `instant`, in UTC.

        A local time that the clocks skip counts as the end of the skipped hour, and one that they
        repeat as its first occurrence: each is reached once.
        """
        start = instant.astimezone(zone).replace(tzinfo=None)
        return next(
            candidate
            for local in self._local_times(start)
            if (candidate := _first_instant(local, zone)) > instant
        )

    def _local_times(self, start: datetime) -> Iterator[datetime]:
        times = [
            time(hour, minute) for hour in sorted(self.hours) for minute in sorted(self.minutes)
        ]
        day = start.date()
        # A clock that was put back repeats what `start` has already passed.
        while True:
            if self._includes(day):
                for at in times:
                    local = datetime.combine(day, at)
                    if local >= start.replace(second=0, microsecond=0):
                        yield local
            day += timedelta(days=1)

    def _includes(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        fits_month = day.day in self.days
        fits_week = day.isoweekday() % 7 in self.weekdays
        return fits_month or fits_week if self.either_day else fits_month and fits_week


def parse_schedule(expression: str) -> Schedule:
    """Returns the schedule of a cron expression. Raises InvalidSchedule."""
    texts = MACROS.get(expression.strip().lower(), expression).lower().split()
    if len(texts) != len(_FIELDS):
        raise InvalidSchedule(
            "five fields (minute, hour, day of month, month, day of week) such as '0 3 * * *', "
            f"or one of {', '.join(MACROS)}"
        )
    minutes, hours, days, months, weekdays = (
        _parse_field(text, *field) for text, field in zip(texts, _FIELDS, strict=True)
    )
    # As in Vixie's cron: a field that starts with '*' narrows the other one, it does not widen it.
    either_day = not texts[2].startswith("*") and not texts[4].startswith("*")
    if not either_day and not any(min(days) <= _LONGEST_MONTH[month - 1] for month in months):
        raise InvalidSchedule("a day that exists in one of its months: this never runs")
    return Schedule(
        minutes, hours, days, months, frozenset(day % 7 for day in weekdays), either_day
    )


def load_zone(name: str) -> tzinfo:
    """Returns the time zone called `name`. Raises InvalidSchedule."""
    # Needs no time zone database, which a small image may not have.
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - most pools never need it

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidSchedule(
            "a time zone that this machine knows, such as 'Europe/Madrid'"
        ) from None


def node_delay(node: str, jitter_seconds: int) -> timedelta:
    """Returns the node's own delay after the schedule, of at most `jitter_seconds`."""
    # Not hash(), which differs between processes.
    return timedelta(seconds=zlib.crc32(node.encode()) % (jitter_seconds + 1))


def _first_instant(local: datetime, zone: tzinfo) -> datetime:
    """Returns when clocks in `zone` first show `local`, or the first time after it, in UTC."""
    while True:
        instant = local.replace(tzinfo=zone).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == local:
            return instant
        local += _MINUTE


def _parse_field(
    text: str, name: str, least: int, most: int, words: tuple[str, ...]
) -> frozenset[int]:
    accepted = f"in the field '{name}' numbers from {least} to {most}"
    if words:
        accepted += f" or {words[0]} to {words[-1]}"
    accepted += f", '*', ranges, lists and steps, not '{text}'"
    values: set[int] = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        first_text, dash, last_text = span.partition("-")
        if span == "*":
            first, last = least, most
        else:
            first = _parse_number(first_text, words, least)
            last = _parse_number(last_text, words, least) if dash else most if slash else first
        step = _parse_number(step_text, (), 0) if slash else 1
        if first is None or last is None or not step or not least <= first <= last <= most:
            raise InvalidSchedule(accepted)
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _parse_number(text: str, words: tuple[str, ...], first_word: int) -> int | None:
    if text in words:
        return words.index(text) + first_word
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None  # noqa: PLR2004
