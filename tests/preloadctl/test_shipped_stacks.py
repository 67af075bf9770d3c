"""What `render` writes for the stacks of this repository, as it was reviewed."""

from collections.abc import Callable
from functools import cache

import pytest
import yaml
from kubernetes_validate import validate
from kubernetes_validate.utils import all_versions

from preloadctl.project import load_project
from preloadctl.recorder import record
from preloadctl.render import render
from tests.support import ROOT

STACKS = ("dev", "kind", "eks")
OLDEST_VERSION = (1, 33)
VERSIONS = [
    version
    for version in sorted(set(all_versions()))
    if tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_VERSION
]


@cache
def rendered(stack: str) -> dict[str, str]:
    return render(record(load_project(ROOT, stack)))


@pytest.mark.parametrize("stack", STACKS)
def test_the_committed_stacks_render_as_reviewed(
    stack: str, golden: Callable[[str, dict[str, str]], None]
) -> None:
    golden(stack, rendered(stack))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("stack", STACKS)
def test_every_object_meets_the_schema_of_every_supported_kubernetes(
    stack: str, version: str
) -> None:
    objects = [yaml.safe_load(text) for path, text in rendered(stack).items() if "/" not in path]
    # Karpenter's own are held against its definitions, in the tests of node pools.
    of_kubernetes = [item for item in objects if not item["apiVersion"].startswith("karpenter.")]
    assert len(of_kubernetes) >= 3
    for manifest in of_kubernetes:
        validate(manifest, version, strict=True)


def test_the_namespace_is_applied_before_what_is_in_it() -> None:
    paths = sorted(path for path in rendered("dev") if "/" not in path)
    assert paths[0] == "00-namespace.image-preloader.yaml"
    assert "daemonset" in paths[-1]


def test_kubectl_finds_no_file_of_aws() -> None:
    at_top = {path for path in rendered("eks") if "/" not in path}
    assert all(path.endswith(".yaml") for path in at_top)
    assert {path for path in rendered("eks") if "/" in path} == {
        "aws/aws.json",
        "aws/ml-launch-template.user-data.txt",
        "aws/ml-bottlerocket-launch-template.user-data.txt",
        "aws/web-launch-template.user-data.txt",
        "aws/web-bottlerocket-launch-template.user-data.txt",
    }
