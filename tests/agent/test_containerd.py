"""The agent, as the archive that the nodes run, on a real containerd.

There is no kubelet here: sandboxes and containers are made by CRI, as a kubelet makes them.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from preloader.bundle import build_agent
from tests.agent.containerd import PAUSE, Containerd, run_containerd
from tests.agent.images import TestImage, sleeper

# One containerd for all of them, beside the cluster of `tests/node`.
pytestmark = [pytest.mark.node, pytest.mark.xdist_group("containerd")]

KIB, MIB = 1024, 1024 * 1024
SECONDS = 60


@pytest.fixture(scope="module")
def running() -> Iterator[Containerd]:
    with run_containerd() as containerd:
        yield containerd


@pytest.fixture
def containerd(running: Containerd) -> Iterator[Containerd]:
    """A containerd that holds nothing but the sandbox image."""
    running.add(sleeper(PAUSE))
    yield running
    running.clear()


class Agent:
    """The archive, on one containerd."""

    def __init__(self, folder: Path, containerd: Containerd) -> None:
        self.folder, self._containerd = folder, containerd
        self._archive = folder / "agent.pyz"
        self._archive.write_bytes(build_agent())
        self.ready = folder / "ready"
        self.policy()

    def policy(self, **values: Any) -> None:
        policy = {
            "pool": "web",
            "minimum_age_seconds": 0,
            "high_water_percent": None,
            "image_filesystem": str(self._containerd.disk),
            **values,
        }
        (self.folder / "policy.json").write_text(json.dumps(policy))

    def line(self, *words: str, state: str = "state") -> list[str]:
        (self.folder / state).mkdir(exist_ok=True)
        line = [sys.executable, "-I", "-S", str(self._archive), *words]
        line += ["--socket", str(self._containerd.socket), "--state", str(self.folder / state)]
        return [*line, "--policy", str(self.folder / "policy.json")]

    def once(self, **values: str) -> dict[str, Any]:
        """Runs once; returns the summary, with the decisions by each tag under `by_tag`."""
        result = subprocess.run(
            self.line("run", "--once", **values),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert result.stderr == ""
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        summary = next(line for line in lines if line["event"] == "summary")
        decisions = [line for line in lines if line["event"] == "decision"]
        summary["by_tag"] = {tag: line for line in decisions for tag in line["tags"]}
        return summary


@pytest.fixture
def agent(tmp_path: Path, containerd: Containerd) -> Agent:
    return Agent(tmp_path, containerd)


def images(*names: str, size: int = KIB) -> list[TestImage]:
    """An image for each name, each with other content, built one day after another."""
    return [
        TestImage(
            name if "/" in name else f"docker.io/library/{name}",
            content=os.urandom(size),
            created=f"2024-{index // 28 + 1:02}-{index % 28 + 1:02}T00:00:00Z",
        )
        for index, name in enumerate(names)
    ]


def short(names: set[str]) -> set[str]:
    return {name.removeprefix("docker.io/library/") for name in names}


ARTICLE = (
    *("nginx:1.23", "nginx:1.24", "nginx:1.25", "nginx:1.26"),
    *("python:3.12", "python:3.13", "python:3.14"),
    *("golang:1.24", "golang:1.25"),
    *("the-app:v1.0", "the-app:v1.1", "the-app:v1.2", "the-app:v1.3"),
)
ARTICLE_REMOVED = {"nginx:1.23", "nginx:1.24", "python:3.12", "the-app:v1.0", "the-app:v1.1"}


def test_the_article_s_inventory_gives_the_article_s_result(
    containerd: Containerd, agent: Agent
) -> None:
    containerd.add(*images(*ARTICLE))
    summary = agent.once()
    assert short(containerd.tags()) == set(ARTICLE) - ARTICLE_REMOVED
    assert (summary["images_before"], summary["images_after"]) == (14, 9)
    assert agent.once()["outcomes"]["removed"] == 0


def test_no_reference_of_a_removed_image_is_left_and_all_of_a_kept_one(
    containerd: Containerd, agent: Agent
) -> None:
    built = containerd.add(*images("a:1", "a:2", "a:3"))
    before = containerd.references()
    agent.once()
    gone = built["docker.io/library/a:1"]
    assert before - containerd.references() == {
        "docker.io/library/a:1",
        f"docker.io/library/a@{gone.digest}",
        gone.image_id,
    }


def test_what_is_removed_frees_the_disk_and_the_report_says_how_much(
    containerd: Containerd, agent: Agent
) -> None:
    containerd.add(*images("a:1", "a:2", "a:3", "a:4", size=20 * MIB))
    before = os.statvfs(containerd.disk)
    summary = agent.once()
    after = os.statvfs(containerd.disk)
    freed = (after.f_bavail - before.f_bavail) * before.f_frsize
    # Random bytes do not compress: each image is there once packed and once unpacked.
    assert freed > 2 * 2 * 19 * MIB
    assert abs(summary["freed_bytes"] - freed) < MIB
    assert summary["disk_after"]["size_bytes"] == 512 * MIB


def test_repositories_of_a_registry_with_a_port_are_apart(
    containerd: Containerd, agent: Agent
) -> None:
    names = [f"reg.local:5000/{name}:1" for name in ("api", "app", "db", "web")]
    containerd.add(*images(*names, "reg.local:5000/app:2", "reg.local:5000/app:3"))
    agent.once()
    assert containerd.tags() == {*names, "reg.local:5000/app:2", "reg.local:5000/app:3"} - {
        "reg.local:5000/app:1"
    }


def test_images_by_digest_alone_count_by_when_they_were_built(
    containerd: Containerd, agent: Agent
) -> None:
    built = containerd.add(*images(*(f"ghcr.io/acme/app:{version}" for version in (1, 2, 3))))
    containerd.untag(*built)
    references = containerd.references()
    summary = agent.once()
    first = built["ghcr.io/acme/app:1"]
    assert summary["outcomes"]["removed"] == 1
    assert references - containerd.references() == {
        f"ghcr.io/acme/app@{first.digest}",
        first.image_id,
    }


def test_several_tags_of_one_image_are_one_version(containerd: Containerd, agent: Agent) -> None:
    containerd.add(*images("a:1.1", "a:1.2", "a:1.3"))
    containerd.tag("docker.io/library/a:1.3", "docker.io/library/a:1", "docker.io/library/a:latest")
    containerd.tag("docker.io/library/a:1.1", "docker.io/library/a:stable")
    agent.once()
    assert short(containerd.tags()) == {"a:1.2", "a:1.3", "a:1", "a:latest"}


def test_an_image_in_two_repositories_goes_when_both_let_it_go(
    containerd: Containerd, agent: Agent
) -> None:
    containerd.add(*images("a:1", "a:2", "a:3"))
    containerd.tag("docker.io/library/a:1", "reg.local:5000/mirror:1")
    agent.once()
    assert "docker.io/library/a:1" in containerd.tags()
    containerd.add(*images("reg.local:5000/mirror:2", "reg.local:5000/mirror:3"))
    agent.once()
    assert not {"docker.io/library/a:1", "reg.local:5000/mirror:1"} & containerd.tags()


def test_pinned_local_and_sandbox_images_stay(containerd: Containerd, agent: Agent) -> None:
    local = [f"localhost/kubernetes/pause:{version}" for version in ("3.8", "3.9", "3.10")]
    containerd.add(*images(*local, "a:1", "a:2", "a:3"))
    containerd.ctr("images", "label", "docker.io/library/a:1", "io.cri-containerd.pinned=pinned")
    # The sandbox image has newer versions, which are not the one that sandboxes use.
    repository = PAUSE.rpartition(":")[0]
    containerd.add(*images(*(f"{repository}:3.{minor}" for minor in (11, 12, 13))))
    by_tag = agent.once()["by_tag"]
    assert {by_tag[name]["reason"] for name in local} == {"localhost"}
    assert by_tag["docker.io/library/a:1"]["reason"] == "pinned"
    assert by_tag[PAUSE]["reason"] == "pinned"
    assert by_tag[f"{repository}:3.11"]["outcome"] == "removed"


def test_the_image_of_a_sandbox_stays_though_the_runtime_has_another_by_now(
    containerd: Containerd, agent: Agent
) -> None:
    containerd.run_pod("old")
    repository = PAUSE.rpartition(":")[0]
    containerd.add(*images(f"{repository}:4", f"{repository}:5"))
    containerd.stop()
    containerd.start(sandbox_image=f"{repository}:5")
    try:
        containerd.unpin(PAUSE)
        decision = agent.once()["by_tag"][PAUSE]
    finally:
        containerd.stop()
        containerd.start()
    assert (decision["outcome"], decision["reason"]) == ("kept", "used-by-sandbox")
    assert decision["explain"] == "default/old"


class TestInUse:
    """What a container uses stays, whatever the container's state and whatever it calls it."""

    @pytest.fixture(autouse=True)
    def _images(self, containerd: Containerd) -> None:
        containerd.add(sleeper("docker.io/library/a:1", content=b"1"), *images("a:2", "a:3", "a:4"))

    def test_created(self, containerd: Containerd, agent: Agent) -> None:
        containerd.run_pod("app", ["docker.io/library/a:1"])
        decision = agent.once()["by_tag"]["docker.io/library/a:1"]
        assert (decision["outcome"], decision["reason"]) == ("kept", "used-by-container")
        assert short(containerd.tags()) == {"a:1", "a:3", "a:4"}

    def test_running_and_then_exited(self, containerd: Containerd, agent: Agent) -> None:
        pod = containerd.run_pod("app", ["docker.io/library/a:1"], start=True)
        assert agent.once()["by_tag"]["docker.io/library/a:1"]["outcome"] == "kept"
        pod.stop()
        assert agent.once()["by_tag"]["docker.io/library/a:1"]["outcome"] == "kept"
        pod.remove()
        assert agent.once()["by_tag"]["docker.io/library/a:1"]["outcome"] == "removed"

    def test_under_another_name(self, containerd: Containerd, agent: Agent) -> None:
        containerd.run_pod("app", ["docker.io/library/a:1"])
        containerd.tag("docker.io/library/a:1", "docker.io/library/a:1-other")
        containerd.untag("docker.io/library/a:1")
        agent.once()
        assert short(containerd.tags()) == {"a:1-other", "a:3", "a:4"}

    def test_mounted(self, containerd: Containerd, agent: Agent) -> None:
        pod = containerd.run_pod("app")
        pod.add_container("c", "docker.io/library/a:4", volumes=["docker.io/library/a:2"])
        decision = agent.once()["by_tag"]["docker.io/library/a:2"]
        assert (decision["outcome"], decision["reason"]) == ("kept", "used-by-container")


