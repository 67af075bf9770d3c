"""The metrics and health endpoint, in the text format of Prometheus.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import socket
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from preloader.agent.act import Outcome
from preloader.agent.clock import Clock
from preloader.agent.health import Health

PREFIX = "image_preloader_cleanup"
# A scraper sends one short request and reads one short answer.
REQUEST_SECONDS = 5

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


def serve(port: int, health: Health, clock: Clock) -> ThreadingHTTPServer:
    """Serves `/metrics`, `/healthz` and `/readyz` on all addresses, in threads. Raises OSError."""

    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_SECONDS

        def do_GET(self) -> None:
            uptime = clock.uptime()
            is_alive = health.is_alive(uptime)
            if self.path == "/metrics":
                self._answer(200, render(health, uptime))
            elif self.path == "/healthz":
                self._answer(200 if is_alive else 503, "ok" if is_alive else "the agent hangs")
            elif self.path == "/readyz":
                why_not = health.why_not if is_alive else "the agent hangs"
                self._answer(200 if why_not is None else 503, why_not or "ok")
            else:
                self._answer(404, "not found")

        def _answer(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """The report is the agent's only log."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET

        def server_bind(self) -> None:
            if self.address_family == socket.AF_INET6:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            # Not HTTPServer's, which asks the DNS for the host's name.
            TCPServer.server_bind(self)

    server = Server(("", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


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
