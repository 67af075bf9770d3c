"""The Pulumi CLI: the one on PATH, else one that is installed for this project alone."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from pulumi.automation import PulumiCommand

from deploy.output import say

# A person who waits longer than this for a download is better served by files at once.
INSTALL_SECONDS = 60
PROGRESS_SECONDS = 10
STATE = ".pulumi"
INSTALL = """\
import sys
from pulumi.automation import PulumiCommand
PulumiCommand.install(root=sys.argv[1])
"""


class NoPulumi(Exception):
    """There is no Pulumi CLI here, and none can be had; the text is why."""


def pulumi_command(folder: Path) -> PulumiCommand:
    """Returns the CLI for the project in `folder`; raises NoPulumi where there is none.

    What it installs is below the folder: neither the user's PATH nor their home is touched. The
    Kubernetes provider, which every stack needs, goes where Pulumi keeps its plug-ins.
    """
    root = folder / STATE / "cli"
    if shutil.which("pulumi"):
        command = PulumiCommand()
    else:
        if not (root / "bin" / "pulumi").exists():
            say("Pulumi's CLI is not on PATH; installing it below .pulumi/ ...")
            _fetch("its CLI", [sys.executable, "-c", INSTALL, str(root)])
        command = PulumiCommand(root=str(root))
    if not shutil.which("pulumi-resource-kubernetes"):
        plugin = ("plugin", "install", "resource", "kubernetes", version("pulumi-kubernetes"))
        _fetch("its Kubernetes provider", [command.command, "--non-interactive", *plugin])
    return command


def _fetch(what: str, command: Sequence[str]) -> None:
    """Runs a download, which knows no time limit of its own, for a minute at most.

    Raises NoPulumi where it takes longer or fails.
    """
    with subprocess.Popen(  # noqa: S603 the SDK's installer, or the CLI
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # The installer is a shell script that starts others, and all of them have to end.
        start_new_session=True,
    ) as process:
        start = time.monotonic()
        while (waited := time.monotonic() - start) < INSTALL_SECONDS:
            try:
                said = process.communicate(timeout=PROGRESS_SECONDS)[1].split("\n")
            except subprocess.TimeoutExpired:
                say(f"fetching {what}: {waited + PROGRESS_SECONDS:.0f} s so far")
                continue
            if process.returncode:
                reason = next(filter(None, reversed(said)), "no reason given")
                raise NoPulumi(f"{what} could not be fetched: {reason.removeprefix('error: ')}")
            return
        os.killpg(process.pid, signal.SIGKILL)
        raise NoPulumi(f"{what} took longer than {INSTALL_SECONDS} s to fetch")
