"""Measures everything, and writes the results, the README's table and its plot: `make bench`.

With --short it does each step once, at the smallest size, and writes nothing: no figure to show,
but that they can be measured.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bench import cleanup, costs, engine, lock, node, plan, refusals, render, report, unpacked
from bench.noise import Noise
from bench.pairs import Measurement

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results.json"
Measure = Callable[..., list[Measurement]]
# What makes each of the subjects small.
SHORT: Mapping[str, Mapping[str, Any]] = {
    "plan": {"runs": 1, "pools": 10},
    "render": {"runs": 1, "pools": (2, 4)},
    "refusals": {"runs": 1, "mistakes": 100, "keys": (30, 60), "pools": (3, 6)},
    "cleanup": {"runs": 1, "idle_seconds": 1, "repositories": 2},
    "costs": {"idle_seconds": 1},
    "disk": {"largest_image_bytes": 1_000_000},
    "lock": {"runs": 1, "images": 8},
    "engine": {"few": 1, "many": 2},
    "node": {"total_runs": 1, "scale": 0.01},
}


def main() -> None:
    """Measures what is asked for, or everything, and keeps the last results of the rest."""
    noise = Noise()
    measures: dict[str, Measure] = {
        "plan": plan.measure,
        "render": render.measure,
        "refusals": refusals.measure,
        "cleanup": cleanup.measure,
        "costs": costs.measure,
        "disk": unpacked.measure,
        "lock": lock.measure,
        "engine": engine.measure,
        "node": partial(node.measure, noise.sample),
    }
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(measures), help="measure this")
    parser.add_argument("--short", action="store_true", help="the smallest sizes; writes nothing")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text())["measurements"] if RESULTS.exists() else []
    by_name = {result["name"]: result for result in results}
    noise.sample()
    for subject in options.only or list(measures):
        for measurement in measures[subject](**(SHORT[subject] if options.short else {})):
            by_name[str(measurement["name"])] = measurement
            print(json.dumps(measurement), flush=True)  # noqa: T201
        noise.sample()
    if options.short:
        return
    measurements = [by_name[name] for name in sorted(by_name)]
    content = {"measurements": measurements, "noise": noise.spreads()}
    RESULTS.write_text(json.dumps(content, indent=2) + "\n")
    report.write(measurements, noise.spreads(), ROOT)


if __name__ == "__main__":
    main()
