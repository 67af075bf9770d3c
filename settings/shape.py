"""Reads plain data into a model and says everything that is wrong with its shape.

Rules that go beyond types and keys can only be checked on data of the right shape. So that they are
reported together with mistakes of shape, `repaired` puts the latter right, as far as they allow.
"""

import copy
import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from preloader.plain import Map, is_map
from preloader.problems import Problem

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[str | int, ...]

_MISSING = "missing"
_UNKNOWN_KEY = "extra_forbidden"
_WRONG_KIND = ("union_tag_invalid", "union_tag_not_found")
_SHAPES = {
    "model_type": "must be a map",
    "dict_type": "must be a map",
    "list_type": "must be a list",
    "string_type": "must be a string; quote it",
}
_COERCED = ("string_type", "int_type", "enum", "literal_error")
_EMPTY: Map = {"string": "", "integer": 0, "boolean": False, "array": [], "object": {}}
# Each repair may uncover the lack of a key one level up; no stack file is nested deeper.
_REPAIR_ROUNDS = 12


@dataclass(slots=True)
class Repaired:
    """Data in the right shape, if `valid`, and the places where it is not as written."""

    raw: Map
    valid: bool = False
    changed: set[str] = field(default_factory=set[str])
    changed_below: set[str] = field(default_factory=set[str])

    def is_as_written(self, path: str) -> bool:
        """Whether a rule broken at `path` is the author's doing and not the repair's.

        Rules compare a value with its neighbours, so those of an invented value are not judged.
        """
        parent, _, last = path.rpartition(".")
        is_key = "[" not in last
        return not (path in self.changed or (is_key and parent in self.changed_below))


def read(model: type[Model], raw: Map) -> Model:
    """Returns the model of `raw`; raises pydantic's ValidationError.

    Through JSON, since strict mode takes a string for an enum there alone.
    """
    return model.model_validate_json(json.dumps(raw))


def shape_problems(model: type[BaseModel], raw: Map) -> list[Problem]:
    """Returns a problem for every place where `raw` has not the shape of `model`."""
    return [_problem(model, raw, error) for error in _errors(model, raw)]


def repaired(model: type[BaseModel], raw: Map) -> Repaired:
    """Returns a copy of `raw` with the shape of `model`, wherever one can be made of it."""
    result = Repaired(copy.deepcopy(raw))
    for _ in range(_REPAIR_ROUNDS):
        errors = _errors(model, result.raw)
        if not errors:
            result.valid = True
            return result
        # From the back, so that the indexes of a list stay right while elements are removed.
        for error in reversed(errors):
            _repair(result, model, error)
    return result


