"""What the cleanup may do on the nodes of one pool: checked as a whole, then unchangeable.

The program that makes the plan and the agent on the node check by the same rules.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast

from preloader.agent.files import read_text
from preloader.agent.schedule import InvalidSchedule, load_zone, parse_schedule
from preloader.images import InvalidReference, Reference, parse_reference
from preloader.problems import InvalidInput, Problem, check_keys

DAY_SECONDS = 86_400
MAX_KEEP_VERSIONS = 1000
MAX_MINIMUM_AGE_SECONDS = 365 * DAY_SECONDS
# Those below take a capability, which the agent does not have.
MIN_PORT, MAX_PORT = 1024, 65_535
# https://kubernetes.io/docs/reference/networking/ports-and-protocols/
_TAKEN_PORTS = {
    10248: "the kubelet",
    10249: "kube-proxy",
    10250: "the kubelet",
    10255: "the kubelet",
    10256: "kube-proxy",
}
# An image reference has fewer characters: a name 255, a tag 128, a digest 135.
MAX_GLOB_LENGTH = 512
WATER_MARKS_APART = 10
# The pool names a file on the node, and a node pool is a Kubernetes name.
_POOL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


class ReportFormat(StrEnum):
    """How the report is written: for programs, or for a person."""

    JSON = "json"
    TEXT = "text"


class MetricsAddress(StrEnum):
    """Where the metrics are: on the node's address, or for `kubectl port-forward` alone."""

    NODE = "node"
    LOOPBACK = "loopback"


class InvalidPolicy(InvalidInput):
    """A policy with one or more mistakes; it carries all of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__("the policy", problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy that passed every check: building one raises InvalidPolicy otherwise."""

    pool: str
    """Name of the node pool; agents of different pools on one node remember apart."""
    images: tuple[str, ...] = ()
    """The images that the pool preloads, as its stack file writes them: never removed."""
    keep_versions: int = 2
    """How many versions of a repository stay, newest first."""
    minimum_age_seconds: int = 3600
    """How long an image stays after it appeared on the node. An hour outlasts the pull of a large
    image whose pod waits for a second one; the kubelet's own two minutes do not."""
    protect: tuple[str, ...] = ()
    """Globs over references, normalised (`docker.io/library/nginx:1.25`) or short (`nginx:1.25`),
    and over repositories (`ghcr.io/acme/*`): what they match is never removed."""
    schedule: str = "0 3 * * *"
    """When the cleanup runs: a cron expression of five fields, or `@daily` and the like."""
    time_zone: str = "UTC"
    """The IANA time zone of the schedule."""
    jitter_seconds: int = 600
    """The longest delay after the schedule; each node has its own, always the same."""
    high_water_percent: int | None = 80
    """The used part of the image file system above which the cleanup runs at once; null: never."""
    low_water_percent: int | None = None
    """Where a cleanup that `high_water_evicts` stops; null: ten below high water."""
    high_water_evicts: bool = False
    """Above high water, whether unused images among the newest versions may go as well."""
    dry_run: bool = False
    """Whether to report what would be removed, and remove nothing."""
    report: ReportFormat = ReportFormat.JSON
    metrics_port: int | None = None
    """The port of the metrics and health endpoint; null: none."""
    metrics_address: MetricsAddress = MetricsAddress.NODE
    """Where that listens."""
    image_filesystem: str | None = None
    """A path on the file system that holds the images. Null: the runtime's own directory where it
    can be seen, else the container's root, which overlayfs keeps on that file system."""
    eviction_percent: int | None = None
    """The used part of the disk at which the kubelet evicts; high water must be below it."""

    def __post_init__(self) -> None:
        if problems := find_problems({name: getattr(self, name) for name in _KEYS}):
            raise InvalidPolicy(problems)

    @property
    def low_water(self) -> int:
        """The low water mark in percent."""
        if self.low_water_percent is not None:
            return self.low_water_percent
        return max(0, (self.high_water_percent or 0) - WATER_MARKS_APART)

    def as_mapping(self) -> dict[str, Any]:
        """Returns the policy as its file holds it: `Policy.from_mapping` takes it back."""
        values = {name: getattr(self, name) for name in _KEYS}
        return {key: list(value) if key in _LISTS else value for key, value in values.items()}

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> "Policy":
        """Raises InvalidPolicy with every mistake in `data`."""
        if problems := find_problems(data):
            raise InvalidPolicy(problems)
        values: dict[str, Any] = {
            key: tuple(value) if key in _LISTS else value for key, value in data.items()
        }
        for key, choice in _CHOICES.items():
            values[key] = choice(values.get(key, _DEFAULTS[key]))
        return cls(**values)


_KEYS = tuple(field.name for field in fields(Policy))
_LISTS = frozenset({"images", "protect"})
_CHOICES: Mapping[str, type[StrEnum]] = {"report": ReportFormat, "metrics_address": MetricsAddress}
_DEFAULTS = {field.name: field.default for field in fields(Policy)}


def read_policy(path: str) -> Policy:
    """Returns the policy in the JSON file at `path`. Raises InvalidPolicy."""
    try:
        data: object = json.loads(read_text(Path(path)))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"not JSON: {error}"
        raise InvalidPolicy([Problem(path, reason, "must be a readable JSON file")]) from None
    if not isinstance(data, dict):
        raise InvalidPolicy([Problem(path, data, "must be a JSON object")])
    return Policy.from_mapping(cast("dict[str, Any]", data))


def find_problems(data: Mapping[str, Any], eviction_percent: int | None = None) -> list[Problem]:
    """Returns every mistake in `data`, the policy as its file holds it.

    `eviction_percent` is the kubelet's line where the caller knows it and `data` does not say it.
    """
    return _Check(data, eviction_percent).problems


