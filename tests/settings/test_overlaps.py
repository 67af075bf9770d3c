"""Pools that would preload onto each other's nodes, against a comparison of each with all."""

import json
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from settings.models import Pool
from settings.overlaps import overlap_problems

LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("12"), max_size=3)
TAINTS = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.sampled_from("xy"),
            "effect": st.sampled_from(("NoSchedule", "PreferNoSchedule", "NoExecute")),
        }
    ),
    max_size=2,
)
POOLS = st.lists(
    st.fixed_dictionaries(
        {
            "node_labels": LABELS,
            "node_taints": TAINTS,
            "tolerate": st.sampled_from(("pool_taints", "pool_taints", "everything")),
        }
    ),
    max_size=6,
).map(
    lambda drawn: {
        f"pool-{index}": Pool.model_validate_json(pool_json(pool))
        for index, pool in enumerate(drawn)
    }
)


def pool_json(pool: Mapping[str, object]) -> str:
    return json.dumps({"images": ["a"], **pool})


def runs_on_nodes_of(pool: Pool, other: Pool) -> bool:
    has_labels = all(other.node_labels.get(key) == value for key, value in pool.node_labels.items())
    kept_out = pool.tolerate != "everything" and any(
        taint["effect"] != "PreferNoSchedule" and taint not in pool.node_taints
        for taint in other.node_taints
    )
    return has_labels and not kept_out


@given(POOLS)
def test_a_pool_that_selects_the_nodes_of_another_is_refused_once(pools: dict[str, Pool]) -> None:
    names = list(pools)
    expected = {
        f"pools.{name}.node_labels"
        for index, name in enumerate(names)
        for place, other in enumerate(names)
        if place != index
        and runs_on_nodes_of(pools[name], pools[other])
        and (place < index or not runs_on_nodes_of(pools[other], pools[name]))
    }
    assert [problem.path for problem in overlap_problems(pools)] == [
        f"pools.{name}.node_labels" for name in names if f"pools.{name}.node_labels" in expected
    ]


def test_the_other_pool_is_named() -> None:
    everywhere = Pool.model_validate_json(pool_json({}))
    labelled = Pool.model_validate_json(pool_json({"node_labels": {"team": "ml"}}))
    (problem,) = overlap_problems({"ml": labelled, "all": everywhere})
    assert problem.path == "pools.all.node_labels"
    assert "of pool 'ml'" in problem.accepted
