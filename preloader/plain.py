"""Plain data, as JSON and YAML give it: maps with string keys, lists and leaves."""

from collections.abc import Callable, Iterator
from typing import Any, TypeGuard

Map = dict[str, Any]


def is_map(value: object) -> TypeGuard[Map]:
    """Whether `value` is a map."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether `value` is a list."""
    return isinstance(value, list)


def map_or_empty(value: object) -> Map:
    """Returns `value` where it is a map, else an empty one."""
    return value if is_map(value) else {}


def maps_in(value: object) -> list[Map]:
    """Returns the maps of a list; none where `value` is no list."""
    return [item for item in value if is_map(item)] if is_list(value) else []


def below(value: object) -> Iterator[Any]:
    """Yields what a map or a list holds; nothing for a leaf."""
    if is_map(value):
        yield from value.values()
    elif is_list(value):
        yield from value


def any_below(value: object, condition: Callable[[object], bool]) -> bool:
    """Whether `value`, or anything below it, meets the condition."""
    return condition(value) or any(any_below(item, condition) for item in below(value))


def replaced(value: Any, replace: Callable[[Any], Any]) -> Any:  # noqa: ANN401 any plain data
    """Returns a copy in which `replace` has been applied to everything, from the top down."""
    value = replace(value)
    if is_map(value):
        return {key: replaced(item, replace) for key, item in value.items()}
    if is_list(value):
        return [replaced(item, replace) for item in value]
    return value
