"""The agent's metrics in the text format of Prometheus.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable

from preloader.agent.reporting.health import Health
from preloader.agent.retention.act import Outcome

PREFIX = "image_preloader_cleanup"

_Sample = tuple[str, float]


def render(health: Health, uptime: float) -> str:
    """Returns all metrics."""
    last = health.last
    lines = [
        *_metric("ready", "gauge", "1 while the runtime answers.", [("", health.why_not is None)]),
        *_metric(
            "beat_age_seconds",
            "gauge",
            "Since the agent's last step.",
            [("", uptime - health.beat_at)],
        ),
        *_metric(
            "runs_total",
            "counter",
            "Runs by what started them and how they ended.",
            [
                (f'trigger="{trigger}",result="{result}"', count)
                for (trigger, result), count in sorted(health.runs.items())
            ],
        ),
        *_metric(
            "images_total",
            "counter",
            "Images by what became of them, summed over all runs.",
            [(f'outcome="{outcome}"', health.outcomes.get(outcome, 0)) for outcome in Outcome],
        ),
        *_metric(
            "freed_bytes_total", "counter", "Disk space that runs freed.", [("", health.freed)]
        ),
    ]
    if last is not None:
        lines += _metric(
            "last_run_timestamp_seconds",
            "gauge",
            "When the last run started.",
            [("", last.started.timestamp())],
        )
        lines += _metric(
            "last_run_duration_seconds", "gauge", "How long it took.", [("", last.duration)]
        )
        lines += _metric("images", "gauge", "Images after it.", _known(last.images_after))
        lines += _metric(
            "missing_images",
            "gauge",
            "The pool's images that were not on the node.",
            _known(None if last.missing is None else len(last.missing)),
        )
        used = last.disk_after.used_percent / 100 if last.disk_after else None
        lines += _metric("disk_used_ratio", "gauge", "Used part of the image disk.", _known(used))
        at = last.next_run.timestamp() if last.next_run else None
        lines += _metric(
            "next_run_timestamp_seconds", "gauge", "When the next scheduled run is.", _known(at)
        )
    return "\n".join(lines) + "\n"


def _known(value: float | None) -> list[_Sample]:
    return [] if value is None else [("", value)]


def _metric(name: str, kind: str, meaning: str, samples: Iterable[_Sample]) -> list[str]:
    full = f"{PREFIX}_{name}"
    return [
        f"# HELP {full} {meaning}",
        f"# TYPE {full} {kind}",
        *(
            f"{full}{{{labels}}} {float(value):.15g}" if labels else f"{full} {float(value):.15g}"
            for labels, value in samples
        ),
    ]
