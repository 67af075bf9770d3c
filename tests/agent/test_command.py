"""The archive as people and pods start it: commands, exit codes, signals, memory."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from preloader.agent.cri.messages import MAX_IMAGES, Image
from preloader.agent.cri.runtime import READ_SECONDS
from preloader.bundle import build_agent
from tests.agent.fake_runtime import FakeRuntime, Server, Silence, Status

pytestmark = pytest.mark.slow

SECONDS = 60
# The limit of the container: preloader/cleanup/manifests.py.
CONTAINER_KIB = 64 * 1024
ROOT = Path(__file__).parents[2]


def image(tag: int) -> Image:
    return Image(f"{tag:064}", (f"docker.io/library/nginx:{tag}",))


class Command:
    """The agent's command line, with the paths of one test."""

    def __init__(self, archive: Path, folder: Path, socket: str) -> None:
        self.folder = folder
        self._archive = archive
        self._options = {
            "--socket": socket,
            "--policy": str(folder / "policy.json"),
            "--state": str(folder),
        }
        self.ready = str(folder / "ready")

    def policy(self, **values: Any) -> None:
        policy = {"pool": "web", "minimum_age_seconds": 0, "high_water_percent": None, **values}
        (self.folder / "policy.json").write_text(json.dumps(policy))

    def line(self, command: str, *options: str, **others: str) -> list[str]:
        # Isolated, as the pod starts it: nothing of this machine's Python gets in.
        known = {
            "run": {**self._options, "--ready": self.ready},
            "plan": self._options,
            "ready": {"--ready": self.ready},
        }[command]
        given = [part for pair in {**known, **others}.items() for part in pair]
        return [sys.executable, "-I", "-S", str(self._archive), command, *options, *given]

    def run(self, command: str, *options: str, **others: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.line(command, *options, **others),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            env={"NODE_NAME": "node-1"},
        )


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "agent.pyz"
    path.write_bytes(build_agent())
    return path


@pytest.fixture
def command(archive: Path, tmp_path: Path, server: Server, fake: FakeRuntime) -> Command:
    fake.add(*(image(tag) for tag in range(1, 4)))
    command = Command(archive, tmp_path, server.path)
    command.policy()
    return command


@pytest.fixture
def start(command: Command) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts an agent, which is ended with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        with (command.folder / "log").open("w") as log:
            process = subprocess.Popen(command.line("run"), stdout=log)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


Start = Callable[[], "subprocess.Popen[bytes]"]


def test_run_once_runs_once(command: Command, fake: FakeRuntime) -> None:
    result = command.run("run", "--once")
    assert (result.returncode, result.stderr) == (0, "")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["decision"] * 3 + ["summary"]
    assert {line["node"] for line in lines} == {"node-1"}
    assert set(fake.images) == {image(2).id, image(3).id}


def test_run_once_fails_when_an_image_cannot_be_removed(
    command: Command, fake: FakeRuntime
) -> None:
    fake.handlers["RemoveImage"] = lambda _: Status(2)
    assert command.run("run", "--once").returncode == 1


def test_run_once_fails_without_a_runtime(command: Command, server: Server) -> None:
    server.stop()
    assert command.run("run", "--once").returncode == 1


def test_plan_changes_nothing(command: Command, fake: FakeRuntime) -> None:
    before = {path: path.stat().st_mtime_ns for path in command.folder.iterdir()}
    result = command.run("plan")
    assert result.returncode == 0
    assert "would-remove  docker.io/library/nginx:1" in result.stdout
    assert fake.removals() == 0
    assert {path: path.stat().st_mtime_ns for path in command.folder.iterdir()} == before


def test_plan_on_a_node_without_an_agent_counts_every_image_as_old_enough(
    command: Command,
) -> None:
    command.policy(minimum_age_seconds=3600)
    result = command.run("plan")
    assert "every image counts as old enough" in result.stdout
    assert "would-remove" in result.stdout


def test_plan_beside_an_agent_sees_what_the_agent_sees(command: Command) -> None:
    command.policy(minimum_age_seconds=3600, dry_run=True)
    command.run("run", "--once")
    result = command.run("plan")
    assert "young" in result.stdout
    assert "would-remove" not in result.stdout


def test_plan_for_programs_is_json(command: Command) -> None:
    lines = command.run("plan", "--json").stdout.splitlines()
    assert {json.loads(line)["event"] for line in lines} == {"problem", "decision"}


def test_plan_without_a_runtime_says_so(command: Command) -> None:
    result = command.run("plan", **{"--socket": "/nowhere/socket"})
    assert result.returncode == 4
    assert result.stderr == "/nowhere/socket: No such file or directory\n"


def test_what_the_runtime_says_cannot_move_the_terminal(
    command: Command, fake: FakeRuntime, start: Start
) -> None:
    fake.handlers["ListImages"] = lambda _: Status(2, "one%0A%1B[31mtwo")
    assert command.run("plan").stderr == "one\\n\\x1b[31mtwo\n"
    start()
    wait_until(lambda: command.run("ready").stderr == "one\\n\\x1b[31mtwo\n")