class _Check:
    def __init__(self, data: Mapping[str, Any], eviction_percent: int | None) -> None:
        self.problems = [*check_keys("", data, _KEYS)]
        self._data = {**_DEFAULTS, "eviction_percent": eviction_percent, **data}
        self._pool()
        self._images()
        self._integer("keep_versions", 1, MAX_KEEP_VERSIONS)
        self._integer("minimum_age_seconds", 0, MAX_MINIMUM_AGE_SECONDS)
        self._protect()
        self._schedule()
        self._integer("jitter_seconds", 0, DAY_SECONDS)
        self._water_marks()
        self._boolean("dry_run")
        for key, choice in _CHOICES.items():
            if self._data[key] not in tuple(choice):
                self._add(key, self._data[key], " or ".join(f"'{each}'" for each in choice))
        self._metrics()
        self._image_filesystem()

    def _add(self, path: str, value: object, accepted: str) -> None:
        self.problems.append(Problem(path, value, f"must be {accepted}"))

    def _pool(self) -> None:
        pool = self._data.get("pool")
        if not isinstance(pool, str) or not _POOL.fullmatch(pool):
            self._add("pool", pool, "a name of at most 63 letters, digits, '-', '_' or '.'")

    def _images(self) -> None:
        for path, image in self._texts("images"):
            try:
                parse_reference(image)
            except InvalidReference as error:
                self._add(path, image, f"an image reference: {error}")

    def _protect(self) -> None:
        for path, glob in self._texts("protect"):
            if not glob:
                self._add(path, glob, "a glob over image references, such as 'ghcr.io/acme/*'")
            elif len(glob) > MAX_GLOB_LENGTH:
                self._add(path, glob, f"a glob of at most {MAX_GLOB_LENGTH} characters")
            elif all(_any_matches(names, (glob,)) for names in _ANY_IMAGES):
                self._add(path, glob, "a glob that does not protect every image")

    def _schedule(self) -> None:
        schedule, time_zone = self._data["schedule"], self._data["time_zone"]
        try:
            parse_schedule(schedule if isinstance(schedule, str) else "")
        except InvalidSchedule as error:
            self._add("schedule", schedule, str(error))
        try:
            load_zone(time_zone if isinstance(time_zone, str) else "")
        except InvalidSchedule as error:
            self._add("time_zone", time_zone, str(error))

    def _water_marks(self) -> None:
        evicts = self._boolean("high_water_evicts")
        high = self._integer("high_water_percent", 1, 100, or_null=True)
        low = self._integer("low_water_percent", 0, 99, or_null=True)
        line = self._integer("eviction_percent", 1, 100, or_null=True)
        if high is not None and low is not None and low >= high:
            self._add("low_water_percent", low, f"less than high_water_percent ({high})")
        if high is not None and line is not None and high >= line:
            accepted = f"less than {line}, the used percentage at which the kubelet evicts"
            self._add("high_water_percent", high, accepted)
        if evicts and self._data["high_water_percent"] is None:
            self._add("high_water_evicts", value=True, accepted="false without high_water_percent")

    def _metrics(self) -> None:
        port = self._integer("metrics_port", MIN_PORT, MAX_PORT, or_null=True)
        if port in _TAKEN_PORTS:
            self._add("metrics_port", port, f"another port: {_TAKEN_PORTS[port]} listens on it")

    def _image_filesystem(self) -> None:
        path = self._data["image_filesystem"]
        if path is not None and not (isinstance(path, str) and path.startswith("/")):
            self._add("image_filesystem", path, "an absolute path, or null")

    def _texts(self, key: str) -> list[tuple[str, str]]:
        value: object = self._data[key]
        if not isinstance(value, list | tuple):
            self._add(key, value, "a list of texts")
            return []
        texts: list[tuple[str, str]] = []
        for index, item in enumerate(cast("list[object]", value)):
            path = f"{key}[{index}]"
            if isinstance(item, str):
                texts.append((path, item))
            else:
                self._add(path, item, "a text")
        return texts

    def _integer(self, key: str, least: int, most: int, *, or_null: bool = False) -> int | None:
        """Returns the value where it is an acceptable number."""
        value = self._data[key]
        if value is None and or_null:
            return None
        # To Python, true is the number 1.
        if type(value) is int and least <= value <= most:
            return value
        self._add(key, value, f"a whole number from {least} to {most}{' or null' * or_null}")
        return None

    def _boolean(self, key: str) -> bool:
        value = self._data[key]
        if not isinstance(value, bool):
            self._add(key, value, "true or false")
        return value is True


def matches(reference: Reference, globs: tuple[str, ...]) -> bool:
    """Returns whether any of `globs` protects the image that has this reference."""
    return bool(globs) and _any_matches(_spellings(reference), globs)


def _spellings(reference: Reference) -> list[str]:
    """Every way to write the reference that a glob may mean."""
    full = [reference.name, str(reference)]
    short = [text.removeprefix("docker.io/").removeprefix("library/") for text in full]
    return full + short + [text.removeprefix("docker.io/") for text in full]


def _any_matches(texts: list[str], globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(text, glob) for glob in globs for text in texts)


def _every_spelling(name: str, tag: str, digit: str) -> list[str]:
    references = (f"{name}:{tag}", f"{name}@sha256:{digit * 64}")
    return [text for text in references for text in _spellings(parse_reference(text))]


# Three images with nothing in common: a glob that matches all three matches any.
_ANY_IMAGES = (
    _every_spelling("docker.io/library/a", "1", "a"),
    _every_spelling("x.test:5000/y/z", "v-2", "5"),
    _every_spelling("ghcr.io/q/w", "latest", "0"),
)
