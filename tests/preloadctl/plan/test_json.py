"""The JSON has every field of the model, and the page that documents it has every field too."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from preloadctl.plan.formats.json import VERSION, page
from tests.preloadctl.plan.example import PLAN, REFUSED

DOCUMENTATION = Path("docs") / "plan-json.md"


def paths(value: object, path: str = "") -> Iterator[str]:
    """The fields below a section, as the documentation writes them; a list of texts is a leaf."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        if not value:
            yield path
        for item in value:
            yield from paths(item, f"{path}[]")
    else:
        yield path


def test_every_field_is_documented_where_it_is(pytestconfig: pytest.Config) -> None:
    text = (pytestconfig.rootpath / DOCUMENTATION).read_text(encoding="utf-8")
    first, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    by_section = {section.partition("\n")[0].strip("`[]"): section for section in sections}
    content = {**json.loads(page(PLAN)), "refusals": json.loads(page(REFUSED))["refusals"]}
    for name, value in content.items():
        assert f"`{name}" in first
        documented = re.findall(r"`([^`]+)`", by_section.get(name, first))
        prefix = "" if name in by_section else f"{name}."
        items = value if isinstance(value, list) else [value]
        found = {path for item in items for path in paths(item) if path}
        missing = {
            path
            for path in found
            if f"{prefix}{path}" not in documented
            and not any(known.startswith(f"{prefix}{path}") for known in documented)
        }
        assert missing == set(), name


def test_keys_are_in_the_order_of_the_model_and_the_version_is_first() -> None:
    content = json.loads(page(PLAN))
    assert next(iter(content)) == "version"
    assert content["version"] == VERSION == 1
    assert [*content["pools"][0]][:3] == ["name", "architecture", "mode"]


def test_times_are_in_milliseconds() -> None:
    pool = next(pool for pool in PLAN.pools if pool.times)
    assert pool.times
    times = replace(pool.times, lanes_seconds=1 / 3)
    content = json.loads(page(replace(PLAN, pools=(replace(pool, times=times),))))
    assert content["pools"][0]["times"]["lanes_seconds"] == 0.333


def test_what_is_not_known_is_null() -> None:
    (pool,) = [pool for pool in PLAN.pools if pool.lanes and pool.times is None][:1]
    content = json.loads(page(replace(PLAN, pools=(pool,))))
    assert content["pools"][0]["times"] is None
