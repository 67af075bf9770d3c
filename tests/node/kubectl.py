"""Talks to a cluster through kubectl, and waits for it with an answer to why it took too long."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

POLL_SECONDS = 0.5
SERVER_SIDE = ("--server-side", "--field-manager", "node-tests")

Found = TypeVar("Found")

Manifest = dict[str, Any]


class KubectlError(RuntimeError):
    """A kubectl command failed; the text is what it said."""


@dataclass(frozen=True)
class Kubectl:
    """One cluster, as kubectl reaches it."""

    program: str
    kubeconfig: Path

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Runs one command and returns what it printed."""
        result = subprocess.run(
            [self.program, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            check=False,
        )
        if result.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {result.stderr.strip()}")
        return result.stdout

    def get(self, kind: str, name: str, *, namespace: str = "default") -> Manifest:
        """One object."""
        return json.loads(self("get", kind, name, "--namespace", namespace, "--output", "json"))

    def find(self, kind: str, *options: str, namespace: str | None = None) -> list[Manifest]:
        """The objects of a kind, in one namespace or (None) in all."""
        where = ("--namespace", namespace) if namespace else ("--all-namespaces",)
        return json.loads(self("get", kind, *where, *options, "--output", "json"))["items"]

    def apply(self, manifests: Iterable[Manifest]) -> None:
        """Applies objects on the server's side."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self("apply", *SERVER_SIDE, "--filename", "-", stdin=json.dumps(items))

    def apply_folder(self, folder: Path) -> None:
        """Applies the files of a folder on the server's side."""
        self("apply", *SERVER_SIDE, "--filename", str(folder))

    def delete(self, manifests: Iterable[Manifest]) -> None:
        """Deletes objects and waits until they are gone."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        options = ("--ignore-not-found", "--wait", "--timeout=120s", "--filename", "-")
        self("delete", *options, stdin=json.dumps(items))

    def events(self, *, namespace: str | None = None, about: str = "") -> list[Manifest]:
        """The events of one object, or of all, in the order in which they came."""
        events = self.find("events", namespace=namespace)
        chosen = [event for event in events if about in ("", event["involvedObject"]["name"])]
        return sorted(chosen, key=last_seen)

    def wait_for(
        self, what: str, probe: Callable[[], Found], *, timeout_seconds: float = 120
    ) -> Found:
        """Calls `probe` until it returns something true, and returns that.

        An assertion or a failing command in the probe counts as not yet.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                found = probe()
                said = repr(found)
            except (AssertionError, KubectlError, LookupError) as error:
                found, said = None, f"{type(error).__name__}: {error}"
            if found:
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(self.explain(what, said, timeout_seconds))
            time.sleep(POLL_SECONDS)

    def explain(self, what: str, last: str, timeout_seconds: float) -> str:
        """Why something did not come: the last answer, the pods, and the latest events."""
        lines = [f"{what}: not within {timeout_seconds:.0f} s; last seen: {last[:1000]}"]
        try:
            lines += ["pods:", self("get", "pods", "--all-namespaces", "--output", "wide")]
            lines += ["events:", *map(describe_event, self.events()[-25:])]
        except KubectlError as error:
            lines.append(str(error))
        return "\n".join(lines)


def last_seen(event: Manifest) -> str:
    """When an event happened last; the API has three places for that."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((time for time in times if time), event["metadata"]["creationTimestamp"])


def describe_event(event: Manifest) -> str:
    """One event on one line."""
    about = event["involvedObject"]
    return f"  {about['kind']}/{about['name']}: {event['reason']}: {event.get('message', '')}"
