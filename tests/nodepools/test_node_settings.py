"""Settings for nodes that something else makes, in the form that each platform takes.

Whether a platform accepts them cannot be seen here; a kubelet reads the drop-in in the tests of a
node.
"""

import json
from typing import Any

import pytest
import yaml

from nodepools import NodeSettings, NodeSettingsArgs
from nodepools.platforms.node_settings import (
    eviction_line_percent,
    node_settings_files,
    node_settings_problems,
)
from preloadctl.render import render
from preloader import InvalidInput
from tests.support import Run

SAID: dict[str, Any] = {
    "image_gc": {"high_percent": 80, "low_percent": 70},
    "container_logs": {"max_size_mib": 20, "max_files": 3},
}
KUBELET = {
    "imageGCHighThresholdPercent": 80,
    "imageGCLowThresholdPercent": 70,
    "containerLogMaxSize": "20Mi",
    "containerLogMaxFiles": 3,
}
API = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}


def settings(platform: str, **others: object) -> NodeSettingsArgs:
    return {"platform": platform, **others}  # type: ignore[typeddict-item]


def written(platform: str, **others: object) -> Any:
    ((name, text),) = node_settings_files("ml", settings(platform, **others)).items()
    return json.loads(text) if name.endswith(".json") else yaml.safe_load(text)


def test_gke_takes_a_system_configuration() -> None:
    assert written("gke", **SAID, image_pulls={"max_parallel": 4}) == {
        "kubeletConfig": {
            "imageGcHighThresholdPercent": 80,
            "imageGcLowThresholdPercent": 70,
            "maxParallelImagePulls": 4,
            "containerLogMaxSize": "20Mi",
            "containerLogMaxFiles": 3,
        }
    }


def test_gke_cannot_turn_image_gc_off_so_it_runs_just_below_eviction() -> None:
    assert written("gke")["kubeletConfig"] == {
        "imageGcHighThresholdPercent": 84,
        "imageGcLowThresholdPercent": 80,
    }


def test_aks_takes_json_with_sizes_in_numbers() -> None:
    assert written("aks", **SAID) == {
        "imageGcHighThreshold": 80,
        "imageGcLowThreshold": 70,
        "containerLogMaxSizeMB": 20,
        "containerLogMaxFiles": 3,
    }


def test_kind_takes_a_patch_of_its_cluster() -> None:
    cluster = written("kind", **SAID, eviction={"hard": {"memory.available": "5%"}})
    assert (cluster["kind"], cluster["apiVersion"]) == ("Cluster", "kind.x-k8s.io/v1alpha4")
    (patch,) = cluster["kubeadmConfigPatches"]
    # kind turns eviction by disk use off, since its nodes see the disk of the whole machine.
    hard = {"nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%"}
    assert yaml.safe_load(patch) == {
        **API,
        **KUBELET,
        "evictionHard": {**hard, "memory.available": "5%"},
    }


def test_others_get_a_drop_in_with_every_threshold_that_one_would_drop() -> None:
    assert written("self_managed", **SAID) == {**API, **KUBELET}
    stricter = written("self_managed", eviction={"hard": {"nodefs.available": "20%"}})
    assert stricter["evictionHard"] == {
        "memory.available": "100Mi",
        "nodefs.available": "20%",
        "nodefs.inodesFree": "5%",
        "imagefs.available": "15%",
        "imagefs.inodesFree": "5%",
    }


@pytest.mark.parametrize(
    ("platform", "percent"), [("gke", 85), ("aks", 90), ("kind", 100), ("self_managed", 85)]
)
def test_each_platform_has_its_own_eviction_line(platform: str, percent: int) -> None:
    assert eviction_line_percent(settings(platform)) == percent


@pytest.mark.parametrize(
    ("given", "path", "accepted"),
    [
        (settings("eks"), "platform", "gke, aks, kind, self_managed"),
        (settings("gke", image_gc={"high_percent": 100}), "image_gc.high_percent", "from 10 to 85"),
        (
            settings("gke", image_gc={"minimum_age_seconds": 300}),
            "image_gc.minimum_age_seconds",
            "from 0 to 120",
        ),
        (settings("gke", image_pulls={"max_parallel": 6}), "image_pulls.max_parallel", "2 to 5"),
        (
            settings("gke", image_pulls={"registry_qps": 6}),
            "image_pulls.registry_qps",
            "the file for gke takes imageGcHighThresholdPercent",
        ),
        (
            settings("aks", image_pulls={"max_parallel": 4}),
            "image_pulls.max_parallel",
            "the file for aks takes imageGcHighThreshold",
        ),
        (
            settings("aks", eviction={"hard": {"nodefs.available": "5%"}}),
            "eviction.hard",
            "the file for aks takes",
        ),
        (
            settings("aks", image_gc={"high_percent": 90}),
            "image_gc.high_percent",
            "must be below 90, where the kubelet evicts",
        ),
        (
            settings("self_managed", image_gc={"high_percent": 85}),
            "image_gc.high_percent",
            "must be below 85",
        ),
        (
            settings("self_managed", image_pulls={"fast": True}),
            "image_pulls.fast",
            "only EKS's own AMIs",
        ),
        (settings("kind", high_water_percent=100), "high_water_percent", "must be below 100"),
        (
            settings("kind", lanes=4, image_pulls={"max_parallel": 3}),
            "image_pulls.max_parallel",
            "at least 4, the pool's lanes",
        ),
        (settings("kind", image_gc={"low_percent": 100}), "image_gc.low_percent", "does not start"),
    ],
)
def test_what_a_platform_or_a_kubelet_would_refuse_is_refused(
    given: NodeSettingsArgs, path: str, accepted: str
) -> None:
    (problem,) = node_settings_problems(given)
    assert problem.path == path
    assert accepted in problem.accepted


def test_the_component_is_rendered_as_a_file_and_registers_no_resource(run: Run) -> None:
    resources = run(lambda: NodeSettings("ml", settings("kind", **SAID)))
    assert [(item.type, item.custom) for item in resources] == [
        ("image-preloader:index:NodeSettings", False)
    ]
    files = render(resources)
    assert list(files) == ["node-settings/ml/kind-cluster.yaml"]
    assert files == {
        f"node-settings/ml/{name}": text
        for name, text in node_settings_files("ml", settings("kind", **SAID)).items()
    }


def test_bad_inputs_register_nothing(run: Run) -> None:
    def program() -> None:
        with pytest.raises(InvalidInput, match=r"image_gc\.low_percent"):
            NodeSettings("ml", settings("kind", image_gc={"low_percent": 100}))

    assert run(program) == []
