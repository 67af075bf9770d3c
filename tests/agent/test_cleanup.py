"""One run: what it costs the runtime, what it tells, and what it does when something goes wrong."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from preloader.agent import disk
from preloader.agent.cleanup import Cleanup, Summary
from preloader.agent.cri.messages import Container, Image, Sandbox
from preloader.agent.cri.runtime import Runtime
from preloader.agent.policy import Policy
from preloader.agent.retention.act import Outcome, Result
from preloader.agent.retention.plan import Reason
from preloader.agent.state import Memory
from tests.agent.clock import SetClock
from tests.agent.fake_runtime import Answer, FakeRuntime, HangUp, Server, Status

POLICY = Policy(pool="web", images=("nginx:3",), minimum_age_seconds=0)


def image(tag: object) -> Image:
    return Image(f"{tag!s:0>64}", (f"docker.io/library/nginx:{tag}",), size=1000)


class Node:
    """A cleanup of the fake runtime, and what it told."""

    def __init__(self, runtime: Runtime, folder: Path, policy: Policy = POLICY) -> None:
        self.clock = SetClock()
        self.memory = Memory(str(folder), policy.pool)
        self.memory.load()
        self.memory.use_list(policy.images)
        self.cleanup = Cleanup(runtime, policy, self.memory, self.clock)
        self.results: dict[str, Result] = {}

    def run(self, *, evict: bool = False) -> Summary:
        self.results.clear()
        return self.cleanup.run("by-hand", self._take, evict=evict)

    def reasons(self) -> dict[str, Reason]:
        return {key: result.decision.reason for key, result in self.results.items()}

    def _take(self, result: Result) -> None:
        self.results[result.decision.image.tags[0].rpartition(":")[2]] = result


@pytest.fixture
def node(fake: FakeRuntime, runtime: Runtime, tmp_path: Path) -> Node:
    fake.add(*(image(tag) for tag in range(1, 6)))
    return Node(runtime, tmp_path)


def test_a_run_removes_and_tells(fake: FakeRuntime, node: Node) -> None:
    summary = node.run()
    assert summary.fault is None
    assert (summary.images_before, summary.images_after) == (5, 3)
    assert summary.outcomes == {Outcome.REMOVED: 2, Outcome.KEPT: 3}
    assert summary.missing == ()
    assert not summary.failed
    assert set(node.results) == {"1", "2", "3", "4", "5"}
    assert node.memory.last_run == node.clock.now().timestamp()
    assert json.loads(node.memory.path.read_text())["last_run"] == node.memory.last_run


def test_a_run_says_how_long_it_took(fake: FakeRuntime, node: Node) -> None:
    def remove(request: bytes) -> Answer:
        node.clock.go_on(4)
        return fake._RemoveImage(request)  # noqa: SLF001

    fake.handlers["RemoveImage"] = remove
    assert node.run().duration == 8


def test_missing_images_of_the_pool_are_named_as_they_were_written(
    runtime: Runtime, fake: FakeRuntime, tmp_path: Path
) -> None:
    digest = "sha256:" + "d" * 64
    fake.add(replace(image(1), digests=(f"docker.io/library/nginx@{digest}",)))
    wanted = ("nginx:1", f"nginx@{digest}", f"nginx:7@{digest}", "nginx:2", "ghcr.io/nginx:1")
    node = Node(runtime, tmp_path, replace(POLICY, images=wanted))
    assert node.run().missing == ("nginx:2", "ghcr.io/nginx:1")
    assert node.cleanup.look() == ("nginx:2", "ghcr.io/nginx:1")


def test_a_dry_run_removes_nothing(runtime: Runtime, fake: FakeRuntime, tmp_path: Path) -> None:
    fake.add(*(image(tag) for tag in range(1, 6)))
    node = Node(runtime, tmp_path, replace(POLICY, dry_run=True))
    summary = node.run()
    assert summary.outcomes == {Outcome.WOULD_REMOVE: 2, Outcome.KEPT: 3}
    assert fake.removals() == 0


def calls(fake: FakeRuntime, node: Node) -> int:
    before = len(fake.calls)
    assert node.run().fault is None
    return len(fake.calls) - before


def test_calls_do_not_depend_on_the_number_of_containers(fake: FakeRuntime, node: Node) -> None:
    def containers(count: int) -> list[Container]:
        return [Container(f"c{number}", (image(5).id,)) for number in range(count)]

    fake.images = {each.id: each for each in (image(3), image(4))}
    fake.containers = containers(1)
    assert calls(fake, node) == 4
    fake.containers = containers(500)
    assert calls(fake, node) == 3


def test_a_container_costs_a_call_only_when_it_is_met_first(fake: FakeRuntime, node: Node) -> None:
    fake.containers = [Container(f"c{number}", (image(5).id,)) for number in range(100)]
    fake.sandboxes = [Sandbox(f"s{number}") for number in range(10)]
    first = calls(fake, node)
    fake.add(image(1), image(2))
    # The lists of images (twice), containers (twice) and sandboxes; when each new image was built;
    # per removal three to check and one to remove.
    assert calls(fake, node) == 5 + 2 + 2 * 4
    # And the file system, once.
    assert first == 5 + 5 + 2 * 4 + 110 + 1


def test_a_creation_time_costs_a_call_for_each_image_that_needs_it(
    fake: FakeRuntime, node: Node
) -> None:
    fake.images = {each.id: each for each in (image(4), image(5), image("edge"))}
    # Of these none could go.
    fake.add(*(Image(f"{tag:0>64}", (f"docker.io/redis:{tag}",)) for tag in ("77", "88")))
    fake.created = {key: f"2024-01-0{day}T00:00:00Z" for day, key in enumerate(fake.images, 1)}
    node.run()
    assert fake.calls.count("ImageStatus") == 3 + 1, "three for the times, one before the removal"
    assert node.results["4"].outcome is Outcome.REMOVED


def test_the_second_run_finds_nothing_to_do(fake: FakeRuntime, node: Node) -> None:
    node.run()
    assert node.run().outcomes == {Outcome.KEPT: 3}


def test_images_are_young_until_the_agent_has_seen_them_long_enough(
    runtime: Runtime, fake: FakeRuntime, tmp_path: Path
) -> None:
    fake.add(*(image(tag) for tag in range(1, 6)))
    fake.created = {image(tag).id: f"2024-01-0{tag + 1}T00:00:00Z" for tag in range(6)}
    node = Node(runtime, tmp_path, replace(POLICY, minimum_age_seconds=3600))
    assert node.run().young_for == 3600
    assert node.reasons()["1"] is Reason.YOUNG
    node.clock.go_on(1800)
    fake.add(image(0))
    # However far somebody sets the time of day.
    node.clock.jump(days=900)
    summary = node.run()
    assert summary.outcomes == {Outcome.KEPT: 6}
    assert summary.young_for == 3600
    node.clock.go_on(1800)
    summary = node.run()
    assert set(fake.images) == {image(tag).id for tag in (0, 3, 4, 5)}
    assert summary.young_for == 1800


def test_the_previous_list_is_kept(runtime: Runtime, fake: FakeRuntime, tmp_path: Path) -> None:
    fake.add(*(image(tag) for tag in range(1, 6)))
    before = Memory(str(tmp_path), "web")
    before.use_list(["nginx:1"])
    before.save()
    node = Node(runtime, tmp_path)
    node.run()
    assert node.reasons()["1"] is Reason.LISTED_BEFORE
    assert node.reasons()["2"] is Reason.OLD


def test_the_list_of_another_pool_on_the_node_is_kept(
    runtime: Runtime, fake: FakeRuntime, tmp_path: Path
) -> None:
    fake.add(*(image(tag) for tag in range(1, 6)))
    other = Memory(str(tmp_path), "ml")
    other.use_list(["nginx:1"])
    other.save()
    node = Node(runtime, tmp_path)
    node.run()
    assert node.reasons()["1"] is Reason.LISTED_ELSEWHERE


def test_without_its_memory_it_keeps_one_version_more_and_says_so(
    runtime: Runtime, fake: FakeRuntime, tmp_path: Path
) -> None:
    fake.add(*(image(tag) for tag in range(1, 6)))
    (tmp_path / "web.json").write_text("{")
    node = Node(runtime, tmp_path, replace(POLICY, images=("nginx:1",)))
    summary = node.run()
    assert [key for key, reason in node.reasons().items() if reason is Reason.OLD] == ["2"]
    assert any("web.json" in problem for problem in summary.problems)


@pytest.mark.parametrize("fault", ["No space left on device", "Read-only file system"])
def test_a_memory_that_cannot_be_written_keeps_nothing_more(
    runtime: Runtime, fake: FakeRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    fake.add(*(image(f"{line}.{patch}") for line in range(4) for patch in range(3)))

    def fail(*_: object) -> None:
        raise OSError(0, fault)

    monkeypatch.setattr(os, "fsync", fail)
    node = Node(runtime, tmp_path, replace(POLICY, images=()))
    # As an agent does when it starts.
    node.memory.save()
    summary = node.run()
    assert summary.outcomes == {Outcome.REMOVED: 10, Outcome.KEPT: 2}
    assert [problem.rpartition(": ")[2] for problem in summary.problems] == [fault]


def test_a_memory_that_cannot_be_written_is_in_the_summary(
    runtime: Runtime, fake: FakeRuntime, tmp_path: Path
) -> None:
    node = Node(runtime, tmp_path / "none")
    problems = " ".join(node.run().problems)
    assert "none is not there" in problems
    assert "No such file" in problems


class TestDisk:
    """What is freed is what the file system says."""

    @pytest.fixture(autouse=True)
    def _disk(self, fake: FakeRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
        def measure(path: str) -> disk.Disk:
            return disk.Disk(path, 10_000, 6_000 - 1_000 * len(fake.images))

        monkeypatch.setattr(disk, "measure", measure)

    def test_it_is_measured_before_and_after(self, node: Node) -> None:
        summary = node.run()
        assert summary.freed == 2_000
        assert summary.disk_before is not None
        assert summary.disk_before.used_percent == 90

    def test_a_disk_that_others_fill_meanwhile_is_not_glossed_over(
        self, fake: FakeRuntime, node: Node
    ) -> None:
        def pull(_: bytes) -> Answer:
            fake.add(*(image(f"{tag}-pulled") for tag in range(4)))
            return b""

        fake.handlers["RemoveImage"] = pull
        assert node.run().freed == -4_000

    def test_high_water_stops_at_low_water(
        self, runtime: Runtime, fake: FakeRuntime, tmp_path: Path
    ) -> None:
        fake.add(*(image(tag) for tag in range(1, 6)))
        policy = replace(POLICY, images=(), keep_versions=5)
        policy = replace(policy, high_water_percent=90, low_water_percent=70)
        summary = Node(runtime, tmp_path, replace(policy, high_water_evicts=True)).run(evict=True)
        assert summary.disk_after is not None
        assert summary.disk_after.used_percent == 70
        assert set(fake.images) == {image(tag).id for tag in (3, 4, 5)}


class TestWhichDisk:
    """The policy's, else the runtime's own where it can be seen, else the container's root."""

    @pytest.fixture
    def paths(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        paths: list[str] = []

        def measure(path: str) -> disk.Disk:
            paths.append(path)
            return disk.Disk(path, 100, 50)

        monkeypatch.setattr(disk, "measure", measure)
        return paths

    def test_the_policy_s(self, runtime: Runtime, tmp_path: Path, paths: list[str]) -> None:
        Node(runtime, tmp_path, replace(POLICY, image_filesystem="/images")).run()
        assert set(paths) == {"/images"}

    def test_the_runtime_s(
        self, fake: FakeRuntime, node: Node, tmp_path: Path, paths: list[str]
    ) -> None:
        fake.directories = ("/nowhere", str(tmp_path))
        node.run()
        assert set(paths) == {str(tmp_path)}

    def test_the_container_s(self, fake: FakeRuntime, node: Node, paths: list[str]) -> None:
        fake.directories = ("/nowhere",)
        node.run()
        assert set(paths) == {"/"}

    def test_one_that_cannot_be_measured_is_a_problem_and_no_more(
        self, runtime: Runtime, fake: FakeRuntime, tmp_path: Path
    ) -> None:
        fake.add(*(image(tag) for tag in range(1, 6)))
        node = Node(runtime, tmp_path, replace(POLICY, image_filesystem="/nowhere"))
        summary = node.run()
        assert summary.outcomes[Outcome.REMOVED] == 2
        assert summary.freed is None
        assert any("/nowhere" in problem for problem in summary.problems)

    def test_above_high_water_nothing_goes_for_a_disk_that_cannot_be_measured(
        self, runtime: Runtime, fake: FakeRuntime, tmp_path: Path
    ) -> None:
        fake.add(image(4), image(5))
        policy = replace(POLICY, image_filesystem="/nowhere", high_water_evicts=True)
        assert Node(runtime, tmp_path, policy).run(evict=True).outcomes == {Outcome.KEPT: 2}

    def test_used_is_what_the_kubelet_counts_as_used(self, tmp_path: Path) -> None:
        measured = disk.measure(str(tmp_path))
        assert 0 < measured.free < measured.size
        assert disk.Disk("/", 200, 50).used_percent == 75
        assert disk.Disk("/", 0, 0).used_percent == 0


@pytest.mark.parametrize("method", ["ListImages", "ListContainers", "ListPodSandbox"])
@pytest.mark.parametrize("answer", [HangUp(), Status(2, "broken"), Status(14), b"\xff"])
def test_a_list_that_fails_ends_the_run_before_it_removes_anything(
    fake: FakeRuntime, node: Node, method: str, answer: Answer
) -> None:
    fake.handlers[method] = lambda _: answer
    summary = node.run()
    assert summary.fault
    assert summary.failed
    assert fake.removals() == 0
    assert node.memory.last_run is None
    # And the next one is as if nothing had been.
    fake.handlers.clear()
    assert node.run().outcomes == {Outcome.REMOVED: 2, Outcome.KEPT: 3}


def test_a_runtime_that_restarts_in_the_middle_ends_the_run_and_what_was_done_is_told(
    fake: FakeRuntime, node: Node
) -> None:
    def remove(request: bytes) -> Answer:
        return HangUp() if fake.removals() == 2 else fake._RemoveImage(request)  # noqa: SLF001

    fake.handlers["RemoveImage"] = remove
    summary = node.run()
    assert summary.fault is not None
    assert summary.outcomes == {Outcome.REMOVED: 1}
    fake.handlers.clear()
    assert node.run().outcomes == {Outcome.REMOVED: 1, Outcome.KEPT: 3}


def test_an_image_that_cannot_be_removed_makes_the_run_fail_but_complete(
    fake: FakeRuntime, node: Node
) -> None:
    fake.handlers["RemoveImage"] = lambda _: Status(2, "in use by a snapshot")
    summary = node.run()
    assert summary.fault is None
    assert summary.failed
    assert summary.outcomes == {Outcome.FAILED: 2, Outcome.KEPT: 3}


def test_images_that_are_pulled_during_the_run_are_left_alone(
    fake: FakeRuntime, node: Node
) -> None:
    def remove(request: bytes) -> Answer:
        fake.add(image(6), image(7))
        return fake._RemoveImage(request)  # noqa: SLF001

    fake.handlers["RemoveImage"] = remove
    summary = node.run()
    assert summary.images_after == 5
    assert {image(6).id, image(7).id} <= set(fake.images)


def test_two_agents_remove_together_what_one_would(
    server: Server, fake: FakeRuntime, tmp_path: Path, node: Node
) -> None:
    other = Node(Runtime(server.path), tmp_path)

    def remove(request: bytes) -> Answer:
        fake.handlers.clear()
        other.run()
        return fake._RemoveImage(request)  # noqa: SLF001

    fake.handlers["RemoveImage"] = remove
    assert node.run().fault is None
    assert set(fake.images) == {image(tag).id for tag in (3, 4, 5)}
    assert json.loads(node.memory.path.read_text())["format"] == 1
