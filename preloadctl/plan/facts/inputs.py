"""The inputs of components as lines: a path as a stack file has it, and the value as text."""

import json
from collections.abc import Iterator, Mapping

from nodepools.args import NodeGroupKind, NodePoolArgs
from nodepools.changes import CHANGES, Effect
from preloadctl.plan.model import NodeSetting
from preloader.plain import is_list, is_map
from preloader.problems import join


def flattened(path: str, value: object) -> Iterator[tuple[str, str]]:
    """Yields each leaf below `value` by its path; a list is one leaf."""
    if is_map(value):
        for key in sorted(value):
            yield from flattened(join(path, key), value[key])
    else:
        yield path, _text(value)


def node_settings(args: NodePoolArgs) -> tuple[NodeSetting, ...]:
    """Returns what the node group of a pool says, in the order of the table of changes."""
    kind = kind_of(args)
    lines = sorted(flattened("node_group", args["node_group"]), key=lambda line: _rank(line[0]))
    return tuple(
        NodeSetting(path=path, value=value, effect=effect(path, kind)) for path, value in lines
    )


def kind_of(args: NodePoolArgs) -> NodeGroupKind:
    """What makes the nodes of the pool."""
    return NodeGroupKind(args["node_group"].get("kind", NodeGroupKind.MANAGED))


def effect(path: str, kind: NodeGroupKind) -> Effect:
    """What a change of the input does to the nodes of a pool of that kind."""
    return CHANGES[_row(path)].of(kind)


def without(args: Mapping[str, object], *keys: str) -> dict[str, object]:
    """Returns the inputs but for these."""
    return {key: value for key, value in args.items() if key not in keys}


def _row(path: str) -> str:
    """The row of the table of changes that an input belongs to."""
    rows = [row for row in CHANGES if path == row or path.startswith((f"{row}.", f"{row}["))]
    return max(rows, key=len)


def _rank(path: str) -> tuple[int, str]:
    return list(CHANGES).index(_row(path)), path


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if is_list(value) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value, sort_keys=True)
