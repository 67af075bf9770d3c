"""The cleanup container: where it stands, what it sees of the node, and its policy.

What it does there is in `tests/agent`, and on a real node in `tests/node`.
"""

import json
from typing import Any, cast

import pytest

from preloadctl.recorder import Registration
from preloader import (
    CleanupArgs,
    ImageCleanup,
    ImageCleanupArgs,
    ImagePreloader,
    ImagePreloaderArgs,
    InvalidInput,
)
from preloader.cleanup.spec import check_cleanup
from tests.support import Run

IMAGES = ["a:1", "b:1", "c:1"]


def args(**others: object) -> ImagePreloaderArgs:
    return cast("ImagePreloaderArgs", {"namespace": "preload", "images": IMAGES, **others})


def by_name(resources: list[Registration]) -> dict[str, Registration]:
    return {resource.name: resource for resource in resources}


def pod(resource: Registration) -> dict[str, Any]:
    return resource.inputs["spec"]["template"]["spec"]


def cleanup_of(run: Run, **others: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """The cleanup container and the policy of a pool."""
    resources = by_name(run(lambda: ImagePreloader("web", args(cleanup=others))))
    (container,) = [
        container
        for container in pod(resources["web-lane-0"])["containers"]
        if container["name"] == "cleanup"
    ]
    return container, json.loads(resources["web-cleanup"].inputs["data"]["policy.json"])


def test_it_is_the_first_container_of_the_first_lane_alone(run: Run) -> None:
    resources = by_name(run(lambda: ImagePreloader("web", args())))
    names = {
        lane: [container["name"] for container in pod(resources[f"web-lane-{lane}"])["containers"]]
        for lane in range(3)
    }
    assert names[0][0] == "cleanup"
    assert len(names[0]) == 2
    assert "cleanup" not in names[1] + names[2]


def test_with_init_containers_it_is_the_first_sidecar(run: Run) -> None:
    preload = {"mode": "init", "lanes": 1}
    resources = by_name(run(lambda: ImagePreloader("web", args(preload=preload))))
    first, second, *_ = pod(resources["web-lane-0"])["initContainers"]
    assert (first["name"], first["restartPolicy"]) == ("cleanup", "Always")
    assert second["name"] == "copy-no-op"
    assert "restartPolicy" not in second


def test_it_can_be_left_out(run: Run) -> None:
    resources = by_name(run(lambda: ImagePreloader("web", args(cleanup={"enabled": False}))))
    assert "web-cleanup" not in resources
    assert "cleanup" not in str(pod(resources["web-lane-0"]))


def test_it_is_root_without_a_single_right(run: Run) -> None:
    container, _ = cleanup_of(run)
    assert container["securityContext"] == {
        "runAsUser": 0,
        "runAsGroup": 0,
        "runAsNonRoot": False,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_of_the_node_it_sees_the_sockets_directory_and_its_own(run: Run) -> None:
    resources = by_name(run(lambda: ImagePreloader("web", args())))
    paths = {
        volume["hostPath"]["path"]: volume["name"]
        for volume in pod(resources["web-lane-0"])["volumes"]
        if "hostPath" in volume
    }
    assert paths == {"/run/containerd": "runtime", "/var/lib/image-preloader": "state"}
    mounts = {mount["name"]: mount for mount in cleanup_of(run)[0]["volumeMounts"]}
    assert mounts["runtime"] == {
        "name": "runtime",
        "mountPath": "/run/containerd",
        "readOnly": True,
        "recursiveReadOnly": "IfPossible",
    }
    assert "readOnly" not in mounts["state"]
    assert not {"hostPID", "hostIPC"} & set(pod(resources["web-lane-0"]))
    assert "hostPath" not in str(pod(resources["web-lane-1"]))


def test_another_runtime_is_reached_by_its_own_socket(run: Run) -> None:
    container, _ = cleanup_of(run, runtime_socket="/run/crio/crio.sock")
    assert container["command"][-1] == "/run/crio/crio.sock"
    assert "/run/crio" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_the_policy_is_what_was_asked_for_with_the_pools_images(run: Run) -> None:
    _, policy = cleanup_of(run, keep_versions=3, protect=["ghcr.io/acme/*"], dry_run=True)
    assert policy["pool"] == "web"
    assert policy["images"] == IMAGES
    assert (policy["keep_versions"], policy["dry_run"]) == (3, True)
    assert policy["protect"] == ["ghcr.io/acme/*"]
    assert policy["schedule"] == "0 3 * * *"
    assert "enabled" not in policy


def test_a_new_policy_restarts_the_container_and_new_images_a_lane_do_too(run: Run) -> None:
    def annotations(**others: object) -> list[str]:
        lane = by_name(run(lambda: ImagePreloader("web", args(**others))))["web-lane-0"]
        return list(lane.inputs["spec"]["template"]["metadata"]["annotations"].values())

    assert annotations() == annotations()
    assert annotations() != annotations(cleanup={"keep_versions": 3})
    assert annotations() != annotations(images=["a:1", "b:1", "c:2"])


def test_metrics_are_on_a_port_only_where_one_is_given(run: Run) -> None:
    assert "ports" not in cleanup_of(run)[0]
    container, policy = cleanup_of(run, metrics_port=9911)
    assert container["ports"] == [{"name": "metrics", "containerPort": 9911}]
    assert policy["metrics_port"] == 9911


def test_metrics_are_on_the_nodes_address_unless_told_otherwise(run: Run) -> None:
    def names(**cleanup: object) -> list[str]:
        return [each["name"] for each in cleanup_of(run, **cleanup)[0]["env"]]

    assert names(metrics_port=9911) == ["NODE_NAME", "NODE_ADDRESS"]
    assert names(metrics_port=9911, metrics_address="loopback") == ["NODE_NAME"]
    assert names(metrics_address="node") == ["NODE_NAME"]


@pytest.mark.parametrize(
    ("cleanup", "expected"),
    [
        ({}, {}),
        ({"metrics_address": "node"}, {}),
        ({"metrics_port": 9911, "metrics_address": "loopback"}, {}),
        ({"metrics_port": 9911}, {"hostNetwork": True}),
    ],
)
def test_on_its_own_it_is_in_the_hosts_network_only_for_metrics_on_the_nodes_address(
    run: Run, cleanup: CleanupArgs, expected: dict[str, bool]
) -> None:
    inputs: ImageCleanupArgs = {"namespace": "preload", "cleanup": cleanup}
    resources = by_name(run(lambda: ImageCleanup("web", inputs)))
    spec = pod(resources["web-cleanup-daemon-set"])
    assert {key: spec[key] for key in spec if key.startswith("host")} == expected


def test_once_it_has_started_no_probe_costs_anything(run: Run) -> None:
    container, _ = cleanup_of(run)
    assert [key for key in container if key.endswith("Probe")] == ["startupProbe"]
    assert container["startupProbe"]["exec"]["command"][-1] == "ready"


@pytest.mark.parametrize(
    ("cleanup", "path"),
    [
        ({"keep_version": 1}, "cleanup.keep_version"),
        ({"keep_versions": 0}, "cleanup.keep_versions"),
        ({"schedule": "0 3 * *"}, "cleanup.schedule"),
        ({"schedule": "0 0 30 2 *"}, "cleanup.schedule"),
        ({"time_zone": "Mars/Olympus"}, "cleanup.time_zone"),
        ({"protect": ["*"]}, "cleanup.protect[0]"),
        ({"protect": ["[a" * 20_000]}, "cleanup.protect[0]"),
        ({"protect": [f"ghcr.io/acme/{n:0100}/*" for n in range(1800)]}, "cleanup.protect"),
        ({"high_water_percent": 50, "low_water_percent": 50}, "cleanup.low_water_percent"),
        ({"high_water_percent": 90, "eviction_percent": 90}, "cleanup.high_water_percent"),
        ({"metrics_port": 0}, "cleanup.metrics_port"),
        ({"metrics_port": 80}, "cleanup.metrics_port"),
        ({"metrics_port": 10250}, "cleanup.metrics_port"),
        ({"metrics_address": "0.0.0.0"}, "cleanup.metrics_address"),  # noqa: S104 refused
        ({"report": "xml"}, "cleanup.report"),
        ({"runtime_socket": "containerd.sock"}, "cleanup.runtime_socket"),
        ({"runtime_socket": "/containerd.sock"}, "cleanup.runtime_socket"),
    ],
)
def test_a_mistake_in_the_policy_is_found_before_anything_is_registered(
    run: Run, cleanup: dict[str, object], path: str
) -> None:
    def program() -> None:
        for component, inputs in (
            (ImagePreloader, args(cleanup=cleanup)),
            (ImageCleanup, {"namespace": "preload", "cleanup": cleanup}),
        ):
            with pytest.raises(InvalidInput) as caught:
                component("web", inputs)
            assert [problem.path for problem in caught.value.problems] == [path]

    assert run(program) == []


def test_it_runs_on_its_own_where_something_else_preloads(run: Run) -> None:
    inputs: ImageCleanupArgs = {"namespace": "preload", "node_labels": {"type": "web"}}
    resources = by_name(run(lambda: ImageCleanup("web", inputs)))
    alone = pod(resources["web-cleanup-daemon-set"])
    assert [container["name"] for container in alone["containers"]] == ["cleanup"]
    assert "initContainers" not in alone
    lane = pod(by_name(run(lambda: ImagePreloader("web", args())))["web-lane-0"])
    assert alone["containers"][0] == lane["containers"][0]
    policy = json.loads(resources["web-cleanup"].inputs["data"]["policy.json"])
    assert policy["images"] == []


def test_on_its_own_it_selects_no_pods_of_a_lane(run: Run) -> None:
    resources = by_name(run(lambda: ImageCleanup("web", {"namespace": "preload"})))
    selector = resources["web-cleanup-daemon-set"].inputs["spec"]["selector"]["matchLabels"]
    assert selector["app.kubernetes.io/component"] == "cleanup"


@pytest.mark.parametrize(
    "socket",
    [
        *("/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/cri-dockerd.sock"),
        *("/run/k3s/containerd/containerd.sock", "/var/run/crio/crio.sock"),
        *("/var/snap/microk8s/common/run/containerd.sock", "/run/k0s/containerd.sock"),
    ],
)
def test_the_socket_of_any_runtime_is_accepted(socket: str) -> None:
    assert list(check_cleanup("cleanup", (), {"runtime_socket": socket})) == []


@pytest.mark.parametrize(
    ("socket", "reason"),
    [
        *((path, "absolute path") for path in ("x.sock", "", "/", "/run/containerd/", "//run/x")),
        *((path, "absolute path") for path in ("/run/../etc/x.sock", "/run/./x/y", "/run//x/y")),
        *((path, "absolute path") for path in ("/run/a:b/x", "/run/a\nb/x", "/run/x/y\n")),
        *((path, "absolute path") for path in ("/run/$(NODE_NAME)/x", "/run/a b/x", "/run/é/x")),
        *((path, "mounted whole") for path in ("/x.sock", "/etc/x.sock", "/usr/bin/x.sock")),
        *((path, "mounted whole") for path in ("/proc/1/root/x", "/dev/x", "/var/lib/kubelet/x")),
        *((path, "the cleanup has") for path in ("/var/lib/x.sock", "/var/x.sock")),
        *(
            (path, "the cleanup has")
            for path in ("/var/lib/image-preloader/x", "/image-preloader/x")
        ),
        (f"/run/{'a' * 200}/x.sock", "at most 107"),
    ],
)
def test_no_other_path_is_mounted(socket: str, reason: str) -> None:
    (problem,) = check_cleanup("cleanup", (), {"runtime_socket": socket})
    assert (problem.path, problem.value) == ("cleanup.runtime_socket", socket)
    assert reason in problem.accepted
