"""Builds programs that tests run, below `.work/`, with a stamp of what each was made from."""

import contextlib
import fcntl
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
WORK = PROJECT / ".work"
"""Everything that a run or a build leaves on disk; ignored by git."""
BIN = WORK / "bin"
PROGRESS_SECONDS = 30


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Lets one process at a time install and build."""
    WORK.mkdir(exist_ok=True)
    with (WORK / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def built_once(name: str, programs: tuple[str, ...], inputs: object) -> Iterator[bool]:
    """Says whether the programs have to be built, and records that they were."""
    BIN.mkdir(exist_ok=True)
    stamp = WORK / f"{name}.stamp"
    wanted = json.dumps(inputs, sort_keys=True)
    present = all((BIN / program).exists() for program in programs)
    stale = not present or not stamp.exists() or stamp.read_text() != wanted
    yield stale
    stamp.write_text(wanted)


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run_logged(
    name: str, command: list[str], *, cwd: Path = WORK, env: dict[str, str] | None = None
) -> None:
    """Runs a long command with low priority; its output goes to a log that a failure names."""
    log = WORK / "log" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    nice = ["nice", "-n", "10", *command]
    start = time.monotonic()
    with (
        log.open("a") as output,
        subprocess.Popen(nice, cwd=cwd, env=env, stdout=output, stderr=output) as process,
    ):
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=PROGRESS_SECONDS)
                break
            say(f"{' '.join(command[:2])}: {time.monotonic() - start:.0f} s so far")
    if process.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise SystemExit(f"tests: {' '.join(command[:3])} failed, see {log}:\n{tail}")


@contextlib.contextmanager
def progress(what: str) -> Iterator[None]:
    """Says when a long step starts, and when it has ended."""
    start = time.monotonic()
    say(f"{what} ...")
    yield
    say(f"{what}: {time.monotonic() - start:.0f} s")


def say(text: str) -> None:
    """Tells the person who waits."""
    print(f"tests: {text}", file=sys.stderr, flush=True)
