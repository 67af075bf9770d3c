"""From the inputs that people write to the dataclasses that the rest of the package uses."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def from_args(spec: type[T], args: Mapping[str, object]) -> T:
    """Returns the spec with the values of `args` and its own defaults for what they leave out.

    Keys that are no field are passed over: check_keys reports them.
    """
    known = {field.name for field in fields(spec)}
    return cast("Any", spec)(**{key: value for key, value in args.items() if key in known})
