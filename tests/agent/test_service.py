"""The agent's life: it starts without a runtime or a valid policy, and outlasts their troubles."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from preloader.agent import disk, watchdog
from preloader.agent.cri.messages import Image
from preloader.agent.policy import MetricsAddress, Policy
from preloader.agent.readiness import STALE_SECONDS, why_not_ready
from preloader.agent.reporting import endpoint
from preloader.agent.reporting.endpoint import Endpoint
from preloader.agent.reporting.health import Health
from preloader.agent.service import (
    GIVE_UP_SECONDS,
    LOOK_SECONDS,
    LOOPBACK,
    SAVE_SECONDS,
    Place,
    Service,
    serve,
)
from tests.agent.clock import SetClock
from tests.agent.fake_runtime import FakeRuntime, HangUp, Server, Status

pytestmark = pytest.mark.slow

POLICY = Policy(pool="web", minimum_age_seconds=0, jitter_seconds=0, high_water_percent=None)


def image(tag: int) -> Image:
    return Image(f"{tag:064}", (f"docker.io/library/nginx:{tag}",))


class Agent:
    """An agent on the fake runtime, whose clock a test sets."""

    def __init__(self, place: Place, output: Callable[[], str]) -> None:
        self.place, self._output = place, output
        self.clock = SetClock()

    def start(self, policy: Policy = POLICY) -> None:
        self.health = Health(self.place.ready)
        self.service = Service(self.place, policy, self.health, self.clock)

    def tick(self, seconds: float = 0) -> list[dict[str, Any]]:
        """Goes on in time, does what is due, and returns what the agent says."""
        self.clock.go_on(seconds)
        self.service.tick()
        return self.said()

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._output().splitlines()]

    def why_not_ready(self) -> str | None:
        return why_not_ready(self.place.ready, self.clock.uptime())


@pytest.fixture
def agent(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Agent:
    paths = (str(tmp_path / name) for name in ("policy.json", "ready"))
    policy, ready = paths
    place = Place("node-1", policy, server.path, str(tmp_path), ready)
    return Agent(place, lambda: capsys.readouterr().out)


def events(lines: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == event]


def test_it_cleans_up_when_it_starts_and_says_so(fake: FakeRuntime, agent: Agent) -> None:
    fake.add(*(image(tag) for tag in range(1, 4)))
    agent.start()
    lines = agent.tick()
    [summary] = events(lines, "summary")
    assert (summary["trigger"], summary["node"], summary["pool"]) == ("start", "node-1", "web")
    assert summary["next_run"] == "2026-03-05T03:00:00Z"
    assert len(events(lines, "decision")) == 3
    assert agent.tick(10) == []


def test_between_two_calls_to_the_runtime_it_says_that_it_does_not_hang(
    fake: FakeRuntime, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[int] = []
    monkeypatch.setattr(watchdog, "alive", lambda: said.append(len(fake.calls)))
    fake.add(*(image(tag) for tag in range(1, 4)))
    agent.start()
    agent.tick()
    assert set(said) >= set(range(len(fake.calls)))


def test_every_line_is_written_as_it_comes(fake: FakeRuntime, agent: Agent) -> None:
    fake.add(*(image(tag) for tag in range(1, 4)))
    agent.start()
    said: list[dict[str, Any]] = []
    good = fake._ListPodSandbox  # noqa: SLF001
    fake.handlers["RemoveImage"] = lambda _: Status(2)
    fake.handlers["ListPodSandbox"] = lambda r: (said.extend(agent.said()), good(r))[1]
    agent.tick()
    assert said == []
    assert why_not_ready(agent.place.ready, agent.clock.uptime()) is None


def test_it_is_ready_while_the_runtime_answers(server: Server, agent: Agent) -> None:
    agent.start()
    agent.tick()
    assert agent.why_not_ready() is None
    server.stop()
    problems = events(agent.tick(30), "problem")
    assert ["runtime" in problem["problem"] for problem in problems] == [True]
    assert "No such file" in str(agent.why_not_ready())
    # It says so once.
    assert agent.tick(30) == []
    server.start()
    agent.tick(30)
    assert agent.why_not_ready() is None
    server.stop()
    assert len(agent.tick(30)) == 1


def test_it_starts_before_the_runtime(server: Server, fake: FakeRuntime, agent: Agent) -> None:
    fake.add(*(image(tag) for tag in range(1, 4)))
    server.stop()
    agent.start()
    assert [line["event"] for line in agent.tick()] == ["problem"]
    server.start()
    [summary] = events(agent.tick(30), "summary")
    assert summary["outcomes"]["removed"] == 1


def test_a_run_that_breaks_off_is_made_up_for(fake: FakeRuntime, agent: Agent) -> None:
    fake.add(*(image(tag) for tag in range(1, 4)))
    fake.handlers["RemoveImage"] = lambda _: HangUp()
    agent.start()
    [summary] = events(agent.tick(), "summary")
    assert summary["fault"]
    assert summary["next_run"] is None
    assert agent.why_not_ready() is not None
    fake.handlers.clear()
    [summary] = events(agent.tick(30), "summary")
    assert summary["outcomes"]["removed"] == 1


def test_a_replaced_socket_is_followed(server: Server, fake: FakeRuntime, agent: Agent) -> None:
    agent.start()
    agent.tick()
    server.stop()
    server.start()
    assert agent.tick(30) == []
    assert agent.why_not_ready() is None
    assert fake.calls[-1] == "ListImages"


def test_an_unforeseen_answer_makes_it_unwell_and_not_dead(fake: FakeRuntime, agent: Agent) -> None:
    agent.start()
    fake.handlers["ListImages"] = lambda _: b"\xff"
    agent.tick()
    assert agent.why_not_ready() is not None


def test_above_high_water_it_cleans_up_at_once(
    fake: FakeRuntime, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 50
    monkeypatch.setattr(disk, "measure", lambda path: disk.Disk(path, 100, free))
    agent.start(replace(POLICY, high_water_percent=80, high_water_evicts=True))
    agent.tick()
    fake.add(image(1), image(2))
    free = 20
    [summary] = events(agent.tick(10), "summary")
    assert summary["trigger"] == "high-water"
    assert summary["outcomes"]["removed"] == 2


def test_without_permission_high_water_leaves_the_newest_versions(
    fake: FakeRuntime, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "measure", lambda path: disk.Disk(path, 100, 10))
    fake.add(*(image(tag) for tag in range(1, 4)))
    agent.start(replace(POLICY, high_water_percent=80, images=("not-here",)))
    [summary] = events(agent.tick(), "summary")
    assert summary["trigger"] == "high-water"
    assert set(fake.images) == {image(2).id, image(3).id}


def test_a_disk_that_cannot_be_measured_is_said_once(agent: Agent) -> None:
    policy = replace(POLICY, high_water_percent=80, image_filesystem="/nowhere", images=("x",))
    agent.start(policy)
    assert len(events(agent.tick(), "problem")) == 1
    assert agent.tick(10) == []


def test_a_memory_that_cannot_be_kept_is_said_at_the_start(agent: Agent) -> None:
    agent.place = replace(agent.place, state="/nowhere")
    agent.start()
    assert {line["event"] for line in agent.said()} == {"problem"}


def test_a_readiness_file_that_cannot_be_written_is_said_once(agent: Agent) -> None:
    agent.place = replace(agent.place, ready="/nowhere/ready")
    agent.start(replace(POLICY, images=("x",)))
    [problem] = agent.tick()
    assert "/nowhere/ready" in problem["problem"]
    assert agent.tick(10) == []


def test_an_image_is_as_old_as_the_agent_has_seen_it_and_not_only_its_runs(
    fake: FakeRuntime, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 50
    monkeypatch.setattr(disk, "measure", lambda path: disk.Disk(path, 100, free))
    agent.start(replace(POLICY, minimum_age_seconds=600, high_water_percent=80))
    agent.tick()
    fake.add(*(image(tag) for tag in range(1, 4)))
    for _ in range(64):
        assert events(agent.tick(10), "summary") == []
    free = 20
    [summary] = events(agent.tick(10), "summary")
    assert (summary["trigger"], summary["outcomes"]["removed"]) == ("high-water", 1)


def test_what_it_saw_survives_a_crash(fake: FakeRuntime, agent: Agent) -> None:
    agent.start()
    agent.tick()
    fake.add(image(1))
    for _ in range(SAVE_SECONDS // 10):
        agent.tick(10)
    # No end that could write anything.
    agent.start()
    fake.add(image(2), image(3))
    agent.tick(10)
    ages = agent.service._memory.ages(agent.clock.uptime())  # noqa: SLF001
    assert ages[image(1).id] >= SAVE_SECONDS - 30
    assert ages[image(2).id] == 0


def test_where_the_runtime_does_not_answer_for_long_another_process_tries(
    agent: Agent, server: Server
) -> None:
    Path(agent.place.policy).write_text(json.dumps(POLICY.as_mapping()))
    start = agent.clock.uptime()
    server.stop()
    serve(agent.place, agent.clock)
    assert 0 < agent.clock.uptime() - start - GIVE_UP_SECONDS <= LOOK_SECONDS
    assert server.path in str(agent.why_not_ready())


def test_a_runtime_that_answers_now_and_then_is_no_reason_to_end(
    agent: Agent, server: Server
) -> None:
    agent.start()
    for _ in range(5):
        server.stop()
        agent.tick(GIVE_UP_SECONDS - LOOK_SECONDS)
        assert not agent.service.gave_up
        server.start()
        agent.tick(LOOK_SECONDS)
        assert not agent.service.gave_up


class TestReadiness:
    """The check of another process, by the agent's file."""

    def test_an_agent_that_was_not_heard_of_for_long_is_not_ready(self, agent: Agent) -> None:
        agent.start()
        agent.tick()
        agent.clock.go_on(STALE_SECONDS - 1)
        assert agent.why_not_ready() is None
        agent.clock.go_on(1)
        assert "300 s ago" in str(agent.why_not_ready())

    def test_the_time_of_day_does_not_matter(self, agent: Agent) -> None:
        agent.start()
        agent.tick()
        agent.clock.jump(days=900)
        assert agent.why_not_ready() is None

    def test_a_file_of_an_earlier_boot_is_none(self, agent: Agent) -> None:
        agent.start()
        agent.tick()
        agent.clock.seconds = 5
        assert agent.why_not_ready() is not None

    @pytest.mark.parametrize("content", ["", "{}", "5", "5\n9", "nan\n", "\n", "x\n", "1e999\n"])
    def test_a_file_that_says_nothing_is_not_ready(self, tmp_path: Path, content: str) -> None:
        file = tmp_path / "ready"
        file.write_text(content)
        assert why_not_ready(str(file), 10) is not None


