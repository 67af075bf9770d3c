"""A plan as JSON: the fields of the model under their names, which docs/plan-json.md describes."""

import json
from dataclasses import fields, is_dataclass
from typing import Any, cast

from preloadctl.plan.model import Plan

# Goes up when a field goes away or means something else; new fields alone do not change it.
VERSION = 1
_DECIMALS = 3


def page(plan: Plan) -> str:
    """Returns the JSON text, its keys in the order of the model."""
    return json.dumps({"version": VERSION, **_members(plan)}, indent=2) + "\n"


def _members(value: Any) -> dict[str, Any]:  # noqa: ANN401 any part of the model
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _plain(value: Any) -> Any:  # noqa: ANN401 any part of the model
    if is_dataclass(value):
        return _members(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in cast("tuple[Any, ...]", value)]
    # Milliseconds: further digits are those of the arithmetic alone.
    return round(value, _DECIMALS) if isinstance(value, float) else value
