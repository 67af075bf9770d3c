"""What is no image, or not what it says, is refused with a reason."""

import pytest

from tests.preloadctl.lock.locking import failure
from tests.preloadctl.lock.made_images import (
    AMD64,
    ARM64,
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
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"

HELM = part(
    {
        "schemaVersion": 2,
        "config": {
            "mediaType": "application/vnd.cncf.helm.config.v1+json",
            "digest": "sha256:0",
            "size": 2,
        },
        "layers": [],
    },
    MANIFEST,
)
ARTIFACT = part(
    {
        "schemaVersion": 2,
        "artifactType": "application/vnd.example.thing",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json"},
        "layers": [],
    },
    MANIFEST,
)


@pytest.mark.parametrize(
    ("served", "reason"),
    [
        (part({"schemaVersion": 1, "fsLayers": []}, SCHEMA_1), "schema 1 format, which containerd"),
        (part({"schemaVersion": 1}, "application/json"), "push it again"),
        (HELM, "is no image that can run, but application/vnd.cncf.helm.config.v1+json"),
        (ARTIFACT, "is no image that can run, but application/vnd.example.thing"),
        (part({"schemaVersion": 2}, "application/vnd.other"), "is application/vnd.other, and no"),
        (part({"schemaVersion": 2}, "text/plain"), "is of an unknown type"),
        (part({"manifests": [], "layers": []}, INDEX), "is an index and a manifest in one"),
        (part([1], MANIFEST), "where a manifest belongs"),
        (Part(b"<html>Please log in</html>", "text/html"), "answers with text/html where"),
        (Part(b"\xff\xfe", "application/json"), "answers with something else than JSON"),
        (Part(b"[" * 200_000, "application/json"), "answers with something else than JSON"),
        (part({"manifests": 3}, INDEX), "manifests is no list of maps"),
        (part({"manifests": [3]}, INDEX), "manifests is no list of maps"),
        (part({"manifests": [{"platform": AMD64}]}, INDEX), "digest is missing"),
        (part({"manifests": [{"platform": {"os": "linux"}}]}, INDEX), "architecture is missing"),
        (
            part({"config": ON_AMD64.descriptor(mediaType=config(AMD64).media_type),
                  "layers": [{"digest": BASE.digest}]}, MANIFEST),
            "a layer without a size",
        ),
        # As a tag it would be fetched, and nothing verified.
        (part({"manifests": [{"digest": "latest", "platform": AMD64}]}, INDEX), "is no digest"),
        (
            part(
                {
                    "config": config(AMD64).descriptor(),
                    "layers": [{"digest": "sha256:12", "size": 1}],
                },
                MANIFEST,
            ),
            "'sha256:12' is no digest",
        ),
    ],
)  # fmt: skip
def test_what_is_no_usable_image_is_refused_with_the_reason(
    registry: RegistryServer, served: Part, reason: str
) -> None:
    registry.push("app", "1", served)
    assert reason in failure(f"{registry.host}/app:1")


def test_a_manifest_that_the_index_names_and_nobody_has_is_named(registry: RegistryServer) -> None:
    registry.push("app", "1", index((ON_AMD64, AMD64)))
    assert f"has no {ON_AMD64.digest} of app" in failure(f"{registry.host}/app:1")


def test_a_body_that_is_not_what_its_digest_says_is_refused(registry: RegistryServer) -> None:
    lying = Response(
        body=ON_AMD64.body,
        headers={"Content-Type": MANIFEST, "Docker-Content-Digest": ON_ARM64.digest},
    )
    registry.always("/v2/app/manifests/1", lying)
    assert "not what its digest" in failure(f"{registry.host}/app:1")
    # A manifest that the index names, with no header that says otherwise.
    registry.push("app", "2", index((ON_AMD64, AMD64)))
    altered = Response(body=ON_ARM64.body, headers={"Content-Type": MANIFEST})
    registry.always(f"/v2/app/manifests/{ON_AMD64.digest}", altered)
    assert f"digest {ON_AMD64.digest}" in failure(f"{registry.host}/app:2")
    # A config.
    registry.push("app", "3", ON_AMD64)
    registry.always(f"/v2/app/blobs/{config(AMD64).digest}", Response(body=b"{}"))
    assert f"digest {config(AMD64).digest}" in failure(f"{registry.host}/app:3")