class Stop(Exception):
    """Ends an agent that would go on for ever."""


class TestInvalidPolicy:
    """The agent says so, removes nothing, and stays there, not ready, until it is mended."""

    @pytest.fixture
    def ticks(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """The sleeps of an agent; the fourth ends it."""
        sleeps: list[float] = []

        def sleep(clock: SetClock, seconds: float) -> None:
            sleeps.append(seconds)
            clock.go_on(seconds)
            if len(sleeps) == 4:
                raise Stop

        monkeypatch.setattr(SetClock, "sleep", sleep)
        return sleeps

    @pytest.mark.usefixtures("ticks")
    @pytest.mark.parametrize("content", [None, "{", '{"pool": "web", "keep_versions": 0}'])
    def test_it_says_so_once_and_is_not_ready(
        self, fake: FakeRuntime, agent: Agent, content: str | None
    ) -> None:
        if content is not None:
            Path(agent.place.policy).write_text(content)
        with pytest.raises(Stop):
            serve(agent.place, agent.clock)
        [problem] = agent.said()
        assert "the policy cannot be used" in problem["problem"]
        assert agent.why_not_ready() == "the policy is invalid"
        assert fake.calls == []

    def test_it_goes_on_when_the_policy_is_mended(
        self, fake: FakeRuntime, agent: Agent, ticks: list[float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Path(agent.place.policy).write_text("{")
        wait = SetClock.sleep

        def mend(clock: SetClock, seconds: float) -> None:
            Path(agent.place.policy).write_text(json.dumps(POLICY.as_mapping()))
            wait(clock, seconds)

        monkeypatch.setattr(SetClock, "sleep", mend)
        with pytest.raises(Stop):
            serve(agent.place, agent.clock)
        assert [line["event"] for line in agent.said()] == ["problem", "summary"]
        assert agent.why_not_ready() is None
        assert len(ticks) == 4
        assert "ListImages" in fake.calls


class TestMetrics:
    """The endpoint, off unless the policy names a port."""

    @pytest.fixture
    def url(self, agent: Agent, endpoints: list[Endpoint], metered: Policy) -> str:
        agent.start(metered)
        host, port = endpoints[0].server_address[:2]
        assert host == "127.0.0.1"
        return f"http://127.0.0.1:{port}"

    def get(self, url: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def test_metrics_tell_what_was_done(self, fake: FakeRuntime, agent: Agent, url: str) -> None:
        fake.add(*(image(tag) for tag in range(1, 4)))
        agent.tick()
        status, text = self.get(f"{url}/metrics")
        assert status == 200
        values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        prefix = "image_preloader_cleanup"
        assert values[f"{prefix}_ready"] == "1"
        assert values[f'{prefix}_runs_total{{trigger="start",result="completed"}}'] == "1"
        assert values[f'{prefix}_images_total{{outcome="removed"}}'] == "1"
        assert values[f'{prefix}_images_total{{outcome="failed"}}'] == "0"
        assert values[f"{prefix}_images"] == "2"
        assert values[f"{prefix}_missing_images"] == "0"
        assert values[f"{prefix}_last_run_timestamp_seconds"] == "1772618400"
        assert values[f"{prefix}_next_run_timestamp_seconds"] == "1772679600"
        assert 0 < float(values[f"{prefix}_disk_used_ratio"]) < 1

    def test_every_metric_is_described(self, agent: Agent, url: str) -> None:
        agent.tick()
        _, text = self.get(f"{url}/metrics")
        kinds = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
        samples = [line for line in text.splitlines() if not line.startswith("#")]
        assert {sample.partition("{")[0].partition(" ")[0] for sample in samples} == kinds
        assert text.count("# HELP") == len(kinds)

    def test_health_and_readiness_are_apart(self, server: Server, agent: Agent, url: str) -> None:
        agent.tick()
        assert self.get(f"{url}/healthz") == (200, "ok")
        assert self.get(f"{url}/readyz") == (200, "ok")
        server.stop()
        agent.tick(30)
        assert self.get(f"{url}/healthz") == (200, "ok")
        assert self.get(f"{url}/readyz")[0] == 503
        agent.clock.go_on(STALE_SECONDS)
        assert self.get(f"{url}/healthz")[0] == 503
        assert self.get(f"{url}/readyz") == (503, "the agent hangs")

    def test_metrics_can_be_had_before_the_first_run(self, url: str) -> None:
        status, text = self.get(f"{url}/metrics")
        assert status == 200
        assert "image_preloader_cleanup_ready 0" in text

    def test_a_port_that_is_taken_is_tried_again(
        self, fake: FakeRuntime, agent: Agent, endpoints: list[Endpoint], metered: Policy
    ) -> None:
        place = LOOPBACK, metered.metrics_port
        with socket.create_server(place):
            agent.start(metered)
            [problem] = events(agent.said(), "problem")
            assert "in use" in problem["problem"]
            assert events(agent.tick(LOOK_SECONDS), "problem") == []
            assert "ListImages" in fake.calls
        agent.tick(LOOK_SECONDS)
        assert self.get("http://{}:{}/healthz".format(*place)) == (200, "ok")
        agent.tick(LOOK_SECONDS)
        assert len(endpoints) == 1

    def test_on_the_nodes_address_it_listens_there_alone(
        self, agent: Agent, endpoints: list[Endpoint], metered: Policy
    ) -> None:
        agent.place = replace(agent.place, address="127.0.0.2")
        agent.start(replace(metered, metrics_address=MetricsAddress.NODE))
        assert endpoints[0].server_address[0] == "127.0.0.2"

    def test_without_the_nodes_address_it_listens_nowhere(
        self, agent: Agent, endpoints: list[Endpoint], metered: Policy
    ) -> None:
        agent.start(replace(metered, metrics_address=MetricsAddress.NODE))
        [problem] = events(agent.said(), "problem")
        assert "NODE_ADDRESS" in problem["problem"]
        assert endpoints == []

    def test_without_a_port_nothing_listens(self, agent: Agent, endpoints: list[Endpoint]) -> None:
        agent.start()
        agent.tick(LOOK_SECONDS)
        assert endpoints == []


@pytest.fixture
def metered() -> Policy:
    """A policy with metrics on a port of the loopback that is free."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
    return replace(POLICY, metrics_port=port, metrics_address=MetricsAddress.LOOPBACK)


@pytest.fixture
def endpoints(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Endpoint]]:
    """Those that were started."""
    started: list[Endpoint] = []

    class Noted(Endpoint):
        def __init__(self, *inputs: Any) -> None:
            super().__init__(*inputs)
            started.append(self)

    monkeypatch.setattr(endpoint, "Endpoint", Noted)
    yield started
    for each in started:
        each.shutdown()
        each.server_close()
