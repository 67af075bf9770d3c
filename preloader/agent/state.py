"""What the agent remembers of its node: the lists of images, when images appeared, the last run."""

import contextlib
import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from preloader.agent.files import read_text
from preloader.agent.policy import DAY_SECONDS

FORMAT = 1
# An agent that is alive writes every quarter of an hour.
ABANDONED_SECONDS = 7 * DAY_SECONDS
# No node lives longer, so that a time beyond that is a mistake.
_LONGEST_SECONDS = 3650 * DAY_SECONDS
_UNFINISHED = ".new"
# What a file can be made to raise that is JSON but not what the agent writes, or no JSON at all.
_NOT_OURS = (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)
_YEAR_9999 = 253_370_764_800
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Returns what tells this boot of the node from any other; empty when it cannot be told."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


@dataclass(slots=True)
class Memory:
    """One pool's memory on one node, kept in `directory` and, where that fails, in the process."""

    directory: str
    pool: str
    current: tuple[str, ...] = ()
    previous: tuple[str, ...] | None = ()
    """The list before the current one; None when it cannot be known."""
    last_run: float | None = None
    """The time of day, in seconds since 1970, at which the last run was completed."""
    first_seen: dict[str, float] = field(default_factory=dict[str, float])
    """By image ID the node's uptime at which the image was first seen, in seconds.

    Negative where that was before this boot.
    """
    problems: dict[str, str] = field(default_factory=dict[str, str])
    """What keeps the memory from lasting, by what was tried."""

    @property
    def lists_known(self) -> bool:
        """Whether the previous list is known; whether it can be written changes nothing here."""
        return self.previous is not None

    @property
    def path(self) -> Path:
        return Path(self.directory, f"{self.pool}.json")

    def load(self) -> None:
        """Reads what an earlier process kept; a file that cannot be read is one of the problems."""
        try:
            self._take(json.loads(read_text(self.path)))
        except FileNotFoundError:
            if not self.path.parent.is_dir():
                self._forget(f"{self.directory} is not there")
        except OSError as error:
            self._forget(f"{self.path}: {error.strerror}")
        except _NOT_OURS as error:
            self._forget(f"{self.path}: {type(error).__name__}: {error}")

    def use_list(self, images: Iterable[str]) -> None:
        """Makes `images` the current list; the one before becomes previous if it differs."""
        wanted = tuple(sorted(set(images)))
        if wanted != self.current:
            # An empty list replaces nothing: what was known before it stays known.
            if self.current:
                self.previous = self.current
            self.current = wanted

    def note_images(self, image_ids: Iterable[str], now: float) -> None:
        """Remembers which images are there at the uptime `now`, and forgets those that are gone."""
        known = self.first_seen
        self.first_seen = {
            image: seen if -_LONGEST_SECONDS <= (seen := known.get(image, now)) <= now else now
            for image in image_ids
        }

    def ages(self, now: float) -> dict[str, float]:
        """Returns by image ID for how many seconds, at least, the image has been on the node."""
        return {image: now - seen for image, seen in self.first_seen.items()}

    def save(self) -> None:
        """Writes the memory at once and whole, or notes the problem."""
        data = {
            "format": FORMAT,
            "current": self.current,
            "previous": self.previous,
            "last_run": self.last_run,
            "boot_id": boot_id(),
            "first_seen": self.first_seen,
        }
        self.problems.pop("write", None)
        # Every agent has the same process ID, in a container of its own.
        temporary = Path(f"{self.path}.{os.urandom(4).hex()}{_UNFINISHED}")
        try:
            with temporary.open("w", encoding="utf-8") as file:
                json.dump(data, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as error:
            self.problems["write"] = f"{self.path}: {error.strerror}"
            with contextlib.suppress(OSError):
                temporary.unlink()

    def lists_of_other_pools(self) -> tuple[str, ...]:
        """Returns the images that agents of other pools on this node keep."""
        images: set[str] = set()
        with contextlib.suppress(OSError):
            for path in self.path.parent.glob("*.json"):
                if path != self.path:
                    images.update(_lists_in(path))
        return tuple(sorted(images))

    def _take(self, data: dict[str, Any]) -> None:
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']!r} is not {FORMAT}")
        current = _texts(data["current"])
        previous = None if data["previous"] is None else _texts(data["previous"])
        last_run = None if data["last_run"] is None else float(data["last_run"])
        if last_run is not None and not 0 <= last_run < _YEAR_9999:
            raise ValueError(f"last run at {last_run}")
        times = {str(image): float(seen) for image, seen in data["first_seen"].items()}
        first_seen = {image: seen for image, seen in times.items() if abs(seen) <= _LONGEST_SECONDS}
        self.first_seen = _in_this_boot(first_seen, str(data["boot_id"]))
        self.current, self.previous, self.last_run = current, previous, last_run

    def _forget(self, problem: str) -> None:
        self.problems["read"] = problem
        self.previous = None


def _in_this_boot(first_seen: dict[str, float], boot: str) -> dict[str, float]:
    if not boot or not boot_id():
        # Whether it is the same boot is not known, and an uptime of another one means nothing.
        return {}
    if boot == boot_id():
        return first_seen
    # What was there before this boot has been there since its beginning, and longer by as much as
    # it was seen before others: so they stay in the order in which they appeared.
    seen_last = max([0.0, *first_seen.values()])
    return {image: seen - seen_last for image, seen in first_seen.items()}


def _lists_in(path: Path) -> tuple[str, ...]:
    try:
        if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
            return ()
        data: Any = json.loads(read_text(path))
        return (*_texts(data["current"]), *_texts(data["previous"] or ()))
    except (OSError, *_NOT_OURS):
        return ()


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError("a list was expected")
    return tuple(str(item) for item in cast("list[object]", value))
