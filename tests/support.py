"""Types and places that tests of several packages name."""

from collections.abc import Callable
from pathlib import Path

from preloadctl.recorder import Registration

ROOT = Path(__file__).parent.parent
# Runs a function as a Pulumi program and returns what it registers.
Run = Callable[[Callable[[], object]], list[Registration]]
