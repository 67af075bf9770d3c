"""What the agent says: a line for each decision, one for each run, one for each trouble.

For programs a line is one JSON object; its `event` is `decision`, `summary` or `problem`. For
people it is text in which nothing foreign can begin a line, end a name or move a terminal.
"""

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TextIO

from preloader.agent.cleanup import Summary
from preloader.agent.disk import Disk
from preloader.agent.policy import ReportFormat
from preloader.agent.retention.act import Outcome, Result
from preloader.agent.retention.plan import Action
from preloader.printable import printable

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_UNIT = 1024


class Report:
    """Writes the report of one node's agent to `stream`, by default the standard output."""

    def __init__(
        self, form: ReportFormat, node: str, pool: str, stream: TextIO | None = None
    ) -> None:
        self._is_text = form is ReportFormat.TEXT
        self._origin = {"node": node, "pool": pool}
        self._stream = stream
        self._told: dict[str, str] = {}

    def result(self, result: Result) -> None:
        decision, image = result.decision, result.decision.image
        names = image.tags or image.digests or (image.id,)
        why = f"{decision.reason}: {decision.explain}"
        # What was decided, and then did not come about.
        if result.change:
            why = f"{result.change}; planned for {why}"
        self._write(
            f"{result.outcome:<12}  {_names(names)}  ({why})",
            {
                "event": "decision",
                "decision": "keep" if decision.action is Action.KEEP else "remove",
                "outcome": result.outcome,
                "reason": decision.reason,
                "explain": decision.explain,
                **({"change": result.change} if result.change else {}),
                "image": image.id,
                "tags": image.tags,
                "digests": image.digests,
                "size_bytes": image.size,
            },
        )

    def summary(self, summary: Summary) -> None:
        for problem in summary.problems:
            self.problem(problem.partition(":")[0], problem)
        self._write(_sentence(summary), {"event": "summary", **_summary_fields(summary)})

    def problem(self, about: str, text: str) -> None:
        """Says what is wrong, once until it changes or is solved."""
        if self._told.get(about) != text:
            self._told[about] = text
            self._write(f"problem: {text}", {"event": "problem", "problem": text})

    def solved(self, about: str) -> None:
        self._told.pop(about, None)

    def _write(self, text: str, data: dict[str, Any]) -> None:
        line = printable(text) if self._is_text else json.dumps({**data, **self._origin})
        stream = self._stream or sys.stdout
        stream.write(f"{line}\n")
        stream.flush()


def _summary_fields(summary: Summary) -> dict[str, Any]:
    return {
        "time": _time(summary.started),
        "trigger": summary.trigger,
        "dry_run": summary.dry_run,
        "images_before": summary.images_before,
        "images_after": summary.images_after,
        "outcomes": {outcome.value: summary.outcomes.get(outcome, 0) for outcome in Outcome},
        "freed_bytes": summary.freed,
        "disk_before": _disk(summary.disk_before),
        "disk_after": _disk(summary.disk_after),
        "missing_images": summary.missing,
        "duration_seconds": round(summary.duration, 3),
        "next_run": _time(summary.next_run) if summary.next_run else None,
        "problems": summary.problems,
        "fault": summary.fault,
    }


def _disk(disk: Disk | None) -> dict[str, Any] | None:
    if disk is None:
        return None
    return {
        "path": disk.path,
        "size_bytes": disk.size,
        "free_bytes": disk.free,
        "used_percent": round(disk.used_percent, 1),
    }


def _sentence(summary: Summary) -> str:
    parts = [
        f"{summary.outcomes[outcome]} {outcome}"
        for outcome in Outcome
        if outcome in summary.outcomes
    ]
    if summary.freed is not None and not summary.dry_run:
        parts.append(f"{_size(summary.freed)} freed")
    if summary.disk_after is not None:
        parts.append(f"disk {summary.disk_after.used_percent:.1f} % used")
    if summary.missing:
        parts.append(f"not on the node: {_names(summary.missing)}")
    if summary.fault:
        parts.append(f"broke off: {summary.fault}")
    if summary.next_run:
        parts.append(f"next run {_time(summary.next_run)}")
    run = f"run ({summary.trigger}{', dry' * summary.dry_run}) in {summary.duration:.2f} s"
    return f"{run}: {', '.join(parts) or 'nothing to do'}"


def _names(names: Iterable[str]) -> str:
    # A reference has no blank, and what is no reference must not look like several.
    return " ".join(name.replace(" ", r"\x20") for name in names)


def _time(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def _size(count: float) -> str:
    unit = 0
    while abs(count) >= _UNIT and unit < len(_UNITS) - 1:
        count /= _UNIT
        unit += 1
    return f"{count:.1f} {_UNITS[unit]}" if unit else f"{count:.0f} B"
