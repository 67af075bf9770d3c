"""Blocks of a picture that stand one below the other: text in two columns, at a fixed width."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from xml.etree.ElementTree import Element

from preloadctl.plan.formats.drawing.markup import element

WIDTH, MARGIN, NAMES_WIDTH = 880, 24, 112
CHART_LEFT = MARGIN + NAMES_WIDTH
CHART_WIDTH = WIDTH - CHART_LEFT - MARGIN
LINE_HEIGHT = 20
# Of a character at 12 pixels in the widest of the fonts.
CHARACTER_WIDTH = 7.4


@dataclass(frozen=True, slots=True)
class Block:
    """What is drawn from a height of 0 on, in the whole width."""

    elements: tuple[Element, ...]
    height: int


def stacked(blocks: Sequence[Block]) -> Block:
    """Returns the blocks one below the other."""
    tops = accumulate((block.height for block in blocks), initial=0)
    return Block(
        tuple(
            element("g", *block.elements, transform=f"translate(0 {top})")
            for block, top in zip(blocks, tops, strict=False)
        ),
        sum(block.height for block in blocks),
    )


def space(height: int) -> Block:
    """An empty block."""
    return Block((), height)


def lines(name: str, texts: Iterable[str], class_: str = "note") -> Block:
    """Texts in the wide column, the first of them beside a name."""
    placed = [
        text(said, CHART_LEFT, LINE_HEIGHT * (index + 1) - 6, class_)
        for index, said in enumerate(texts)
    ]
    return Block((text(name, MARGIN, LINE_HEIGHT - 6), *placed), LINE_HEIGHT * len(placed))


def wrapped(items: Iterable[str], between: str = ", ") -> list[str]:
    """Returns the items in lines that the wide column has room for."""
    made: list[str] = []
    for item in items:
        joined = f"{made[-1]}{between}{item}" if made else item
        if made and fits(joined, CHART_WIDTH):
            made[-1] = joined
        else:
            made.append(shortened(item))
    return made


def fits(said: str, width: float) -> bool:
    """Whether a text is no wider, in whichever font."""
    return len(said) * CHARACTER_WIDTH <= width


def shortened(said: str, width: float = CHART_WIDTH) -> str:
    """Returns a text that is no wider; at least three characters of it are kept."""
    most = max(4, int(width / CHARACTER_WIDTH))
    return said if len(said) <= most else f"{said[: most - 1]}…"


def text(said: str, left: int, baseline: int, class_: str = "", **attributes: str) -> Element:
    """A line of text."""
    named = {"class": class_} if class_ else {}
    return element("text", said, x=str(left), y=str(baseline), **named, **attributes)
