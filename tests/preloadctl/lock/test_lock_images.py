"""What registries serve is locked as containerd would pull it."""

import hashlib

import pytest

from preloader.lock import LockedImage, LockedPlatform
from tests.preloadctl.lock.locking import failure, lock_one
from tests.preloadctl.lock.made_images import (
    AMD64,
    ARM64,
    ATTESTATION,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    INDEX,
    MANIFEST,
    ZSTD_LAYER,
    Part,
    config,
    index,
    layer,
    manifest,
    part,
)
from tests.preloadctl.lock.registry_server import RegistryServer, Response

BASE, APP, ARM = layer("base", 1000), layer("app", 200, ZSTD_LAYER), layer("arm", 50)
ON_AMD64 = manifest([BASE, APP])
ON_ARM64 = manifest([ARM], ARM64)


def platform(made: Part, *layers: Part) -> LockedPlatform:
    return LockedPlatform(made.digest, {each.digest: len(each.body) for each in layers})


@pytest.mark.parametrize(
    ("list_type", "manifest_type"), [(INDEX, MANIFEST), (DOCKER_LIST, DOCKER_MANIFEST)]
)
def test_of_an_index_only_what_pools_need_is_asked_for(
    registry: RegistryServer, list_type: str, manifest_type: str
) -> None:
    amd64 = manifest([BASE, APP], media_type=manifest_type)
    attestation = manifest([layer("provenance")], ATTESTATION)
    top = index(
        (attestation, ATTESTATION),
        (amd64, AMD64),
        (ON_ARM64, ARM64),
        media_type=list_type,
    )
    registry.push("team/app", "1", top, amd64, ON_ARM64, attestation)
    image = f"{registry.host}/team/app:1"
    assert lock_one(image) == LockedImage(top.digest, {"linux/amd64": platform(amd64, BASE, APP)})
    assert registry.paths()[1:] == [
        "/v2/team/app/manifests/1",
        f"/v2/team/app/manifests/{amd64.digest}",
    ]
    assert lock_one(image, "amd64", "arm64").platforms == {
        "linux/amd64": platform(amd64, BASE, APP),
        "linux/arm64": platform(ON_ARM64, ARM),
    }


def test_a_manifest_without_an_index_takes_its_platform_from_its_config(
    registry: RegistryServer,
) -> None:
    registry.push("app", "1", ON_AMD64, config(AMD64))
    image = f"{registry.host}/app:1"
    locked = lock_one(image)
    assert locked == LockedImage(ON_AMD64.digest, {"linux/amd64": platform(ON_AMD64, BASE, APP)})
    assert len(registry.requests) == 3
    assert "linux/amd64 alone" in failure(image, "arm64")


def test_a_digest_is_fetched_as_such_whatever_the_tag_says(registry: RegistryServer) -> None:
    top = index((ON_AMD64, AMD64))
    registry.push("app", "old", top, ON_AMD64)
    registry.push("app", "1", index((ON_ARM64, ARM64)), ON_ARM64)
    locked = lock_one(f"{registry.host}/app:1@{top.digest}")
    assert locked.digest == top.digest
    assert "/v2/app/manifests/1" not in registry.paths()


def test_a_digest_of_another_algorithm_is_verified_as_well(registry: RegistryServer) -> None:
    digest = f"sha512:{hashlib.sha512(ON_AMD64.body).hexdigest()}"
    registry.push("app", "1", ON_AMD64, config(AMD64))
    answer = Response(body=ON_AMD64.body, headers={"Content-Type": MANIFEST})
    registry.always(f"/v2/app/manifests/{digest}", answer)
    assert lock_one(f"{registry.host}/app@{digest}").digest == digest
    altered = Response(body=ON_AMD64.body + b" ", headers={"Content-Type": MANIFEST})
    registry.always(f"/v2/app/manifests/{digest}", altered)
    assert "not what its digest" in failure(f"{registry.host}/app@{digest}")


