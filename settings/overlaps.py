"""Pools whose preloaders would run on each other's nodes, found without comparing each with all."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from preloader.args import Tolerate
from preloader.nodes import TaintArgs, TaintEffect
from preloader.problems import Problem
from settings.models import Pool

_Label = tuple[str, str]
_Taint = tuple[str, str, str]
# What a pool's nodes may be asked for: a label, and a taint by its key, value and effect. No label
# stands for any, and no taint for nodes that no taint keeps pods from.
_Trait = tuple[_Label | None, _Taint | None]
_ANY_TAINT_OR_NONE = ("", "", "")


def overlap_problems(pools: Mapping[str, Pool]) -> Iterator[Problem]:
    """Yields a problem for each pool that selects the nodes of another one as well.

    Of two that select each other's, it is the later one's.
    """
    places = {name: place for place, name in enumerate(pools)}
    having = _pools_by_trait(pools)
    for name, pool in pools.items():
        candidates = sorted(_candidates(pool, having), key=places.__getitem__)
        claimed = (
            other
            for other in candidates
            if other != name
            and _claims_nodes_of(pool, pools[other])
            and (places[other] < places[name] or not _claims_nodes_of(pools[other], pool))
        )
        if other := next(claimed, None):
            yield Problem(
                f"pools.{name}.node_labels",
                pool.node_labels,
                f"selects the nodes of pool {other!r} too; give each pool a label or a taint "
                "that tells its nodes from the others",
            )


def _pools_by_trait(pools: Mapping[str, Pool]) -> Mapping[_Trait, list[str]]:
    having: defaultdict[_Trait, list[str]] = defaultdict(list)
    for name, pool in pools.items():
        for label in (None, *pool.node_labels.items()):
            having[label, _ANY_TAINT_OR_NONE].append(name)
            for taint in map(_key, _repelling(pool)) if _repelling(pool) else (None,):
                having[label, taint].append(name)
    return having


def _candidates(pool: Pool, having: Mapping[_Trait, list[str]]) -> set[str]:
    """Returns the pools with a label of this one, and a taint that it tolerates or none."""
    everything = pool.tolerate is Tolerate.EVERYTHING
    taints = {_ANY_TAINT_OR_NONE} if everything else {None, *map(_key, pool.node_taints)}
    by_label = [
        [having.get((label, taint), []) for taint in taints]
        for label in pool.node_labels.items() or (None,)
    ]
    fewest = min(by_label, key=lambda found: sum(map(len, found)))
    return {name for names in fewest for name in names}


def _claims_nodes_of(pool: Pool, other: Pool) -> bool:
    """Whether the preloader of `pool` would run on every node that has what `other` states."""
    selects = pool.node_labels.items() <= other.node_labels.items()
    tolerates = pool.tolerate is Tolerate.EVERYTHING or all(
        taint in pool.node_taints for taint in _repelling(other)
    )
    return selects and tolerates


def _repelling(pool: Pool) -> list[TaintArgs]:
    return [
        taint for taint in pool.node_taints if taint["effect"] != TaintEffect.PREFER_NO_SCHEDULE
    ]


def _key(taint: TaintArgs) -> _Taint:
    return taint["key"], taint.get("value", ""), taint["effect"]
