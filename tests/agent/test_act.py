"""Acting: only what the plan says, and nothing that came into use since."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from preloader.agent.cri.channel import Unavailable
from preloader.agent.cri.messages import Container, Image, Sandbox
from preloader.agent.cri.runtime import Runtime
from preloader.agent.retention.act import Outcome, Result, act
from preloader.agent.retention.observation import Observation, Observer
from preloader.agent.retention.plan import Plan, Rules, plan
from preloader.agent.retention.usage import Usage
from tests.agent.fake_runtime import Answer, FakeRuntime, HangUp, Silence, Status

IMAGES = tuple(Image(f"{tag}" * 64, (f"docker.io/a:{tag}",)) for tag in range(1, 6))
OLDEST, OLD, *KEPT = IMAGES
DECIDED = plan(
    Observation(IMAGES, Usage(), 0, {image.id: -1.0 * int(image.id[0]) for image in IMAGES}),
    Rules(keep_versions=3, minimum_age_seconds=-99),
)


def perform(
    runtime: Runtime,
    *,
    decided: Plan = DECIDED,
    is_too_full: Callable[[], bool] = lambda: True,
    dry_run: bool = False,
) -> dict[str, Result]:
    results = act(decided, runtime, Observer(runtime), is_too_full, dry_run=dry_run)
    return {result.decision.image.id: result for result in results}


def outcomes(results: dict[str, Result]) -> list[Outcome]:
    return [results[image.id].outcome for image in IMAGES]


REMOVED_TWO = [Outcome.REMOVED] * 2 + [Outcome.KEPT] * 3
KEPT_OLDEST = [Outcome.KEPT, Outcome.REMOVED] + [Outcome.KEPT] * 3


@pytest.fixture(autouse=True)
def _images(fake: FakeRuntime) -> None:
    fake.add(*IMAGES)


def test_what_is_planned_is_removed_and_nothing_else(fake: FakeRuntime, runtime: Runtime) -> None:
    assert outcomes(perform(runtime)) == REMOVED_TWO
    assert set(fake.images) == {image.id for image in KEPT}


def test_a_dry_run_asks_the_runtime_nothing(fake: FakeRuntime, runtime: Runtime) -> None:
    results = perform(runtime, dry_run=True)
    assert outcomes(results) == [Outcome.WOULD_REMOVE] * 2 + [Outcome.KEPT] * 3
    assert fake.calls == []


def test_an_image_that_a_container_uses_by_now_stays(fake: FakeRuntime, runtime: Runtime) -> None:
    fake.containers = [Container("c", (OLDEST.id,), "app")]
    results = perform(runtime)
    assert outcomes(results) == KEPT_OLDEST
    assert results[OLDEST.id].change == "used by app since"


def test_an_image_that_a_container_mounts_by_now_stays(fake: FakeRuntime, runtime: Runtime) -> None:
    fake.containers = [Container("c", (KEPT[0].id,), "app")]
    fake.mounts["c"] = ("docker.io/a:1",)
    assert outcomes(perform(runtime)) == KEPT_OLDEST


def test_an_image_that_a_sandbox_runs_by_now_stays(fake: FakeRuntime, runtime: Runtime) -> None:
    fake.sandboxes = [Sandbox("s")]
    fake.pause = "docker.io/a:1"
    assert outcomes(perform(runtime)) == KEPT_OLDEST


def test_use_is_checked_before_each_removal(fake: FakeRuntime, runtime: Runtime) -> None:
    def remove(_: bytes) -> Answer:
        # While the first is removed, a container of the second comes up.
        fake.containers = [Container("c", (OLD.id,), "app")]
        return b""

    fake.handlers["RemoveImage"] = remove
    assert outcomes(perform(runtime)) == [Outcome.REMOVED] + [Outcome.KEPT] * 4
    assert fake.removals() == 1


def test_an_image_that_was_pinned_since_stays(fake: FakeRuntime, runtime: Runtime) -> None:
    fake.add(replace(OLDEST, pinned=True))
    results = perform(runtime)
    assert outcomes(results) == KEPT_OLDEST
    assert results[OLDEST.id].change == "it was pinned since"


@pytest.mark.parametrize(
    "pulled",
    [
        replace(OLDEST, tags=(*OLDEST.tags, "docker.io/a:6")),
        replace(OLDEST, digests=("docker.io/a@sha256:" + "f" * 64,)),
    ],
)
def test_an_image_that_was_pulled_under_another_name_since_stays(
    fake: FakeRuntime, runtime: Runtime, pulled: Image
) -> None:
    fake.add(pulled)
    results = perform(runtime)
    assert outcomes(results) == KEPT_OLDEST
    assert "another name" in results[OLDEST.id].change


def test_an_image_that_lost_a_name_since_is_removed(fake: FakeRuntime, runtime: Runtime) -> None:
    fake.add(replace(OLDEST, tags=()))
    assert outcomes(perform(runtime)) == REMOVED_TWO


def test_an_image_that_is_gone_by_now_is_left_alone(fake: FakeRuntime, runtime: Runtime) -> None:
    # Two agents on one node, or a kubelet that evicts.
    del fake.images[OLDEST.id]
    results = perform(runtime)
    assert results[OLDEST.id].outcome is Outcome.GONE
    assert results[OLD.id].outcome is Outcome.REMOVED
    assert fake.removals() == 1


@pytest.mark.parametrize("method", ["ContainerStatus", "PodSandboxStatus"])
@pytest.mark.parametrize("answer", [Status(2, "broken"), b"\xff"])
def test_while_it_cannot_be_told_what_a_pod_uses_nothing_is_removed(
    fake: FakeRuntime, runtime: Runtime, method: str, answer: Answer
) -> None:
    fake.containers, fake.sandboxes = [Container("c", ("f" * 64,), "app")], [Sandbox("s")]
    fake.handlers[method] = lambda _: answer
    results = perform(runtime)
    assert outcomes(results) == [Outcome.KEPT] * 5
    assert "not known what" in results[OLDEST.id].change
    assert fake.removals() == 0


@pytest.mark.parametrize("method", ["RemoveImage", "ImageStatus", "ListContainers"])
@pytest.mark.parametrize("answer", [Status(2, "disk I/O error"), b"\xff"])
def test_an_error_for_one_image_does_not_stop_the_others(
    fake: FakeRuntime, runtime: Runtime, method: str, answer: Answer
) -> None:
    good = getattr(fake, f"_{method}")
    fake.handlers[method] = lambda request: (
        good(request) if fake.calls.count(method) > 1 else answer
    )
    results = perform(runtime)
    assert outcomes(results) == [Outcome.FAILED, Outcome.REMOVED] + [Outcome.KEPT] * 3
    assert OLDEST.id in fake.images
    assert results[OLDEST.id].change


@pytest.mark.parametrize("method", ["RemoveImage", "ImageStatus", "ListContainers"])
def test_when_the_runtime_goes_away_nothing_more_is_tried(
    fake: FakeRuntime, runtime: Runtime, method: str
) -> None:
    fake.handlers[method] = lambda _: HangUp()
    with pytest.raises(Unavailable):
        perform(runtime)
    assert fake.calls.count(method) == 1
    assert len(fake.images) == len(IMAGES)


def test_a_runtime_that_is_too_slow_counts_as_away(
    fake: FakeRuntime, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preloader.agent.cri.runtime.REMOVE_SECONDS", 0.2)
    fake.handlers["RemoveImage"] = lambda _: Silence()
    with pytest.raises(Unavailable, match=r"no answer in 0\.2 s"):
        perform(runtime)


class TestHighWater:
    """What may go only because the disk is too full."""

    DECIDED = plan(Observation(IMAGES[3:], Usage(), 0), Rules(keep_versions=2, evict=True))

    def test_it_goes_while_the_disk_is_too_full_and_no_longer(
        self, fake: FakeRuntime, runtime: Runtime
    ) -> None:
        fullness = iter([True, False])
        results = perform(runtime, decided=self.DECIDED, is_too_full=lambda: next(fullness))
        assert results[IMAGES[3].id].outcome is Outcome.REMOVED
        assert results[IMAGES[4].id].outcome is Outcome.KEPT
        assert "low water" in results[IMAGES[4].id].change

    def test_an_old_version_goes_whether_or_not_the_disk_is_too_full(
        self, runtime: Runtime
    ) -> None:
        assert outcomes(perform(runtime, is_too_full=lambda: False)) == REMOVED_TWO