def test_without_a_digest_header_the_body_gives_the_digest(registry: RegistryServer) -> None:
    registry.push("app", "1", ON_AMD64, config(AMD64))
    answer = Response(body=ON_AMD64.body, headers={"Content-Type": f"{MANIFEST}; charset=utf-8"})
    registry.always("/v2/app/manifests/1", answer)
    assert lock_one(f"{registry.host}/app:1").digest == ON_AMD64.digest


def test_a_server_that_knows_only_json_is_believed_by_the_content(
    registry: RegistryServer,
) -> None:
    registry.push("app", "1", ON_AMD64, config(AMD64))
    answer = Response(body=ON_AMD64.body, headers={"Content-Type": "application/json"})
    registry.always("/v2/app/manifests/1", answer)
    assert lock_one(f"{registry.host}/app:1").digest == ON_AMD64.digest


def test_layers_with_urls_of_their_own_count_and_a_repeated_layer_counts_once(
    registry: RegistryServer,
) -> None:
    foreign = BASE.descriptor(urls=["https://example.com/layer"])
    content = {
        "schemaVersion": 2,
        "config": config(AMD64).descriptor(),
        "layers": [foreign, APP.descriptor(), APP.descriptor()],
    }
    top = part(content, DOCKER_MANIFEST)
    registry.push("app", "1", top, config(AMD64))
    locked = lock_one(f"{registry.host}/app:1").platforms["linux/amd64"]
    assert locked.layers_bytes == {BASE.digest: 1000, APP.digest: 200}
    assert locked.size_bytes == 1200


@pytest.mark.parametrize(("variant", "fits"), [("", True), ("v8", True), ("v9", False)])
def test_a_variant_that_not_every_node_runs_is_another_platform(
    registry: RegistryServer,
    variant: str,
    fits: bool,  # noqa: FBT001 the table's own
) -> None:
    place = {**ARM64, "variant": variant}
    registry.push("app", "1", index((ON_ARM64, place)), ON_ARM64)
    image = f"{registry.host}/app:1"
    if fits:
        assert lock_one(image, "arm64").platforms["linux/arm64"].digest == ON_ARM64.digest
    else:
        assert "has linux/arm64/v9, and" in failure(image, "arm64")


def test_an_image_that_lacks_a_platform_says_what_it_has(registry: RegistryServer) -> None:
    windows = {"os": "windows", "architecture": "amd64", "os.version": "10.0"}
    attestation = (ON_AMD64, ATTESTATION)
    registry.push("app", "1", index((ON_AMD64, windows), (ON_ARM64, ARM64), attestation))
    assert failure(f"{registry.host}/app:1") == (
        "has linux/arm64/v8, windows/amd64, and a pool that lists it needs linux/amd64; "
        "choose another image, or set the pool's architecture"
    )


def test_of_two_manifests_for_one_platform_the_first_is_taken(registry: RegistryServer) -> None:
    second = manifest([APP])
    registry.push("app", "1", index((ON_AMD64, AMD64), (second, AMD64)), ON_AMD64, second)
    locked = lock_one(f"{registry.host}/app:1")
    assert locked.platforms["linux/amd64"].digest == ON_AMD64.digest


def test_an_index_within_an_index_is_not_looked_into_and_said_so(
    registry: RegistryServer,
) -> None:
    inner = index((ON_AMD64, AMD64))
    registry.push("app", "1", index((inner, None)), inner, ON_AMD64)
    assert "further indexes, which are not looked into" in failure(f"{registry.host}/app:1")
    dressed = part(
        {
            "schemaVersion": 2,
            "manifests": [{"mediaType": MANIFEST, "digest": inner.digest, "platform": AMD64}],
        },
        INDEX,
    )
    registry.push("app", "2", dressed)
    assert "names another index for linux/amd64" in failure(f"{registry.host}/app:2")