def path_text(location: Location) -> str:
    """Writes a location as people do: `pools.ml.images[2]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def value_at(raw: Any, location: Location) -> Any:  # noqa: ANN401 any plain data
    """Returns what stands at `location`; raises LookupError where nothing does."""
    for part in location:
        if not isinstance(raw, dict | list):
            raise LookupError(part)  # noqa: TRY004 nothing stands there
        raw = cast("Any", raw)[part]
    return raw


def _value_or_none(raw: Map, location: Location) -> object:
    try:
        return value_at(raw, location)
    except LookupError:
        return None


def _repair(result: Repaired, model: type[BaseModel], error: ErrorDetails) -> None:
    location = _location(error)
    schema_type = _schema_at(model, result.raw, location).get("type")
    replacement = _replacement(model, result.raw, error, schema_type)
    try:
        parent = value_at(result.raw, location[:-1])
        if replacement is None:
            del parent[location[-1]]
        else:
            parent[location[-1]] = replacement
    except LookupError:
        # An earlier repair of this round took it away.
        return
    path, parent_path = path_text(location), path_text(location[:-1])
    result.changed.add(path)
    if error["type"] == _UNKNOWN_KEY or (error["type"] in _COERCED and replacement is not None):
        return
    if replacement is None and schema_type == "object":
        # One fewer of a kind, of which there may have to be some.
        result.changed.add(parent_path)
    if schema_type not in ("array", "object"):
        result.changed_below.add(parent_path)


def _replacement(
    model: type[BaseModel], raw: Map, error: ErrorDetails, schema_type: str | None
) -> object | None:
    """Returns what stands in for a wrong or missing value; None where it is to be left out."""
    match error["type"]:
        case "string_type" | "int_type" if (coerced := _coerced(error)) is not None:
            return coerced
        case "string_type" | "dict_type" | "model_type" if isinstance(error["loc"][-1], int):
            return _element(error)
        case "enum" | "literal_error":
            return re.findall(r"'([^']*)'", error.get("ctx", {}).get("expected", ""))[0]
        case "missing":
            return copy.deepcopy(_EMPTY.get(schema_type or ""))
        case kind if kind in _WRONG_KIND:
            # The last kind accepts the most.
            return _kinds(model, raw, error)[-1]
        case _:
            return None


def _coerced(error: ErrorDetails) -> str | int | None:
    """Returns a number as a text, or a text as a number, where it is the other that is wanted."""
    value = error["input"]
    if error["type"] == "string_type":
        return str(value).lower() if isinstance(value, (int, float)) else None
    is_number = isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value)
    return int(value) if is_number else None


def _element(error: ErrorDetails) -> object:
    """Returns what stands in for a wrong element of a list.

    It is not taken out: the indexes after it stay right, and a list of nothing else is not found to
    be empty.
    """
    return f"repaired-{error['loc'][-1]}" if error["type"] == "string_type" else dict[str, object]()


def _errors(model: type[BaseModel], raw: Map) -> list[ErrorDetails]:
    try:
        read(model, raw)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _location(error: ErrorDetails) -> Location:
    location = error["loc"]
    if error["type"] in _WRONG_KIND:
        return (*location, "kind")
    # Pydantic puts the member of the tagged union between its key and the keys below.
    if len(location) > 1 and location[0] == "cluster":
        return (location[0], *location[2:])
    return location


def _problem(model: type[BaseModel], raw: Map, error: ErrorDetails) -> Problem:
    location = _location(error)
    value = _value_or_none(raw, location)
    return Problem(path_text(location), value, _accepted(model, raw, error))


def _accepted(model: type[BaseModel], raw: Map, error: ErrorDetails) -> str:
    if error["type"] == _MISSING:
        return "is missing, and required"
    if error["type"] in _WRONG_KIND:
        return f"must be one of {', '.join(_kinds(model, raw, error))}"
    if error["type"] == _UNKNOWN_KEY:
        known = _schema_at(model, raw, _location(error)[:-1]).get("properties", {})
        return f"unknown key; known: {', '.join(sorted(known))}"
    return _SHAPES.get(error["type"]) or error["msg"].replace("Input should be", "must be")


def _kinds(model: type[BaseModel], raw: Map, error: ErrorDetails) -> list[str]:
    return list(_schema_at(model, raw, error["loc"])["discriminator"]["mapping"])


@cache
def _schema(model: type[BaseModel]) -> Map:
    # To make it takes longer than everything else that a mistake needs.
    return model.model_json_schema()


def _schema_at(model: type[BaseModel], raw: Map, location: Location) -> Map:
    """Returns the JSON schema of what may stand at `location`."""
    schema = _schema(model)
    definitions = schema.get("$defs", {})

    def resolve(node: Map, value: object) -> Map:
        if "$ref" in node:
            return resolve(definitions[node["$ref"].rpartition("/")[2]], value)
        if "discriminator" in node and is_map(value):
            kind = node["discriminator"]["mapping"].get(str(value.get("kind")))
            return resolve({"$ref": kind}, value) if kind else node
        for member in node.get("anyOf", []):
            if member.get("type") != "null":
                return resolve(member, value)
        return node

    for depth, part in enumerate(location):
        value = _value_or_none(raw, location[: depth + 1])
        below = (
            schema.get("items")
            if isinstance(part, int)
            else schema.get("properties", {}).get(part, schema.get("additionalProperties"))
        )
        schema = resolve(below or {}, value)
    return schema
