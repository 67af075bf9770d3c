"""Measures everything, and writes the results, the README's table and its plot: `make bench`."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from bench import cleanup, node, render, report
from bench.pairs import Measurement

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results.json"
SUBJECTS: dict[str, Callable[[], list[Measurement]]] = {
    "render": render.measure,
    "cleanup": cleanup.measure,
    "node": node.measure,
}


def main() -> None:
    """Measures what is asked for, or everything, and keeps the last results of the rest."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(SUBJECTS), help="measure this")
    subjects = parser.parse_args().only or list(SUBJECTS)
    results = json.loads(RESULTS.read_text())["measurements"] if RESULTS.exists() else []
    by_name = {result["name"]: result for result in results}
    for subject in subjects:
        for measurement in SUBJECTS[subject]():
            by_name[str(measurement["name"])] = measurement
            print(json.dumps(measurement), flush=True)  # noqa: T201
    measurements = [by_name[name] for name in sorted(by_name)]
    RESULTS.write_text(json.dumps({"measurements": measurements}, indent=2) + "\n")
    report.write(measurements, ROOT)


if __name__ == "__main__":
    main()
