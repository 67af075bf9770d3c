"""Docker's own registry, with nginx before it, is locked as it serves the images."""

import http.client
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from preloader.lock import LockedImage, LockedPlatform
from tests.node.registry import Conduct, Registry, start_registry
from tests.node.run import new_run
from tests.preloadctl.lock.locking import (
    failure,
    fetch,
    lock_one,
    wanted,
    write_docker_config,
)
from tests.preloadctl.lock.made_images import (
    AMD64,
    ARM64,
    ATTESTATION,
    DOCKER_MANIFEST,
    GZIP_LAYER,
    ZSTD_LAYER,
    Part,
    config,
    index,
    layer,
    manifest,
    part,
)
from tests.preloadctl.lock.registry_server import basic

pytestmark = pytest.mark.node

OK, ACCEPTED, CREATED = http.client.OK, http.client.ACCEPTED, http.client.CREATED


@pytest.fixture(scope="module")
def real_registry() -> Iterator[Registry]:
    with new_run() as run:
        yield start_registry(run, "127.0.0.1")


def request(
    registry: Registry, method: str, path: str, body: bytes = b"", media_type: str = "x/y"
) -> http.client.HTTPResponse:
    """One request to the storage itself, past nginx."""
    connection = http.client.HTTPConnection(registry.storage, timeout=10)
    connection.request(method, path, body, {"Content-Type": media_type})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def upload(registry: Registry, repository: str, *parts: Part) -> None:
    for each in parts:
        start = request(registry, "POST", f"/v2/{repository}/blobs/uploads/")
        assert start.status == ACCEPTED
        place = start.headers["Location"].partition(registry.storage)[2]
        stored = request(registry, "PUT", f"{place}&digest={each.digest}", each.body)
        assert stored.status == CREATED


def put(registry: Registry, repository: str, name: str, each: Part) -> None:
    path = f"/v2/{repository}/manifests/{name}"
    assert request(registry, "PUT", path, each.body, each.media_type).status == CREATED


def push(registry: Registry, repository: str, tag: str) -> tuple[LockedImage, list[Part]]:
    """Stores an image of two platforms, one with a layer of each compression."""
    layers = [layer(repository, 5000, GZIP_LAYER), layer("shared", 7000, ZSTD_LAYER)]
    made = {
        "linux/amd64": manifest(layers),
        "linux/arm64": manifest(layers[1:], ARM64),
        "unknown": manifest(layers[:1], ATTESTATION),
    }
    upload(registry, repository, *layers, *map(config, (AMD64, ARM64, ATTESTATION)))
    for each in made.values():
        put(registry, repository, each.digest, each)
    places = (AMD64, ARM64, ATTESTATION)
    top = index(*zip(made.values(), places, strict=True))
    put(registry, repository, tag, top)
    platforms = {
        "linux/amd64": LockedPlatform(
            made["linux/amd64"].digest, {each.digest: len(each.body) for each in layers}
        ),
        "linux/arm64": LockedPlatform(made["linux/arm64"].digest, {layers[1].digest: 7000}),
    }
    return LockedImage(top.digest, platforms), layers


def test_an_index_is_locked_with_the_sizes_that_nodes_download(real_registry: Registry) -> None:
    expected, layers = push(real_registry, "team/app", "1")
    image = f"{real_registry.address}/team/app:1"
    assert lock_one(image, "amd64", "arm64") == expected
    assert lock_one(f"{image}@{expected.digest}", "amd64", "arm64") == expected
    for each in layers:
        answer = request(real_registry, "HEAD", f"/v2/team/app/blobs/{each.digest}")
        size_bytes = expected.platforms["linux/amd64"].layers_bytes[each.digest]
        assert (answer.status, answer.headers["Content-Length"]) == (OK, str(size_bytes))


def test_a_manifest_of_dockers_own_format_is_locked_by_its_config(real_registry: Registry) -> None:
    base = layer("docker", 3000, "application/vnd.docker.image.rootfs.diff.tar.gzip")
    place = config(AMD64)
    docker_config = part({**AMD64}, "application/vnd.docker.container.image.v1+json")
    top = part(
        {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": docker_config.descriptor(),
            "layers": [base.descriptor()],
        },
        DOCKER_MANIFEST,
    )
    upload(real_registry, "docker", base, docker_config, place)
    put(real_registry, "docker", "1", top)
    image = f"{real_registry.address}/docker:1"
    assert lock_one(image) == LockedImage(
        top.digest, {"linux/amd64": LockedPlatform(top.digest, {base.digest: 3000})}
    )
    assert "is for linux/amd64 alone" in failure(image, "arm64")


def test_a_password_lets_in_where_the_root_of_the_registry_is_open(
    real_registry: Registry, docker_config: Path
) -> None:
    expected, _ = push(real_registry, "private/app", "1")
    real_registry.set_conduct(Conduct(user="someone", password="a password"), "private/app")  # noqa: S106 the test's own
    image = f"{real_registry.address}/private/app:1"
    assert "answers 401 without credentials" in failure(image)
    entry = {"auth": basic("someone", "a password").removeprefix("Basic ")}
    write_docker_config(docker_config, {"auths": {real_registry.address: entry}})
    assert lock_one(image, "amd64", "arm64") == expected


def test_what_is_not_there_and_what_is_slow_is_said_to_be(real_registry: Registry) -> None:
    push(real_registry, "slow/app", "1")
    image = f"{real_registry.address}/slow/app"
    assert "has no tag 2 of slow/app" in failure(f"{image}:2")
    real_registry.set_conduct(Conduct(delay_seconds=5), "slow/app")
    assert "gave no whole answer within 0.5 s" in failure(f"{image}:1", timeout_seconds=0.5)


def test_an_image_takes_two_requests_of_an_open_registry(real_registry: Registry) -> None:
    for number in range(20):
        push(real_registry, f"many/app-{number}", "1")
    log = Path(real_registry.run.folder / "nginx/access.log")
    images = [wanted(f"{real_registry.address}/many/app-{number}:1") for number in range(20)]
    assert len(fetch(images).images) == 20
    # nginx writes a line after its answer, so that of the last one may come later.
    for _ in range(100):
        if len(reads(log)) >= 2 * len(images):
            break
        time.sleep(0.1)
    assert len(reads(log)) == 2 * len(images)


def reads(log: Path) -> list[str]:
    """What was asked of the many repositories; how users are let in is asked once for all."""
    return [line for line in log.read_text().splitlines() if line.startswith("GET /v2/many/")]
