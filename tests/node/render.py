"""The objects that the program registers for given settings, as its own `render` writes them."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.node.kubectl import Manifest
from tests.node.paths import PROJECT
from tests.support import copy_program, write_stack

OUTPUT = "rendered"
LOCK = "Pulumi.test.lock.yaml"


def write_project(settings: Mapping[str, Any], folder: Path) -> None:
    """Puts the program into a new folder, with the stack `test` of these settings."""
    folder.mkdir()
    copy_program(folder)
    write_stack(folder, "test", settings)


def preloadctl(folder: Path, command: str, *options: str, **environment: str) -> str:
    """Runs a command on the stack `test` of the program in a folder; returns what it prints."""
    result = subprocess.run(
        [sys.executable, "-m", "preloadctl", command, "--stack", "test", *options],
        cwd=folder,
        env={
            "PYTHONPATH": str(PROJECT),
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"preloadctl {command}: {result.stderr.strip()}")
    return result.stdout


def render(settings: Mapping[str, Any], folder: Path, lock_text: str = "") -> Path:
    """Renders a stack with these settings in a new folder; returns the folder of the objects."""
    write_project(settings, folder)
    if lock_text:
        (folder / LOCK).write_text(lock_text)
    preloadctl(folder, "render", "--output", OUTPUT)
    return folder / OUTPUT


def objects_in(folder: Path) -> list[Manifest]:
    """The objects in a rendered folder, in the order in which `kubectl apply` takes them."""
    return [yaml.safe_load(file.read_text()) for file in sorted(folder.glob("*.yaml"))]
