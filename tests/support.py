"""Types and places that tests of several packages name."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from preloadctl.recorder import Registration

ROOT = Path(__file__).parent.parent
# Runs a function as a Pulumi program and returns what it registers.
Run = Callable[[Callable[[], object]], list[Registration]]


def copy_program(folder: Path) -> None:
    """Puts this project's own program into a folder, without a stack."""
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "settings", folder / "settings")


def write_stack(folder: Path, stack: str, settings: Mapping[str, object]) -> None:
    """Gives the program in a folder a stack of these settings, as JSON, which is YAML too."""
    content = {"config": {"image-preloader:settings": dict(settings)}}
    (folder / f"Pulumi.{stack}.yaml").write_text(json.dumps(content))
