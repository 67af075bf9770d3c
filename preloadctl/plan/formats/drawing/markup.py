"""Elements of HTML and SVG: names and texts of other people are escaped wherever they are put."""

from typing import Literal
from xml.etree.ElementTree import Element, indent, tostring

Child = Element | str | None


def element(tag: str, *children: Child, **attributes: str) -> Element:
    """Returns an element; `class_` and `aria_label` are written `class` and `aria-label`."""
    made = Element(
        tag,
        {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()},
    )
    for child in children:
        if isinstance(child, Element):
            made.append(child)
        elif child is not None and len(made):
            made[-1].tail = (made[-1].tail or "") + child
        elif child is not None:
            made.text = (made.text or "") + child
    return made


def html_text(root: Element) -> str:
    """The text of a whole HTML document."""
    return f"<!doctype html>\n{_text(root, 'html')}"


def svg_text(root: Element) -> str:
    """The text of an SVG file, which is well-formed XML."""
    return _text(root, "xml")


def _text(root: Element, method: Literal["html", "xml"]) -> str:
    indent(root, space=" ")
    return f"{tostring(root, encoding='unicode', method=method).rstrip()}\n"
