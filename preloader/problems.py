"""What is wrong with an input, said so that a person can put it right."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from preloader.printable import printable, shortened

# No path, value or reason of an honest mistake is longer.
_MOST_OF_A_VALUE, _MOST_OF_A_REASON = 300, 1000


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it is, the value found there, and what is accepted instead."""

    path: str
    value: object
    accepted: str

    def under(self, parent: str) -> "Problem":
        """Returns the same problem seen from `parent`, such as `pools.ml`."""
        return Problem(join(parent, self.path), self.value, self.accepted)

    def __str__(self) -> str:
        """Returns the problem on one line, each part cut where it is very long."""
        value = shortened(json.dumps(self.value, default=str), _MOST_OF_A_VALUE)
        path = shortened(printable(self.path), _MOST_OF_A_VALUE)
        return f"{path}: {value}: {shortened(printable(self.accepted), _MOST_OF_A_REASON)}"


class InvalidInput(ValueError):
    """What cannot be used, the `subject`, and every problem of it."""

    def __init__(self, subject: str, problems: Iterable[Problem]) -> None:
        self.subject = subject
        self.problems = tuple(problems)
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        subject = shortened(printable(subject), _MOST_OF_A_VALUE)
        super().__init__(f"{subject} cannot be used:{lines}")


def refuse(subject: str, problems: Iterable[Problem]) -> None:
    """Raises InvalidInput if there are any problems."""
    found = tuple(problems)
    if found:
        raise InvalidInput(subject, found)


def join(parent: str, path: str) -> str:
    """Joins two paths: `node_taints[0]` and `effect` make `node_taints[0].effect`."""
    separator = "." if parent and path and not path.startswith("[") else ""
    return f"{parent}{separator}{path}"


def check_range(
    path: str, value: float, lowest: float, highest: float, otherwise: str = ""
) -> Iterator[Problem]:
    """Yields a problem unless lowest <= value <= highest; `otherwise` says what would follow."""
    if not lowest <= value <= highest:
        yield Problem(path, value, f"must be from {lowest} to {highest}{otherwise}")


def check_choice(
    path: str, value: str, choices: type[StrEnum], otherwise: str = ""
) -> Iterator[Problem]:
    """Yields a problem unless `value` is one of `choices`; `otherwise` says what would follow.

    Component inputs that arrive from another language are plain strings, whatever their type says.
    """
    accepted = [choice.value for choice in choices]
    if value not in accepted:
        yield Problem(path, value, f"must be one of {', '.join(accepted)}{otherwise}")


def check_unique(path: str, values: Sequence[str]) -> Iterator[Problem]:
    """Yields a problem for each value that stands in the list before it."""
    first: dict[str, int] = {}
    for index, value in enumerate(values):
        if first.setdefault(value, index) != index:
            yield Problem(f"{path}[{index}]", value, f"is {path}[{first[value]}] already")


def check_keys(
    path: str, value: Mapping[str, object], accepted: Iterable[str]
) -> Iterator[Problem]:
    """Yields a problem for each key of `value` that is none of `accepted`."""
    known = sorted(accepted)
    for key in value:
        if key not in known:
            yield Problem(join(path, key), value[key], f"unknown key; known: {', '.join(known)}")
