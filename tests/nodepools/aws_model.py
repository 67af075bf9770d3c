"""What AWS's own model of its API says against the parameters of a call."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator


@cache
def model(service: str, operation: str) -> Any:
    return botocore.session.get_session().get_service_model(service).operation_model(operation)


def refusal(service: str, operation: str, parameters: dict[str, Any]) -> str:
    """What the API's model says against the parameters, unknown keys, enums and patterns too."""
    shape = model(service, operation).input_shape
    report = ParamValidator().validate(parameters, shape)
    return report.generate_report() + "".join(_beyond_botocore(parameters, shape, ""))


def _beyond_botocore(value: Any, shape: Any, path: str) -> Iterator[str]:
    """Yields values outside an enum or above a maximum, which botocore leaves to the service."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for key, item in value.items():
            if key in shape.members:
                yield from _beyond_botocore(item, shape.members[key], f"{path}.{key}")
    elif shape.type_name == "list" and isinstance(value, list):
        for item in value:
            yield from _beyond_botocore(item, shape.member, f"{path}[]")
    elif shape.type_name == "string":
        enum = getattr(shape, "enum", [])
        if enum and value not in enum:
            yield f"{path}: {value!r} is none of {enum}"
        if len(value) > shape.metadata.get("max", len(value)):
            yield f"{path}: {value!r} is too long"
    elif shape.type_name == "integer" and value > shape.metadata.get("max", value):
        yield f"{path}: {value} is too large"