def test_a_terminal_of_another_encoding_shows_every_name(
    command: Command, fake: FakeRuntime
) -> None:
    fake.add(Image("x", ("docker.io/library/nginx:é",)))
    # Without a locale Python would write UTF-8.
    plan = command.line("plan")
    ascii_only = [*plan[:2], "-X", "utf8=0", *plan[2:]]
    environment = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0"}
    result = subprocess.run(
        ascii_only, capture_output=True, text=True, check=False, env=environment
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "nginx:" in result.stdout


@pytest.mark.parametrize("words", [("plan",), ("run", "--once")])
def test_an_invalid_policy_is_refused_with_every_mistake(
    command: Command, fake: FakeRuntime, words: tuple[str, ...]
) -> None:
    command.policy(keep_versions=0, colour="red")
    result = command.run(*words)
    assert result.returncode == 3
    assert "keep_versions: 0" in result.stderr
    assert 'colour: "red"' in result.stderr
    assert fake.calls == []


def test_a_wrong_command_line_is_refused(command: Command) -> None:
    assert command.run("run", "--twice").returncode == 2


def test_ready_follows_the_agent(command: Command, server: Server, start: Start) -> None:
    result = command.run("ready")
    assert (result.returncode, "No such file" in result.stderr) == (1, True)
    agent = start()
    wait_until(lambda: command.run("ready").returncode == 0)
    agent.kill()
    agent.wait()
    server.stop()
    start()
    wait_until(lambda: command.run("ready").returncode == 1)
    assert server.path in command.run("ready").stderr


def test_an_agent_with_an_invalid_policy_stays_and_is_not_ready(
    command: Command, fake: FakeRuntime, start: Start
) -> None:
    command.policy(schedule="0 0 30 2 *")
    agent = start()
    wait_until(lambda: "policy is invalid" in command.run("ready").stderr)
    assert command.run("ready").returncode == 1
    assert agent.poll() is None
    assert fake.calls == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("method", ["RemoveImage", "ListImages", None])
def test_a_signal_ends_it_at_once_whatever_it_does(
    fake: FakeRuntime, start: Start, method: str | None, number: signal.Signals
) -> None:
    if method:
        fake.handlers[method] = lambda _: Silence()
    agent = start()
    # Without a method that hangs, it gets as far as its sleep.
    wait_until(lambda: fake.calls.count(method or "ListImages") >= (1 if method else 3))
    time.sleep(0.05)
    os.kill(agent.pid, number)
    # A call to the runtime that does not answer would last longer.
    assert agent.wait(READ_SECONDS / 2) == {signal.SIGTERM: 143, signal.SIGINT: 130}[number]


def test_ended_in_a_removal_it_goes_on_with_the_rest_next_time(
    command: Command, fake: FakeRuntime, start: Start
) -> None:
    fake.add(image(0))
    good = fake._RemoveImage  # noqa: SLF001
    fake.handlers["RemoveImage"] = lambda r: Silence() if fake.removals() == 2 else good(r)
    agent = start()
    wait_until(lambda: fake.removals() == 2)
    agent.terminate()
    agent.wait(SECONDS)
    fake.handlers.clear()
    assert command.run("run", "--once").returncode == 0
    assert set(fake.images) == {image(2).id, image(3).id}


def memory(process: "subprocess.Popen[bytes]") -> dict[str, int]:
    """In KiB, as the kernel counts."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return {
        key: int(line.split()[1])
        for line in status.splitlines()
        if (key := line.partition(":")[0]) in {"VmRSS", "VmHWM"}
    }


def test_it_takes_at_most_25_mib_even_at_its_peak(
    command: Command, fake: FakeRuntime, start: Start
) -> None:
    command.policy(time_zone="Europe/Madrid", high_water_percent=99)
    fake.add(*(image(tag) for tag in range(4, 200)))
    agent = start()
    wait_until(lambda: fake.calls.count("ListImages") >= 3)
    assert memory(agent)["VmHWM"] < 25 * 1024


def test_as_many_images_as_it_takes_fit_the_containers_memory(
    command: Command, fake: FakeRuntime, start: Start
) -> None:
    name = "registry.example.com/some-team-of-the-company/a-service-{}"
    for number in range(MAX_IMAGES - len(fake.images)):
        digest, repository = f"sha256:{number:064x}", name.format(number % 500)
        tags, digests = (f"{repository}:1.{number}.0",), (f"{repository}@{digest}",)
        fake.add(Image(digest, tags, digests, size=10**8))
    # So that no image has to be asked for its date, which would take long.
    command.policy(keep_versions=1000)
    agent = start()
    wait_until(lambda: "summary" in (command.folder / "log").read_text())
    assert memory(agent)["VmHWM"] < CONTAINER_KIB


def test_an_agent_that_hangs_is_ended_and_says_where(command: Command) -> None:
    hang = (
        "import sys, threading\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from preloader.agent import service, watchdog\n"
        "from preloader.agent.__main__ import main\n"
        "watchdog.HANG_SECONDS = 0.2\n"
        "def wait_for_ever(path): threading.Event().wait()\n"
        "service.read_policy = wait_for_ever\n"
        "main(sys.argv[2:])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", hang, str(ROOT), *command.line("run")[4:]],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert result.returncode == 1, result
    assert "in wait_for_ever" in result.stderr


@pytest.mark.parametrize(
    ("what", "option", "code"), [("plan", "--policy", 3), ("ready", "--ready", 1)]
)
def test_no_file_makes_it_wait(command: Command, what: str, option: str, code: int) -> None:
    os.mkfifo(command.folder / "fifo")
    result = command.run(what, **{option: str(command.folder / "fifo")})
    assert result.returncode == code
    assert f"{command.folder}/fifo" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_readiness_check_is_cheap(command: Command) -> None:
    # It is made again and again: all that it imports counts.
    line = [sys.executable, "-I", "-S", "-X", "importtime", *command.line("ready")[3:4], "ready"]
    result = subprocess.run(line, capture_output=True, text=True, check=False)
    imported = {part.rpartition("|")[2].strip() for part in result.stderr.splitlines()}
    assert "preloader.agent.readiness" in imported
    assert not imported & {"argparse", "bz2", "json", "re", "typing", "dataclasses", "h2", "signal"}
