"""Looking at the node: what is asked, how often, and what cannot be found out."""

import pytest

from preloader.agent.cri.channel import RuntimeFault, Unavailable
from preloader.agent.cri.messages import Container, Image, Sandbox
from preloader.agent.cri.runtime import Runtime
from preloader.agent.retention.observation import NoTime, Observer
from preloader.agent.retention.usage import Usage
from tests.agent.fake_runtime import FakeRuntime, HangUp, Status

A, B, C = (Image(letter * 64, (f"docker.io/{letter}:1",)) for letter in "abc")


@pytest.fixture
def observer(runtime: Runtime) -> Observer:
    return Observer(runtime)


@pytest.mark.parametrize("pinned", ["1", "2"])
def test_an_image_that_is_listed_twice_is_one(
    fake: FakeRuntime, observer: Observer, pinned: str
) -> None:
    # A runtime with several handlers lists it once for each.
    fake.images = {
        "1": Image("a" * 64, ("docker.io/a:2",), (), 5, pinned=pinned == "1"),
        "2": Image("a" * 64, ("docker.io/a:1",), ("docker.io/a@x",), 7, pinned=pinned == "2"),
    }
    assert observer.images() == (
        Image("a" * 64, ("docker.io/a:1", "docker.io/a:2"), ("docker.io/a@x",), 7, pinned=True),
    )


def test_images_are_in_the_order_of_their_ids(fake: FakeRuntime, observer: Observer) -> None:
    fake.add(C, A, B)
    assert observer.images() == (A, B, C)


def test_one_call_tells_which_images_run(fake: FakeRuntime, observer: Observer) -> None:
    fake.containers = [Container(f"c{number}", (A.id,), f"app{number}") for number in range(50)]
    seen = observer.observe((A, B), {A.id: 5.0}, 7.0)
    assert seen.usage == Usage({A.id: "app0"})
    assert seen.ages == {A.id: 5.0}
    assert seen.time == 7
    assert fake.calls == ["ListContainers"]


def test_mounted_images_and_those_of_sandboxes_are_found(
    fake: FakeRuntime, observer: Observer
) -> None:
    fake.containers, fake.sandboxes = [Container("c", (A.id,), "app")], [Sandbox("s")]
    fake.mounts["c"], fake.pause = (B.id,), "c:1"
    assert observer.usage((A, B, C)) == Usage({A.id: "app", B.id: "app"}, {C.id: "s"})


def test_a_container_is_asked_once_in_its_life(fake: FakeRuntime, observer: Observer) -> None:
    fake.containers, fake.sandboxes = [Container("c", (A.id,))], [Sandbox("s")]
    observer.usage((A,))
    fake.containers.append(Container("d", (A.id,)))
    fake.mounts["d"] = (B.id,)
    assert B.id in observer.usage((A, B)).containers
    assert fake.calls.count("ContainerStatus") == 2
    assert fake.calls.count("PodSandboxStatus") == 1


def test_a_new_container_with_an_old_id_is_asked_again(
    fake: FakeRuntime, observer: Observer
) -> None:
    fake.containers = [Container("c", (A.id,))]
    observer.usage((A,))
    fake.containers = []
    observer.usage((A,))
    fake.containers = [Container("c", (A.id,))]
    observer.usage((A,))
    assert fake.calls.count("ContainerStatus") == 2


def test_one_that_did_not_answer_is_unknown_and_asked_again(
    fake: FakeRuntime, observer: Observer
) -> None:
    fake.containers, fake.sandboxes = [Container("c", (A.id,), "app")], [Sandbox("s")]
    fake.handlers["ContainerStatus"] = fake.handlers["PodSandboxStatus"] = lambda _: Status(2)
    assert observer.usage((A,)) == Usage({A.id: "app"}, {}, ("app", "s"))
    fake.handlers.clear()
    assert observer.usage((A,)) == Usage({A.id: "app"}, {}, ())


def test_a_runtime_that_goes_away_is_no_unknown_container(
    fake: FakeRuntime, observer: Observer
) -> None:
    fake.containers = [Container("c", (A.id,))]
    fake.handlers["ContainerStatus"] = lambda _: HangUp()
    with pytest.raises(Unavailable):
        observer.usage((A,))


@pytest.mark.parametrize("method", ["ListContainers", "ListPodSandbox"])
def test_without_a_list_there_is_no_usage(
    fake: FakeRuntime, observer: Observer, method: str
) -> None:
    fake.handlers[method] = lambda _: Status(2)
    with pytest.raises(RuntimeFault):
        observer.usage((A,))


def test_creation_times_are_asked_once(fake: FakeRuntime, observer: Observer) -> None:
    fake.add(A, B)
    fake.created = {A.id: "2024-01-01T00:00:00Z"}
    expected = {A.id: 1704067200.0, B.id: NoTime.UNSAID}
    assert observer.creation_times([A.id, B.id]) == expected
    assert observer.creation_times([A.id, B.id]) == expected
    assert fake.calls == ["ImageStatus"] * 2


def test_a_creation_time_that_was_refused_is_unknown_and_asked_again(
    fake: FakeRuntime, observer: Observer
) -> None:
    fake.add(A, B)
    fake.created = {A.id: "2024-01-01T00:00:00Z", B.id: "2024-01-01T00:00:00Z"}
    good = fake._ImageStatus  # noqa: SLF001
    fake.handlers["ImageStatus"] = lambda r: (
        Status(2) if fake.calls.count("ImageStatus") == 1 else good(r)
    )
    assert observer.creation_times([A.id, B.id]) == {A.id: NoTime.UNANSWERED, B.id: 1704067200.0}
    assert observer.creation_times([A.id, B.id])[A.id] == 1704067200.0


def test_what_is_known_of_an_image_is_forgotten_with_it(
    fake: FakeRuntime, observer: Observer
) -> None:
    fake.add(A)
    observer.creation_times([A.id])
    fake.images.clear()
    observer.images()
    fake.add(A)
    fake.created = {A.id: "2024-01-01T00:00:00Z"}
    assert observer.creation_times([A.id]) == {A.id: 1704067200.0}
