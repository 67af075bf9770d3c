"""The formats that a plan can be shown in, each imported only where it is asked for."""

# ruff: noqa: PLC0415 what one format needs, the others should not pay for
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from preloadctl.plan.model import Plan

    Show = Callable[[Plan, TextIO], None]


def _text(plan: "Plan", stream: TextIO) -> None:
    from preloadctl.plan.formats.text.show import show

    show(plan, stream)


def _json(plan: "Plan", stream: TextIO) -> None:
    from preloadctl.plan.formats.json import page

    _write(page(plan), stream)


def _markdown(plan: "Plan", stream: TextIO) -> None:
    from preloadctl.plan.formats.markdown import page

    _write(page(plan), stream)


def _html(plan: "Plan", stream: TextIO) -> None:
    from preloadctl.plan.formats.page.page import page

    _write(page(plan), stream)


def _svg(plan: "Plan", stream: TextIO) -> None:
    from preloadctl.plan.formats.picture.picture import picture

    _write(picture(plan), stream)


def _write(text: str, stream: TextIO) -> None:
    # Programs read these, and expect UTF-8 whatever the terminal's encoding is.
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8")
    stream.write(text)


# Every command reads its names, for the arguments of `plan`.
FORMATS: "Mapping[str, Show]" = {
    "text": _text,
    "json": _json,
    "markdown": _markdown,
    "html": _html,
    "svg": _svg,
}