def test_lists_and_globs_keep_what_they_name(containerd: Containerd, agent: Agent) -> None:
    built = containerd.add(*images("a:1", "a:2", "a:3", "a:4", "a:5", "b:1", "b:2", "b:3"))
    by_digest = f"a@{built['docker.io/library/a:2'].digest}"
    agent.policy(images=["a:1"], dry_run=True)
    agent.once()
    agent.policy(images=[by_digest], protect=["b:1"])
    reasons = {tag: line["reason"] for tag, line in agent.once()["by_tag"].items()}
    assert reasons["docker.io/library/a:1"] == "in-previous-list"
    assert reasons["docker.io/library/a:2"] == "in-list"
    assert reasons["docker.io/library/b:1"] == "protected"
    assert short(containerd.tags()) == {"a:1", "a:2", "a:4", "a:5", "b:1", "b:2", "b:3"}


def test_a_mixed_repository_is_ordered_by_version_and_time(
    containerd: Containerd, agent: Agent
) -> None:
    # Built one day after another, in this order.
    containerd.add(*images("a:1.9", "a:1.10", "a:main", "a:1.11", "a:latest"))
    agent.once()
    assert short(containerd.tags()) == {"a:1.11", "a:latest"}


def test_an_image_without_a_time_counts_as_built_when_it_appeared(
    containerd: Containerd, agent: Agent
) -> None:
    undated = TestImage("docker.io/library/a:main", content=b"undated", created=None)
    containerd.add(undated, *images("a:1", "a:2", "a:3"))
    by_tag = agent.once()["by_tag"]
    assert "on the node since" in by_tag["docker.io/library/a:main"]["explain"]
    assert short(containerd.tags()) == {"a:3", "a:main"}


