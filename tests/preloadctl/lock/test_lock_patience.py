"""Registries that are slow, busy or broken: waited for in measure, and never beyond the time."""

import socket
import time
from email.utils import formatdate

import pytest

from preloadctl.lock.registries.deadline import Deadline
from preloadctl.lock.registries.transport import BODY_MAX_BYTES
from tests.preloadctl.lock.locking import failure, fetch, lock_one, wanted
from tests.preloadctl.lock.made_images import AMD64, INDEX, config, index, layer, manifest
from tests.preloadctl.lock.registry_server import RegistryServer, Response

pytestmark = pytest.mark.slow

ON_AMD64 = manifest([layer("base")])
TOP = index((ON_AMD64, AMD64))
PATH = "/v2/app/manifests/1"


@pytest.fixture
def image(registry: RegistryServer) -> str:
    registry.push("app", "1", TOP, ON_AMD64, config(AMD64))
    return f"{registry.host}/app:1"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of every pause before a request is made again."""
    seconds: list[float] = []
    sleep = Deadline.sleep

    def keep(deadline: Deadline, pause: float) -> None:
        seconds.append(pause)
        sleep(deadline, pause)

    monkeypatch.setattr(Deadline, "sleep", keep)
    return seconds


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(registry: RegistryServer, image: str, status: int) -> None:
    registry.then(PATH, Response(status), Response(status))
    assert lock_one(image).digest == TOP.digest
    assert registry.paths().count(PATH) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 418])
def test_what_lasts_is_not_tried_again(registry: RegistryServer, image: str, status: int) -> None:
    registry.always(PATH, Response(status))
    assert str(status) in failure(image) or "has no tag 1 of app" in failure(image)
    registry.requests.clear()
    failure(image)
    assert registry.paths().count(PATH) == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [(503, "still answers 503; try again later"), (429, "still answers 429, too many requests")],
)
def test_tries_end(registry: RegistryServer, image: str, status: int, reason: str) -> None:
    registry.always(PATH, Response(status))
    assert reason in failure(image)
    assert registry.paths().count(PATH) == 4


def test_the_pause_that_a_registry_asks_for_is_kept(registry: RegistryServer, image: str) -> None:
    registry.then(PATH, Response(429, headers={"Retry-After": "1"}))
    start = time.monotonic()
    lock_one(image)
    assert time.monotonic() - start >= 1


def test_the_pause_may_be_a_date(registry: RegistryServer, image: str) -> None:
    later = formatdate(time.time() + 100, usegmt=True)
    registry.then(PATH, Response(503, headers={"Retry-After": later}))
    reason = failure(image)
    assert "asks to wait 9" in reason or "asks to wait 100 s" in reason


def test_a_pause_above_the_time_limit_fails_the_image_that_is_told_and_no_other(
    registry: RegistryServer, image: str
) -> None:
    told = Response(429, headers={"Retry-After": "3600"})
    registry.always("/v2/busy/manifests/1", told)
    busy = f"{registry.host}/busy:1"
    fetched = fetch([wanted(busy), wanted(image)], concurrency=1)
    assert fetched.failures == {
        busy: f"{registry.host} asks to wait 3600 s, which is more than is left of the 10 s for an "
        "image; try again then, or raise --timeout-seconds"
    }
    assert set(fetched.images) == {image}
    assert registry.paths().count("/v2/busy/manifests/1") == 1


def test_a_pause_is_kept_by_all_threads(registry: RegistryServer, image: str) -> None:
    registry.delay_seconds = 0.05
    others = [f"other-{number}" for number in range(6)]
    for repository in others:
        registry.push(repository, "1", TOP, ON_AMD64)
    registry.then(PATH, Response(429, headers={"Retry-After": "1"}))
    images = [wanted(image), *(wanted(f"{registry.host}/{each}:1") for each in others)]
    assert len(fetch(images, concurrency=2).images) == 7
    asked = [request.at_seconds for request in registry.requests]
    refused = asked[registry.paths().index(PATH)]
    assert not [each for each in asked if 0.3 < each - refused < 1]


@pytest.mark.parametrize(
    "pause", ["soon", "9" * 5000, "-1", "Fri, 31 Dec 99999 23:59:59 GMT", "Fri, 99 Foo 2026", "1e9"]
)
def test_a_pause_in_no_known_form_is_none(registry: RegistryServer, image: str, pause: str) -> None:
    registry.then(PATH, Response(503, headers={"Retry-After": pause}))
    lock_one(image)


@pytest.mark.parametrize("pause", ["9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_pause_beyond_any_patience_fails_the_image(
    registry: RegistryServer, image: str, pause: str
) -> None:
    registry.then(PATH, Response(503, headers={"Retry-After": pause}))
    assert "asks to wait 21600 s" in failure(image)


def test_a_rate_limit_slows_all_images_and_fails_none(registry: RegistryServer) -> None:
    images = []
    for number in range(6):
        registry.push(f"app-{number}", "1", TOP, ON_AMD64)
        registry.then(f"/v2/app-{number}/manifests/1", Response(429, headers={"Retry-After": "0"}))
        images.append(wanted(f"{registry.host}/app-{number}:1"))
    assert fetch(images).failures == {}


@pytest.mark.parametrize("drip_headers", [False, True], ids=["body", "headers"])
def test_a_drip_ends_with_the_time(
    registry: RegistryServer,
    image: str,
    drip_headers: bool,  # noqa: FBT001 the table's
) -> None:
    drip = Response(
        body=TOP.body,
        headers={"Content-Type": INDEX},
        drip_seconds=0.02,
        drip_headers=drip_headers,
    )
    registry.always(PATH, drip)
    reason = failure(image, timeout_seconds=0.4)
    assert reason == (
        f"{registry.host} gave no whole answer within 0.4 s; try again, or raise --timeout-seconds"
    )


def test_an_answer_that_never_comes_ends_with_the_time(
    registry: RegistryServer, image: str
) -> None:
    registry.delay_seconds = 1
    assert "gave no whole answer within 0.3 s" in failure(image, timeout_seconds=0.3)


def test_the_time_of_one_image_is_not_that_of_the_next(
    registry: RegistryServer, image: str
) -> None:
    registry.push("slow", "1", TOP)
    stuck = Response(body=TOP.body, headers={"Content-Type": INDEX}, drip_seconds=0.05)
    registry.always("/v2/slow/manifests/1", stuck)
    slow = f"{registry.host}/slow:1"
    fetched = fetch([wanted(slow), wanted(image)], concurrency=1, timeout_seconds=0.4)
    assert set(fetched.failures) == {slow}
    assert set(fetched.images) == {image}


def test_a_broken_off_answer_is_asked_for_again(registry: RegistryServer, image: str) -> None:
    half = Response(body=TOP.body[:10], said_length=len(TOP.body), headers={"Content-Type": INDEX})
    registry.then(PATH, half)
    assert lock_one(image).digest == TOP.digest
    registry.always(PATH, half)
    assert "breaks its answers off" in failure(image)


def test_an_answer_without_end_is_not_read_to_the_end(registry: RegistryServer, image: str) -> None:
    registry.always(PATH, Response(body=b" " * (BODY_MAX_BYTES + 1)))
    assert "answers with more than 4 MiB" in failure(image)


def test_redirects_in_circles_end(registry: RegistryServer, image: str) -> None:
    registry.always(PATH, Response(307, headers={"Location": PATH}))
    assert "redirects in circles" in failure(image)


@pytest.mark.parametrize("location", ["http://[bad", f"https://{'a' * 70}.invalid/", "https://"])
def test_a_redirect_to_no_host_fails_the_image_alone(
    registry: RegistryServer, image: str, location: str
) -> None:
    registry.always("/v2/odd/manifests/1", Response(307, headers={"Location": location}))
    odd = f"{registry.host}/odd:1"
    fetched = fetch([wanted(odd), wanted(image)])
    assert set(fetched.images) == {image}
    assert "is no host, or sends on to none" in fetched.failures[odd]


def test_a_host_that_no_name_can_be_is_said_to_be() -> None:
    assert "is no host" in failure(f"{'a' * 70}.invalid/app:1")


def test_a_registry_that_is_not_there_is_found_out_once(pauses: list[float]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
    images = [wanted(f"{host}/app-{number}:1") for number in range(20)]
    failures = fetch(images, concurrency=2, backoff_seconds=(0.1,)).failures
    assert len(pauses) == 1
    assert set(failures.values()) == {
        f"{host} accepts no connection, or drops it; look to registry and network"
    }


def test_a_registry_that_is_down_is_found_out_once(registry: RegistryServer) -> None:
    registry.always("/v2/", Response(503))
    images = [wanted(f"{registry.host}/app-{number}:1") for number in range(20)]
    failures = fetch(images).failures
    assert set(failures.values()) == {f"{registry.host} still answers 503; try again later"}
    assert len(registry.requests) == 4


def test_a_name_without_an_address_is_said_to_be_unknown(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    reason = failure("registry.invalid/app:1", backoff_seconds=(5,))
    assert reason == (
        "the name registry.invalid is not known here; correct the reference, or look to DNS and "
        "proxy"
    )
    assert pauses == []
