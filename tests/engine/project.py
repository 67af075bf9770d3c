"""A copy of this project's program with stacks of a test's own, deployed as `make up` does."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.builds import BIN, PROJECT
from tests.support import copy_program, write_stack

STACK = "test"
SECONDS = 1800
# A line of what the engine says at the end: `    + 2 created`, `    +-2 replaced`.
_COUNT = re.compile(r"^ +(?:[-+~>]+ ?)?(\d+) (?:to )?(?P<what>[a-z]+)", re.MULTILINE)
# The second is the sum of the others.
_NOTHING = {"unchanged", "changes"}


@dataclass(frozen=True, slots=True)
class EngineProject:
    """The program in a folder, with a Pulumi home and state of its own.

    It is deployed by a process, since one process runs one program at a time.
    """

    folder: Path
    plugins: tuple[Path, ...] = ()
    """Folders with plug-ins that are found before the engine's own."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def write(self, settings: Mapping[str, Any], stack: str = STACK) -> None:
        """Writes a stack file."""
        write_stack(self.folder, stack, settings)

    def start(self, command: str, stack: str = STACK, **environment: str) -> subprocess.Popen[str]:
        """Starts one command of `make`; its two streams are one."""
        return subprocess.Popen(
            [sys.executable, "-m", "deploy", command, stack],
            cwd=self.folder,
            env=self.all_environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A test that kills it kills Pulumi's own processes too.
            start_new_session=True,
        )

    def run(self, command: str, stack: str = STACK, **environment: str) -> str:
        """Runs one command to its end and returns what it printed; raises where it fails."""
        code, said = self.attempt(command, stack, **environment)
        if code:
            raise RuntimeError(f"{command} {stack}: exit code {code}\n{said}")
        return said

    def attempt(self, command: str, stack: str = STACK, **environment: str) -> tuple[int, str]:
        """Runs one command to its end; returns its exit code and what it printed."""
        with self.start(command, stack, **environment) as process:
            said = process.communicate(timeout=SECONDS)[0]
        return process.returncode, said

    def all_environment(self, **more: str) -> dict[str, str]:
        """What the programs run in: nothing of the user's own."""
        path = [*map(str, self.plugins), str(BIN), "/usr/bin", "/bin"]
        return {
            "PATH": os.pathsep.join(path),
            "PYTHONPATH": str(PROJECT),
            "HOME": str(self.folder / "home"),
            "PULUMI_HOME": str(self.folder / "home/.pulumi"),
            "YES": "1",
            **self.environment,
            **more,
        }

    def state(self, stack: str = STACK) -> list[dict[str, Any]]:
        """The resources in the stack's state."""
        latest = json.loads(self.state_file(stack).read_text())["checkpoint"]["latest"]
        return latest.get("resources", [])

    def state_file(self, stack: str = STACK) -> Path:
        """Where the backend keeps the stack's state."""
        return self.folder / ".pulumi/stacks/image-preloader" / f"{stack}.json"


def new_project(folder: Path, **options: Any) -> EngineProject:
    """Puts the program into a folder; the stacks come by `write`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "home").mkdir()
    copy_program(folder)
    return EngineProject(folder, **options)


def changes(said: str) -> dict[str, int]:
    """How many resources are created, updated, replaced or deleted, from what the engine says."""
    _, _, summary = said.rpartition("Resources:")
    counts = {match["what"]: int(match[1]) for match in _COUNT.finditer(summary)}
    if not counts:
        raise ValueError(f"no summary in:\n{said}")
    return {what: count for what, count in counts.items() if what not in _NOTHING}
