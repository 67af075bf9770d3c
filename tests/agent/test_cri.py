"""The typed calls: what they take from a runtime's answers, and what they refuse to guess."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preloader.agent.cri.channel import BadAnswer, Refused, RuntimeFault
from preloader.agent.cri.messages import MAX_IMAGES, Container, Image, Sandbox
from preloader.agent.cri.runtime import Runtime
from preloader.agent.cri.wire import encode_message, encode_text
from tests.agent.fake_runtime import FakeRuntime, Status, encode_info

IMAGE = Image(
    "sha256:" + "1" * 64, ("docker.io/a:1", "docker.io/a:2"), ("docker.io/a@x",), 7, pinned=True
)


def test_images_are_read_with_all_that_matters(fake: FakeRuntime, runtime: Runtime) -> None:
    fake.add(IMAGE, Image("2"))
    assert runtime.images() == (IMAGE, Image("2"))


def test_more_images_than_there_is_memory_for_are_refused_before_all_have_come(
    fake: FakeRuntime, runtime: Runtime
) -> None:
    fake.add(*(Image(str(number)) for number in range(MAX_IMAGES)))
    assert len(runtime.images()) == MAX_IMAGES
    fake.add(Image("one more"))
    with pytest.raises(BadAnswer, match=f"ListImages: more than {MAX_IMAGES} images"):
        runtime.images()
    fake.images.clear()
    assert runtime.images() == ()


def test_a_container_is_named_as_in_its_pod(fake: FakeRuntime, runtime: Runtime) -> None:
    labels = {"pod.namespace": "web", "pod.name": "shop-1", "container.name": "app", "pod.uid": "u"}
    encoded = b"".join(
        encode_message(8, encode_text(1, f"io.kubernetes.{key}") + encode_text(2, value))
        for key, value in labels.items()
    )
    container = encode_text(1, "id") + encode_text(10, "image-id") + encoded
    fake.handlers["ListContainers"] = lambda _: encode_message(1, container)
    assert runtime.containers() == (Container("id", ("image-id",), "web/shop-1/app"),)


def test_every_name_that_a_container_has_for_its_image_is_read(
    fake: FakeRuntime, runtime: Runtime
) -> None:
    spec = encode_text(1, "image") + encode_text(18, "specified") + encode_text(20, "spec-ref")
    container = encode_text(1, "id") + encode_message(4, spec) + encode_text(5, "ref")
    fake.handlers["ListContainers"] = lambda _: encode_message(1, container)
    assert set(runtime.containers()[0].images) == {"image", "specified", "spec-ref", "ref"}


def test_a_sandbox_without_labels_is_called_by_its_id(fake: FakeRuntime, runtime: Runtime) -> None:
    fake.sandboxes = [Sandbox("s1")]
    assert runtime.sandboxes() == (Sandbox("s1", "s1"),)


def test_an_image_that_is_gone_is_none(runtime: Runtime) -> None:
    assert runtime.image("gone") is None
    assert runtime.creation_time("gone") is None


def test_one_image_is_asked_for_by_its_id(fake: FakeRuntime, runtime: Runtime) -> None:
    fake.add(IMAGE)
    assert runtime.image(IMAGE.id) == IMAGE


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2024-05-06T07:08:09Z", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("2024-05-06T07:08:09.123456789Z", datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)),
        ("2024-05-06T09:08:09+02:00", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("2013-01-01T00:00:00Z", datetime(2013, 1, 1, tzinfo=UTC)),
        # What reproducible builds and tools without a clock write.
        ("2012-12-31T23:59:59Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("1980-01-01T00:00:01Z", None),
        ("2024-05-06T07:08:09", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (1714979289, None),
        (["2024-05-06T07:08:09Z"], None),
    ],
)
def test_a_creation_time_is_only_what_an_image_really_says(
    fake: FakeRuntime, runtime: Runtime, created: object, expected: datetime | None
) -> None:
    info = encode_info({"imageSpec": {"created": created}}, 2)
    fake.handlers["ImageStatus"] = lambda _: encode_message(1, encode_text(1, "id")) + info
    assert runtime.creation_time("id") == (expected and expected.timestamp())


@pytest.mark.parametrize("spec", [None, [], "text", 5])
def test_an_image_without_a_readable_configuration_has_no_time(
    fake: FakeRuntime, runtime: Runtime, spec: object
) -> None:
    info = encode_info({"imageSpec": spec}, 2)
    fake.handlers["ImageStatus"] = lambda _: encode_message(1, encode_text(1, "id")) + info
    assert runtime.creation_time("id") is None


INFO = {
    "no info": b"",
    "not JSON": encode_message(2, encode_text(1, "info") + encode_text(2, "{")),
    "too deep": encode_message(2, encode_text(1, "info") + encode_text(2, "[" * 100_000)),
    "no object": encode_info([1], 2),
}


@pytest.mark.parametrize("info", INFO.values(), ids=INFO)
def test_a_verbose_answer_that_says_nothing_is_a_bad_answer(
    fake: FakeRuntime, runtime: Runtime, info: bytes
) -> None:
    fake.handlers["ImageStatus"] = lambda _: encode_message(1, encode_text(1, "id")) + info
    fake.handlers["PodSandboxStatus"] = lambda _: info
    with pytest.raises(BadAnswer):
        runtime.sandbox_images("id")
    if not info:
        # Nothing is an answer here: some runtimes never say more of an image.
        assert runtime.creation_time("id") is None
        return
    with pytest.raises(BadAnswer):
        runtime.creation_time("id")


def test_a_sandbox_says_which_image_it_runs(fake: FakeRuntime, runtime: Runtime) -> None:
    assert runtime.sandbox_images("s") == (fake.pause,)


@pytest.mark.parametrize("details", [{}, {"image": ""}])
def test_a_sandbox_may_run_no_image(
    fake: FakeRuntime, runtime: Runtime, details: dict[str, str]
) -> None:
    fake.handlers["PodSandboxStatus"] = lambda _: encode_info(details, 2)
    assert runtime.sandbox_images("s") == ()


def test_a_sandbox_s_image_that_is_no_name_is_a_bad_answer(
    fake: FakeRuntime, runtime: Runtime
) -> None:
    fake.handlers["PodSandboxStatus"] = lambda _: encode_info({"image": 5}, 2)
    with pytest.raises(BadAnswer, match="the image is 5"):
        runtime.sandbox_images("s")


def test_images_that_a_container_mounts_are_read(fake: FakeRuntime, runtime: Runtime) -> None:
    fake.mounts["c"] = ("docker.io/models:1", "sha256:abc")
    assert runtime.mounted_images("c") == ("docker.io/models:1", "sha256:abc")
    assert runtime.mounted_images("other") == ()


def test_what_is_gone_uses_nothing(fake: FakeRuntime, runtime: Runtime) -> None:
    fake.handlers["ContainerStatus"] = fake.handlers["PodSandboxStatus"] = lambda _: Status(5)
    assert runtime.mounted_images("c") == ()
    assert runtime.sandbox_images("s") == ()


def test_what_cannot_be_asked_is_no_answer(fake: FakeRuntime, runtime: Runtime) -> None:
    fake.handlers["ContainerStatus"] = fake.handlers["PodSandboxStatus"] = lambda _: Status(2)
    with pytest.raises(Refused):
        runtime.mounted_images("c")
    with pytest.raises(Refused):
        runtime.sandbox_images("s")


def test_directories_of_images_are_read(fake: FakeRuntime, runtime: Runtime) -> None:
    fake.directories = ("/var/lib/containerd/overlayfs", "")
    assert runtime.image_directories() == ("/var/lib/containerd/overlayfs",)


CALLS = {
    "images": "ListImages",
    "containers": "ListContainers",
    "sandboxes": "ListPodSandbox",
    "image_directories": "ImageFsInfo",
}


@pytest.mark.parametrize(("call", "method"), CALLS.items())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.binary(max_size=60))
def test_whatever_is_answered_is_understood_or_refused(
    fake: FakeRuntime, runtime: Runtime, call: str, method: str, data: bytes
) -> None:
    fake.handlers[method] = lambda _: data
    with suppress(RuntimeFault):
        getattr(runtime, call)()
