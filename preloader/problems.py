"""What is wrong with an input, said so that a person can put it right."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


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
        return f"{self.path}: {json.dumps(self.value, default=str)}: {self.accepted}"


class InvalidInput(ValueError):
    """What cannot be used, the `subject`, and every problem of it."""

    def __init__(self, subject: str, problems: Iterable[Problem]) -> None:
        self.subject = subject
        self.problems = tuple(problems)
        lines = "".join(f"\n  {problem}" for problem in self.problems)
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


def check_keys(
    path: str, value: Mapping[str, object], accepted: Iterable[str]
) -> Iterator[Problem]:
    """Yields a problem for each key of `value` that is none of `accepted`."""
    known = sorted(accepted)
    for key in value:
        if key not in known:
            yield Problem(join(path, key), value[key], f"unknown key; known: {', '.join(known)}")
