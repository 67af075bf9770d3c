"""Measures everything, and writes the results, the README's table and its plot: `make bench`."""

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import cleanup, costs, lock, node, plan, render, report, unpacked
from bench.noise import Noise
from bench.pairs import Measurement

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results.json"
Measure = Callable[[], list[Measurement]]


def main() -> None:
    """Measures what is asked for, or everything, and keeps the last results of the rest."""
    noise = Noise()
    measures: dict[str, Measure] = {
        "plan": plan.measure,
        "render": render.measure,
        "cleanup": cleanup.measure,
        "costs": costs.measure,
        "disk": unpacked.measure,
        "lock": lock.measure,
        "node": partial(node.measure, noise.sample),
    }
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(measures), help="measure this")
    subjects = parser.parse_args().only or list(measures)
    results = json.loads(RESULTS.read_text())["measurements"] if RESULTS.exists() else []
    by_name = {result["name"]: result for result in results}
    noise.sample()
    for subject in subjects:
        for measurement in measures[subject]():
            by_name[str(measurement["name"])] = measurement
            print(json.dumps(measurement), flush=True)  # noqa: T201
        noise.sample()
    measurements = [by_name[name] for name in sorted(by_name)]
    content = {"measurements": measurements, "noise": noise.spreads()}
    RESULTS.write_text(json.dumps(content, indent=2) + "\n")
    report.write(measurements, noise.spreads(), ROOT)


if __name__ == "__main__":
    main()
