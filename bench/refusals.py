"""How long `plan` takes to refuse a stack file with very many mistakes, and how that grows."""

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bench.pairs import Measurement, measure_pairs, process_seconds, summarise
from bench.render import KUBERNETES_IMPORTS
from preloader.problems import InvalidInput
from preloader.yaml_values import read_yaml
from settings.load import parse
from tests.support import copy_program, write_stack

MISTAKES = 1000
# A few and many: unknown keys of one pool, and pools with one mistake each.
KEYS, POOLS = (300, 3000), (30, 300)
REFUSED = 1


def measure(
    runs: int = 5,
    mistakes: int = MISTAKES,
    keys: tuple[int, int] = KEYS,
    pools: tuple[int, int] = POOLS,
) -> list[Measurement]:
    """Returns the ratio of a refusal to the imports that it needs, and of many mistakes to few."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        copy_program(project)
        write_stack(project, "wrong", _settings(_unknown_keys(mistakes)))
        plan = [str(Path(sys.executable).with_name("preloadctl")), "plan", "--stack", "wrong"]
        against_imports = measure_pairs(
            partial(process_seconds, plan, project, exit_code=REFUSED),
            partial(process_seconds, [sys.executable, "-W", "ignore", "-c", KUBERNETES_IMPORTS]),
            runs=runs,
        )
    by_keys, by_pools = (
        measure_pairs(
            partial(_milliseconds_a_mistake, pools_with(many), many),
            partial(_milliseconds_a_mistake, pools_with(few), few),
            runs=runs,
        )
        for pools_with, (few, many) in ((_unknown_keys, keys), (_wrong_pools, pools))
    )
    return [
        summarise(name, pairs, lambda pair: pair.ours_over_other, unit).as_measurement()
        for name, pairs, unit in (
            ("refusal_of_1000_mistakes_over_imports", against_imports, "s"),
            ("refusal_time_a_key_at_3000_over_300", by_keys, "ms a mistake"),
            ("refusal_time_a_pool_at_300_over_30", by_pools, "ms a mistake"),
        )
    ]


def _milliseconds_a_mistake(pools: Mapping[str, object], mistakes: int) -> float:
    """Returns how long it takes to read such a stack file and to write what is wrong with it."""
    text = json.dumps(_settings(pools))
    start = time.perf_counter()
    _, problems = parse(json.dumps(read_yaml(text)))
    lines = str(InvalidInput("the stack file", problems)).splitlines()
    seconds = time.perf_counter() - start
    if len(lines) != 1 + mistakes:
        raise RuntimeError(f"{mistakes} mistakes were made, and {len(lines) - 1} found")
    return 1000 * seconds / mistakes


def _settings(pools: Mapping[str, object]) -> Mapping[str, object]:
    return {"cluster": {"kind": "rendered"}, "namespace": "image-preloader", "pools": pools}


def _unknown_keys(count: int) -> Mapping[str, object]:
    unknown = {f"unknown_{number}": number for number in range(count)}
    return {"pool": {"images": ["a"], **unknown}}


def _wrong_pools(count: int) -> Mapping[str, object]:
    return {
        f"pool-{number}": {
            "images": ["registry.example.com/Upper:1"],
            "node_labels": {"pool": f"pool-{number}"},
        }
        for number in range(count)
    }
