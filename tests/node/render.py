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


def render(settings: Mapping[str, Any], folder: Path) -> Path:
    """Renders a stack with these settings in a new folder; returns the folder of the objects."""
    folder.mkdir()
    for name in PROGRAM:
        shutil.copy(PROJECT / name, folder)
    for name in PROGRAM_FOLDERS:
        shutil.copytree(PROJECT / name, folder / name)
    stack = yaml.safe_dump({"config": {SETTINGS_KEY: dict(settings)}}, sort_keys=False)
    (folder / "Pulumi.test.yaml").write_text(stack)
    command = [sys.executable, "-m", "preloadctl", "render", "--stack", "test", "--output", OUTPUT]
    environment = {"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise RuntimeError(f"preloadctl render: {result.stderr.strip()}")
    return folder / OUTPUT


def objects_in(folder: Path) -> list[Manifest]:
    """The objects in a rendered folder, in the order in which `kubectl apply` takes them."""
    return [yaml.safe_load(file.read_text()) for file in sorted(folder.glob("*.yaml"))]
