"""One run of the harness: its folder, and a record on disk of all that it started.

What a crashed run left is found from that record at the next start: nothing is ended by its name.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from tests.node.paths import BIN, RUN, WORK

LAST_LOGS = WORK / "log/last-run"
CGROUP_ROOT = Path("/sys/fs/cgroup")
# Debian keeps daemons and network tools where a plain user's PATH does not look.
SEARCH_PATH = f"{BIN}:{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Process:
    """A process that a run started; `pid` is the program's, `popen` its own or a wrapper's."""

    name: str
    pid: int
    popen: subprocess.Popen[bytes]

    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self.popen.poll() is None


class Run:
    """The owner of everything that one use of the harness starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "log"
        self.logs.mkdir(parents=True)
        self._processes: list[Process] = []

    def start(self, name: str, command: Sequence[str | Path], *, wraps: bool = False) -> Process:
        """Starts a program in the background, its output in `log/NAME.log`.

        With `wraps` the command is one that forks the program it is about, and stays its parent.
        """
        with (self.logs / f"{name}.log").open("ab") as log:
            popen = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PATH": SEARCH_PATH},
                # Ctrl-C reaches the harness alone, which then stops all in order.
                start_new_session=True,
            )
        self.record(process=popen.pid, start_time=start_time(popen.pid), name=name)
        pid = only_child(popen) if wraps else popen.pid
        if wraps:
            self.record(process=pid, start_time=start_time(pid), name=name)
        process = Process(name, pid, popen)
        self._processes.append(process)
        return process

    def stop(self, process: Process, *, by: signal.Signals = signal.SIGTERM) -> None:
        """Ends a process and waits until it is gone; one that does not listen is killed."""
        for number in (by, signal.SIGKILL):
            # A wrapper may not have noticed yet that its program has ended.
            with contextlib.suppress(ProcessLookupError):
                if process.is_running():
                    os.kill(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.popen.wait(timeout=15)
                break
        if process in self._processes:
            self._processes.remove(process)

    def record(self, **entry: str | int | None) -> None:
        """Notes on disk what has to be undone: a process, a network link or a cgroup."""
        with (self.folder / "started.jsonl").open("a") as file:
            file.write(json.dumps({**entry, "boot": boot_id()}) + "\n")

    def log_tail(self, name: str, lines: int = 15) -> str:
        """The last lines that a program wrote."""
        text = (self.logs / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def close(self) -> None:
        """Stops and undoes everything, the newest first."""
        for process in reversed(self._processes.copy()):
            self.stop(process)
        undo(self.folder)


@contextlib.contextmanager
def new_run() -> Iterator[Run]:
    """A run with a folder of its own; whatever happens, nothing of it stays behind."""
    RUN.mkdir(parents=True, exist_ok=True)
    undo_dead_runs()
    # Socket paths are below this folder, and the kernel allows them 107 characters.
    folder = RUN / uuid.uuid4().hex[:6]
    with lock_of(folder) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run = Run(folder)
        try:
            yield run
        finally:
            with uninterrupted():
                run.close()


def undo_dead_runs() -> None:
    """Undoes what runs left whose process is gone; a live run holds the lock of its folder."""
    for folder in sorted(path for path in RUN.iterdir() if path.is_dir()):
        with lock_of(folder) as lock, contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            undo(folder)


def lock_of(folder: Path) -> TextIOWrapper:
    """The open file whose lock says that a run is alive; programs do not inherit it."""
    return folder.with_suffix(".lock").open("w")


def undo(folder: Path) -> None:
    """Undoes what a run recorded, keeps its logs as the last run's, and removes its folder."""
    record = folder / "started.jsonl"
    lines = record.read_text().splitlines() if record.exists() else []
    for entry in map(json.loads, reversed(lines)):
        if entry["boot"] != boot_id():
            continue
        if pid := entry.get("process"):
            end(pid, entry["start_time"])
        if link := entry.get("link"):
            subprocess.run(["ip", "link", "delete", link], capture_output=True, check=False)
        if cgroup := entry.get("cgroup"):
            remove_cgroup(cgroup)
    if (folder / "log").exists():
        LAST_LOGS.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(LAST_LOGS, ignore_errors=True)
        (folder / "log").rename(LAST_LOGS)
    shutil.rmtree(folder)
    folder.with_suffix(".lock").unlink(missing_ok=True)


def end(pid: int, started: int | None) -> None:
    """Ends a process if it is still the one that was recorded: pids are given out again."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 10
        if started is None or start_time(pid) != started:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        while start_time(pid) == started and time.monotonic() < deadline:
            time.sleep(0.05)


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None for one that has ended."""
    try:
        # The name before the last bracket may itself hold blanks and brackets.
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(fields[18])


def only_child(popen: subprocess.Popen[bytes]) -> int:
    """The process that a wrapper such as `nsenter` has forked."""
    children = Path(f"/proc/{popen.pid}/task/{popen.pid}/children")
    for _ in range(500):
        if found := children.read_text().split():
            return int(found[0])
        if popen.poll() is not None:
            raise ChildProcessError(f"{popen.args!r} ended with {popen.returncode}")
        time.sleep(0.01)
    raise ChildProcessError(f"{popen.args!r} started no process")


def make_cgroup(run: Run, name: str) -> None:
    """Makes a cgroup in every hierarchy, with the controllers that there are."""
    run.record(cgroup=name)
    unified = CGROUP_ROOT / "cgroup.controllers"
    if unified.exists():
        controllers = " ".join(f"+{name}" for name in unified.read_text().split())
        (CGROUP_ROOT / "cgroup.subtree_control").write_text(controllers)
        (CGROUP_ROOT / name).mkdir(exist_ok=True)
        return
    for tasks in CGROUP_ROOT.glob("*/cgroup.procs"):
        (tasks.parent / name).mkdir(exist_ok=True)


def remove_cgroup(name: str) -> None:
    """Removes a cgroup with all below it, from every hierarchy."""
    for top in (CGROUP_ROOT / name, *CGROUP_ROOT.glob(f"*/{name}")):
        for folder, _, _ in os.walk(top, topdown=False):
            for _ in range(100):
                try:
                    Path(folder).rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    # A cgroup stays busy for a moment after its last process has gone.
                    time.sleep(0.05)


def boot_id() -> str:
    """What tells one start of the machine from the next."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Lets a clean-up finish even where Ctrl-C is pressed again."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
