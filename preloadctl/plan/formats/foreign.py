"""A plan whose texts are fit to show, whoever wrote them: users, registries or programs."""

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar, cast

from preloadctl.plan.model import SettingsFile
from preloader.printable import printable, shortened

# No honest text of a plan is longer, and a comment has an end. The JSON has all of it.
MOST_OF_A_TEXT = 2000

Part = TypeVar("Part")


def fit_to_show(part: Part) -> Part:
    """Returns a plan, or a part of one, each of whose texts is one line without controls.

    A file has lines, which stay.
    """
    return cast("Part", _fit(part))


def _fit(part: Any) -> Any:  # noqa: ANN401 any part of the model
    if isinstance(part, SettingsFile):
        lines = map(printable, part.text.split("\n"))
        return SettingsFile(name=_line(part.name), text="\n".join(lines))
    if isinstance(part, str) and not isinstance(part, Enum):
        return _line(part)
    if isinstance(part, tuple):
        return tuple(map(_fit, cast("tuple[Any, ...]", part)))
    if is_dataclass(part) and not isinstance(part, type):
        return replace(part, **{each.name: _fit(getattr(part, each.name)) for each in fields(part)})
    return part


def _line(text: str) -> str:
    return shortened(printable(text), MOST_OF_A_TEXT)