def test_an_image_that_lost_every_name_goes_and_frees_its_disk(
    containerd: Containerd, agent: Agent
) -> None:
    built = containerd.add(*images("a:1", "a:2"))
    lost = built["docker.io/library/a:1"]
    containerd.untag("docker.io/library/a:1", f"docker.io/library/a@{lost.digest}")
    assert lost.image_id in containerd.references()
    result = subprocess.run(agent.line("plan"), capture_output=True, text=True, check=True)
    assert f"would-remove  {lost.image_id}  (unnamed: no tag or digest" in result.stdout
    outcomes = agent.once()["outcomes"]
    assert (outcomes["removed"], outcomes["kept"]) == (1, 2)
    assert lost.image_id not in containerd.references()
    assert short(containerd.tags()) == {"a:2"}


def test_a_dry_run_and_a_plan_remove_nothing(containerd: Containerd, agent: Agent) -> None:
    containerd.add(*images("a:1", "a:2", "a:3"))
    before = containerd.references()
    agent.policy(dry_run=True)
    assert agent.once()["outcomes"]["would-remove"] == 1
    result = subprocess.run(agent.line("plan"), capture_output=True, text=True, check=True)
    assert "would-remove  docker.io/library/a:1" in result.stdout
    assert containerd.references() == before


def test_above_high_water_unused_images_go_until_low_water(
    containerd: Containerd, agent: Agent, start: "Start"
) -> None:
    # About 40 MiB each of 512, packed and unpacked.
    containerd.add(*images(*(f"{name}:1" for name in "abcdefgh"), size=20 * MIB))
    containerd.run_pod("app", ["docker.io/library/a:1"])
    marks = {"high_water_percent": 50, "low_water_percent": 30, "high_water_evicts": True}
    agent.policy(images=["b:1"], **marks)
    start()
    wait_until(lambda: len(containerd.tags()) <= 4)
    time.sleep(0.5)
    state = os.statvfs(containerd.disk)
    assert 0.2 < 1 - state.f_bavail / state.f_blocks <= 0.30
    assert {"a:1", "b:1"} <= short(containerd.tags())


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(agent: Agent) -> Iterator[Start]:
    """Starts an agent that goes on, and is ended with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(state: str = "state") -> subprocess.Popen[bytes]:
        line = [*agent.line("run", state=state), "--ready", str(agent.folder / f"{state}.ready")]
        with (agent.folder / f"{state}.log").open("wb") as log:
            started.append(subprocess.Popen(line, stdout=log))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def lines(agent: Agent, event: str, state: str = "state") -> list[dict[str, Any]]:
    log = (agent.folder / f"{state}.log").read_text().splitlines()
    return [line for line in map(json.loads, log) if line["event"] == event]


class TestFaults:
    """What happens to a real runtime: the agent keeps working and loses nothing."""

    def test_an_image_that_comes_into_use_between_plan_and_act_stays(
        self, containerd: Containerd, agent: Agent
    ) -> None:
        names = [f"a:{version}" for version in range(20)]
        containerd.add(*images(*names, size=200 * KIB))
        newest = {f"docker.io/library/{name}" for name in names[-2:]}
        pod = containerd.run_pod("app")
        # Stopped after its first removal, with the others planned.
        with subprocess.Popen(agent.line("run", "--once"), stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGSTOP)
            used = max(containerd.tags() - newest, key=lambda tag: int(tag.rpartition(":")[2]))
            pod.add_container("c", used)
            process.send_signal(signal.SIGCONT)
            rest = [json.loads(line) for line in process.stdout]
        [decision] = [line for line in rest if line.get("tags") == [used]]
        assert decision["outcome"] == "kept"
        assert "used by default/c since" in decision["change"]

    def test_the_runtime_restarts_in_the_middle_of_a_run(
        self, containerd: Containerd, agent: Agent, start: Start
    ) -> None:
        containerd.add(*images(*(f"a:{version}" for version in range(40)), size=100 * KIB))
        containerd.run_pod("app", ["docker.io/library/a:0"], start=False)
        start()
        wait_until(lambda: lines(agent, "decision"))
        containerd.stop(by=signal.SIGKILL)
        wait_until(lambda: lines(agent, "summary"))
        containerd.start()
        wait_until(lambda: any(not each["fault"] for each in lines(agent, "summary")))
        assert short(containerd.tags()) == {"a:0", "a:38", "a:39"}

    def test_the_runtime_is_down_at_the_start(
        self, containerd: Containerd, agent: Agent, start: Start
    ) -> None:
        containerd.add(*images("a:1", "a:2", "a:3"))
        containerd.stop()
        start()
        wait_until(lambda: lines(agent, "problem"))
        containerd.start()
        wait_until(lambda: lines(agent, "summary"))
        assert short(containerd.tags()) == {"a:2", "a:3"}

    def test_a_restart_replaces_the_socket_and_the_agent_follows(
        self, containerd: Containerd, agent: Agent, start: Start
    ) -> None:
        start()
        wait_until(lambda: lines(agent, "summary"))
        # By its time: a file system gives the number of a file that is gone to the next one.
        made = containerd.socket.stat().st_ctime_ns
        containerd.stop()
        containerd.start()
        ready = agent.folder / "state.ready"
        beat = ready.stat().st_mtime
        assert containerd.socket.stat().st_ctime_ns != made
        wait_until(lambda: ready.stat().st_mtime > beat + 1)
        assert ready.read_text().endswith("\n")

    def test_two_agents_on_one_node_do_what_one_would(
        self, containerd: Containerd, agent: Agent, start: Start
    ) -> None:
        containerd.add(*images(*(f"a:{version}" for version in range(30))))
        start("one")
        start("two")
        for state in ("one", "two"):
            wait_until(lambda state=state: lines(agent, "summary", state))
        assert short(containerd.tags()) == {"a:28", "a:29"}
        for state in ("one", "two"):
            outcomes = lines(agent, "summary", state)[0]["outcomes"]
            assert outcomes["failed"] == 0
            assert outcomes["removed"] + outcomes["gone"] <= 28

    def test_images_that_are_pulled_while_it_runs_stay(
        self, containerd: Containerd, agent: Agent
    ) -> None:
        containerd.add(*images(*(f"a:{version}" for version in range(40)), size=50 * KIB))
        more = images("a:100", "a:101", "b:1")
        puller = threading.Thread(target=lambda: containerd.add(*more))
        puller.start()
        agent.once()
        puller.join()
        assert {"a:100", "a:101", "b:1"} <= short(containerd.tags())

    def test_terminated_in_the_middle_of_a_run_the_node_is_as_good_as_before(
        self, containerd: Containerd, agent: Agent, start: Start
    ) -> None:
        containerd.add(*images(*(f"a:{version}" for version in range(40)), size=100 * KIB))
        process = start()
        wait_until(lambda: lines(agent, "decision"))
        process.terminate()
        assert process.wait(5) == 143
        agent.once()
        assert short(containerd.tags()) == {"a:38", "a:39"}

    def test_a_disk_that_is_full_is_cleaned_up_all_the_same(
        self, containerd: Containerd, agent: Agent
    ) -> None:
        containerd.add(*images("a:1", "a:2", "a:3", size=20 * MIB))
        filler = containerd.disk / "filler"
        try:
            with pytest.raises(OSError, match="No space"):
                filler.write_bytes(bytes(512 * MIB))
            summary = agent.once()
        finally:
            filler.unlink()
        assert summary["disk_before"]["free_bytes"] < MIB
        assert summary["outcomes"]["removed"] == 1
        assert summary["freed_bytes"] > 30 * MIB


def test_a_container_sees_the_fullness_of_the_image_disk_at_its_own_root(
    containerd: Containerd,
) -> None:
    """Which is why the pod needs no mount to measure it."""
    containerd.add(sleeper("docker.io/library/sleeper:1", content=b"x"))
    pod = containerd.run_pod("app")
    container = pod.add_container("c", "docker.io/library/sleeper:1", start=True)
    inside = os.statvfs(f"/proc/{containerd.process_of(container)}/root")
    disk = os.statvfs(containerd.disk)
    assert (inside.f_blocks, inside.f_bavail) == (disk.f_blocks, disk.f_bavail)
