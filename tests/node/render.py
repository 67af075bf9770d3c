"""The objects that the program registers for given settings, as its own `render` writes them."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.node.kubectl import Manifest
from tests.node.paths import PROJECT

SETTINGS_KEY = "image-preloader:settings"
PROGRAM = ("Pulumi.yaml", "__main__.py")
PROGRAM_FOLDERS = ("settings",)
OUTPUT = "rendered"
LOCK = "Pulumi.test.lock.yaml"


def write_project(settings: Mapping[str, Any], folder: Path) -> None:
    """Puts the program into a new folder, with the stack `test` of these settings."""
    folder.mkdir()
    for name in PROGRAM:
        shutil.copy(PROJECT / name, folder)
    for name in PROGRAM_FOLDERS:
        shutil.copytree(PROJECT / name, folder / name)
    stack = yaml.safe_dump({"config": {SETTINGS_KEY: dict(settings)}}, sort_keys=False)
    (folder / "Pulumi.test.yaml").write_text(stack)


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
