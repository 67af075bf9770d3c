"""The command as a process: Ctrl-C, a terminal and a pipe."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest

from tests.preloadctl.lock.registry_server import RegistryServer
from tests.preloadctl.lock.stack_project import SMALL, Stack, push
from tests.support import ROOT

pytestmark = pytest.mark.slow


def command(stack: Stack, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "preloadctl", "lock", "--stack", "dev", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def test_ctrl_c_ends_it_at_once_and_leaves_the_old_file(
    registry: RegistryServer, stack: Stack
) -> None:
    images = [push(registry, f"web-{number}", "1", SMALL) for number in range(12)]
    stack.write({"images": images[:1]})
    stack.run()
    before = stack.path.read_bytes()
    stack.write({"images": images})
    registry.delay_seconds = 30
    # A shell makes what it starts in the background ignore Ctrl-C, and whatever that starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        command(stack),
        cwd=stack.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    asked_before = len(registry.requests)
    deadline = time.monotonic() + 30
    while len(registry.requests) == asked_before and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    # Before the registry answers.
    out, err = process.communicate(timeout=registry.delay_seconds - 5)
    assert (process.returncode, out, err) == (130, "", "preloadctl: interrupted\n")
    assert stack.path.read_bytes() == before
    assert len(list(stack.folder.glob(".Pulumi*"))) == 0


def test_a_terminal_sees_how_far_it_is_and_a_pipe_does_not(
    registry: RegistryServer, stack: Stack
) -> None:
    images = [push(registry, f"web-{number}", "1", SMALL) for number in range(4)]
    stack.write({"images": images})
    registry.delay_seconds = 0.1
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(stack, "--concurrency", "1"),
        cwd=stack.folder,
        env={**environment(), "TERM": "xterm", "COLUMNS": "40"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    out, _ = process.communicate(timeout=30)
    os.close(theirs)
    seen = b""
    while select.select([ours], [], [], 0.1)[0]:
        try:
            seen += os.read(ours, 65536)
        except OSError:
            break
    os.close(ours)
    assert process.returncode == 0
    assert "2/4 images" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode())
    assert b"4 added" in out
    assert b"\x1b" not in out
