"""What the sections of the page are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from nodepools.changes import Effect
from preloadctl.plan.formats.drawing.markup import Child, element

# What it costs, beside the words that say it.
EFFECT_CLASSES = {
    Effect.REPLACES_GROUP: "effect-bad",
    Effect.ROLLS_NODES: "effect-warning",
    Effect.ROLLS_NODES_NOT_ALLOWED: "effect-warning",
    Effect.ROLLS_NODES_IF_RESIZED: "effect-warning",
    Effect.IN_PLACE: "effect-none",
    Effect.NOT_TAKEN: "effect-none",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, and the class of its cells."""

    name: str
    class_: str = "text"


NUMBER, NAME, CODE, PROSE = "number", "name", "code", "prose"


def table(name: str, columns: Sequence[Column], rows: Iterable[Sequence[Child]]) -> Element:
    """Returns a table that scrolls by itself where the page is narrower."""
    head = element(
        "tr", *(element("th", each.name, scope="col", class_=each.class_) for each in columns)
    )
    body = (
        element(
            "tr",
            *(
                element("td", cell, class_=column.class_)
                for column, cell in zip(columns, row, strict=True)
            ),
        )
        for row in rows
    )
    return element(
        "div",
        element("table", element("thead", head), element("tbody", *body)),
        class_="scroll",
        role="region",
        aria_label=name,
        # So that a keyboard scrolls it too.
        tabindex="0",
    )


def facts(pairs: Iterable[tuple[str, str]]) -> Element:
    """Returns names and values beside each other, as many as there is room for."""
    return element(
        "dl",
        *(element("div", element("dt", name), element("dd", value)) for name, value in pairs),
        class_="facts",
    )


def references(images: Iterable[str]) -> Element:
    """Returns a list of images."""
    return element("ul", *(element("li", code(image)) for image in images), class_="references")


def code(text: str) -> Element:
    """Returns a name or a value as it is written in a file."""
    return element("code", text)


def paragraph(*children: Child, class_: str = "said") -> Element:
    """Returns a paragraph."""
    return element("p", *children, class_=class_)


def effect(of: Effect) -> Element:
    """Returns what a change does to the nodes."""
    return element("span", of.value, class_=EFFECT_CLASSES[of])
