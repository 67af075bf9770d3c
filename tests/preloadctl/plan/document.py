"""Reads an HTML document into elements, to look for what it says."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    text: str = ""
    children: list["Element"] = field(default_factory=list["Element"])

    def all(self, tag: str) -> list["Element"]:
        below = [found for child in self.children for found in child.all(tag)]
        return [self, *below] if self.tag == tag else below


class Document(HTMLParser):
    """Elements with the text of all that is below them; what is opened has to be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]
        self.feed(text)
        self.close()
        assert self._open == [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data


def words(element: Element) -> str:
    """What is read of it, style sheets and spaces aside."""
    for style in element.all("style"):
        return " ".join(element.text.replace(style.text, "").split())
    return " ".join(element.text.split())


def rows(root: Element) -> list[list[str]]:
    return [[words(cell) for cell in row.children] for row in root.all("tr")]
