"""Checks an object against the schema of a CustomResourceDefinition, without an API server.

Rules in CEL are not evaluated, which only an API server does.
"""

from pathlib import Path
from typing import Any, cast

import jsonschema
import yaml


def validate(manifest: dict[str, Any], definition: Path) -> None:
    """Raises jsonschema's ValidationError; a field that the definition lacks is an error too."""
    content = yaml.safe_load(definition.read_text())["spec"]
    api_version = f"{content['group']}/{content['versions'][0]['name']}"
    assert (manifest["apiVersion"], manifest["kind"]) == (api_version, content["names"]["kind"])
    schema = content["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["metadata"] = {"type": "object"}
    jsonschema.validate(manifest, cast("Any", _closed(schema)))


def _closed(schema: object) -> object:
    """The schema with no further keys in its objects, unless it says that there may be any."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in cast("dict[str, Any]", schema).items()}
    if closed.get("x-kubernetes-int-or-string"):
        return {**closed, "type": ["integer", "string"]}
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        return {"additionalProperties": False, **closed}
    return closed
