"""Many images take few requests, never more at a time than allowed, and fail alone."""

import time

import pytest

from preloadctl.lock.fetching import fetch_all as fetch_all_module
from preloadctl.lock.fetching.fetch_all import fetch_all
from preloadctl.lock.images import WantedImage
from preloader.lock import LockedImage
from tests.preloadctl.lock.locking import fetch, wanted
from tests.preloadctl.lock.made_images import AMD64, config, index, layer, manifest
from tests.preloadctl.lock.registry_server import RegistryServer

ON_AMD64 = manifest([layer("base")])
TOP = index((ON_AMD64, AMD64))


@pytest.fixture
def image(registry: RegistryServer) -> str:
    registry.push("app", "1", TOP, ON_AMD64, config(AMD64))
    return f"{registry.host}/app:1"


def test_a_hundred_images_take_three_requests_each_and_one_for_their_registry(
    registry: RegistryServer,
) -> None:
    registry.auth = "anonymous"
    registry.delay_seconds = 0.002
    for number in range(100):
        registry.push(f"app-{number}", "1", TOP, ON_AMD64)
    images = [wanted(f"{registry.host}/app-{number}:1") for number in range(100)]
    assert len(fetch(images, concurrency=5).images) == 100
    assert len(registry.requests) == 301
    assert 2 <= registry.most_at_once <= 5


def test_whatever_an_answer_makes_go_wrong_the_others_are_not_lost(
    registry: RegistryServer, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch_one(_: object, __: object, wanted: WantedImage) -> LockedImage:
        if "odd" in wanted.written:
            raise OverflowError("a number beyond reason")
        return LockedImage("sha256:1", {})

    monkeypatch.setattr(fetch_all_module, "fetch_image", fetch_one)
    fetched = fetch([wanted("odd:1"), wanted(image)])
    assert set(fetched.images) == {image}
    assert "a number beyond reason" in fetched.failures["odd:1"]


def test_tags_of_one_repository_share_a_token(registry: RegistryServer) -> None:
    registry.auth = "anonymous"
    for number in range(100):
        registry.push(f"app-{number % 50}", str(number), TOP, ON_AMD64)
    images = [wanted(f"{registry.host}/app-{number % 50}:{number}") for number in range(100)]
    assert len(fetch(images).images) == 100
    assert len(registry.requests) == 251


def test_what_ends_the_run_ends_its_requests(registry: RegistryServer) -> None:
    registry.delay_seconds = 0.01
    for number in range(50):
        registry.push(f"app-{number}", "1", TOP, ON_AMD64)

    def fail() -> None:
        raise KeyboardInterrupt

    images = [wanted(f"{registry.host}/app-{number}:1") for number in range(50)]
    with pytest.raises(KeyboardInterrupt):
        fetch_all(images, concurrency=2, timeout_seconds=5, done=fail)
    time.sleep(0.2)
    assert len(registry.requests) < 15


def test_one_image_at_a_time_is_one_request_at_a_time(registry: RegistryServer) -> None:
    registry.delay_seconds = 0.002
    for number in range(5):
        registry.push(f"app-{number}", "1", TOP, ON_AMD64)
    images = [wanted(f"{registry.host}/app-{number}:1") for number in range(5)]
    assert len(fetch(images, concurrency=1).images) == 5
    assert registry.most_at_once == 1


def test_a_failure_keeps_no_other_image_from_being_locked(
    registry: RegistryServer, image: str
) -> None:
    gone = f"{registry.host}/gone:1"
    fetched = fetch([wanted(gone), wanted(image)])
    assert set(fetched.images) == {image}
    assert fetched.failures == {
        gone: f"{registry.host} has no tag 1 of gone; correct the reference, or push the image"
    }
