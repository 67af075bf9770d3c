"""One image or many, locked in the test's own process, with credentials of the test's own."""

import json
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

from preloadctl.lock.fetching.fetch_all import Fetched, fetch_all
from preloadctl.lock.images import WantedImage
from preloadctl.lock.registries.deadline import Deadline
from preloadctl.lock.registries.patience import Patience
from preloader.images import parse_reference
from preloader.lock import LockedImage
from tests.preloadctl.lock.registry_server import PASSWORD, USER, basic

BACKOFF_SECONDS = (0.01, 0.02, 0.02)


def wanted(image: str, *architectures: str) -> WantedImage:
    return WantedImage(image, parse_reference(image), architectures or ("amd64",))


def fetch(
    images: Sequence[WantedImage],
    *,
    concurrency: int = 8,
    timeout_seconds: float = 10,
    backoff_seconds: Sequence[float] = BACKOFF_SECONDS,
) -> Fetched:
    return fetch_all(
        images,
        concurrency=concurrency,
        timeout_seconds=timeout_seconds,
        done=lambda: None,
        patience=Patience(backoff_seconds),
    )


def lock_one(image: str, *architectures: str, **options: Any) -> LockedImage:
    fetched = fetch([wanted(image, *architectures)], **options)
    assert fetched.failures == {}
    return fetched.images[image]


def failure(image: str, *architectures: str, **options: Any) -> str:
    fetched = fetch([wanted(image, *architectures)], **options)
    assert fetched.images == {}
    return fetched.failures[image]


def deadline(timeout_seconds: float = 5) -> Deadline:
    return Deadline(timeout_seconds, Event())


def write_docker_config(folder: Path, content: dict[str, Any]) -> None:
    (folder / "config.json").write_text(json.dumps(content))


def log_in(folder: Path, *hosts: str) -> None:
    """Writes Docker's config file as `docker login` does."""
    entry = {"auth": basic(USER, PASSWORD).removeprefix("Basic ")}
    write_docker_config(folder, {"auths": dict.fromkeys(hosts, entry)})


def write_program(folder: Path, name: str, script: str) -> None:
    """Puts a program on a PATH of the test's own."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
