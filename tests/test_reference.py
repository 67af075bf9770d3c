"""The reference for people has every input of every component, as the types describe it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.provider.experimental.component import ComponentProvider

from nodepools import KarpenterPool, NodePool, NodeSettings
from preloader import ImageCleanup, ImagePreloader, PreloaderNamespace
from tests.support import ROOT

PAGE = ROOT / "docs/reference.md"
COMPONENTS = (
    *(ImagePreloader, ImageCleanup, PreloaderNamespace),
    *(NodePool, KarpenterPool, NodeSettings),
)
HEAD = """\
# Reference: the components' inputs

Made from the types in `preloader/args.py` and `nodepools/`, where each input is described; a test
compares them. Below a pool in a stack file the same keys mean the same; what a stack file has of
its own is in the [README](../README.md#reference-a-pool). Inputs in bold are required.
"""
OURS = "image-preloader:index:"
PLAIN = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
}

Schema = dict[str, Any]


@pytest.fixture(scope="module")
def schema() -> Schema:
    return json.loads(ComponentProvider(list(COMPONENTS), "image-preloader").schema)


def test_the_page_is_what_the_types_say(schema: Schema, pytestconfig: pytest.Config) -> None:
    text = HEAD + "".join(sections(schema))
    if pytestconfig.getoption("--update-golden"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text


def test_no_input_is_missing_and_each_has_its_name_in_python(schema: Schema) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for component in COMPONENTS:
        found = schema["resources"][f"{OURS}{component.__name__}"]["inputProperties"]
        section = page.partition(f"\n## {component.__name__}\n")[2].partition("\n## ")[0]
        named = re.findall(r"^\| \**`(\w+)`", section, re.MULTILINE)
        assert len(named) == len(found)
        inputs = component.__init__.__annotations__["args"].__annotations__
        assert set(named) == set(inputs)


def sections(schema: Schema) -> Iterator[str]:
    """Yields the text of each component, and then of each type that their inputs name."""
    for component in COMPONENTS:
        resource = schema["resources"][f"{OURS}{component.__name__}"]
        yield f"\n## {component.__name__}\n\n"
        yield from table(resource["inputProperties"], resource.get("requiredInputs", []))
    for token, definition in sorted(schema["types"].items()):
        yield f"\n## {token.removeprefix(OURS)}\n\n"
        if "enum" in definition:
            yield f"{one_line(definition['description'])}\n\n| value | |\n|---|---|\n"
            for value in definition["enum"]:
                yield f"| `{value['value']}` | {one_line(value.get('description') or '')} |\n"
        else:
            yield from table(definition["properties"], definition.get("required", []))


def table(properties: Schema, required: list[str]) -> Iterator[str]:
    """Yields a row for each property, in the order of the types."""
    yield "| input | takes | |\n|---|---|---|\n"
    for name, field in properties.items():
        mark = "**" if name in required else ""
        description = one_line(field["description"])
        yield f"| {mark}`{in_python(name)}`{mark} | {kind(field)} | {description} |\n"


def kind(field: Schema) -> str:
    """What a property takes, in words, with a link to a type of ours."""
    if "$ref" in field:
        name = field["$ref"].rpartition(":")[2]
        return f"[{name}](#{name.lower()})"
    if field["type"] == "array":
        return f"list of {kind(field['items'])}"
    if field["type"] == "object":
        return f"map of {kind(field['additionalProperties'])}"
    return PLAIN[field["type"]]


def in_python(name: str) -> str:
    """Returns a property's name as Python and stack files have it."""
    return re.sub(r"(?<!^)([A-Z])", lambda match: f"_{match[1].lower()}", name)


def one_line(text: str) -> str:
    """Returns a description as a cell of a table takes it."""
    return " ".join(text.split()).replace("|", r"\|")
