"""What the components register: types, names, parents and options; the cleanup apart.

Whether an API server accepts it cannot be seen here; `tests/node` applies the same objects to one.
"""

from typing import cast

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from preloadctl.recorder import Registration
from preloader import ImagePreloader, ImagePreloaderArgs, InvalidInput, PreloaderNamespace
from tests.support import Run

DAEMON_SET = "kubernetes:apps/v1:DaemonSet"
IMAGES = ["a:1", "b:1", "c:1"]


def args(**others: object) -> ImagePreloaderArgs:
    plain = {"namespace": "preload", "images": IMAGES, "cleanup": {"enabled": False}}
    return cast("ImagePreloaderArgs", {**plain, **others})


def named(resources: list[Registration], name: str) -> Registration:
    (found,) = [resource for resource in resources if resource.name == name]
    return found


def lanes(resources: list[Registration]) -> list[Registration]:
    return [resource for resource in resources if resource.type == DAEMON_SET]


def pod(resource: Registration) -> dict:
    return resource.inputs["spec"]["template"]["spec"]


def test_one_daemon_set_a_lane_below_the_component(run: Run) -> None:
    resources = run(lambda: ImagePreloader("web", args()))
    component = named(resources, "web")
    assert component.type == "image-preloader:index:ImagePreloader"
    assert [(lane.name, lane.parent) for lane in lanes(resources)] == [
        (f"web-lane-{n}", component.urn) for n in range(3)
    ]


def test_bad_inputs_register_nothing(run: Run) -> None:
    def program() -> None:
        with pytest.raises(InvalidInput):
            ImagePreloader("web", args(preload={"lanes": 0}))
        with pytest.raises(InvalidInput):
            PreloaderNamespace("preload", {"name": "Bad_Name"})

    assert run(program) == []


def test_the_provider_and_dependencies_of_the_component_reach_every_lane(run: Run) -> None:
    def program() -> None:
        provider = kubernetes.Provider("elsewhere", kubeconfig="")
        namespace = PreloaderNamespace(
            "preload", {"name": "preload"}, pulumi.ResourceOptions(provider=provider)
        )
        ImagePreloader(
            "web",
            args(namespace=namespace.name),
            pulumi.ResourceOptions(provider=provider, protect=True),
        )

    resources = run(program)
    namespace = named(resources, "preload-namespace")
    for lane in lanes(resources):
        assert lane.provider.endswith("::elsewhere")
        assert lane.protect
        assert namespace.urn in lane.dependencies
        assert lane.inputs["metadata"]["namespace"] == "preload"


def test_the_namespace_says_its_pod_security_level_and_allows_the_priority(run: Run) -> None:
    resources = run(lambda: PreloaderNamespace("preload", {"name": "preload"}))
    namespace = named(resources, "preload-namespace")
    assert namespace.delete_before_replace
    assert namespace.inputs["metadata"]["name"] == "preload"
    labels = namespace.inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
    (selector,) = named(resources, "preload-critical-pods").inputs["spec"]["scopeSelector"][
        "matchExpressions"
    ]
    assert selector["values"] == ["system-node-critical"]


def test_the_selector_does_not_follow_the_images(run: Run) -> None:
    before = lanes(run(lambda: ImagePreloader("web", args())))
    after = lanes(run(lambda: ImagePreloader("web", args(images=["x:2", "y:2", "z:2"]))))
    for old, new in zip(before, after, strict=True):
        assert old.inputs["spec"]["selector"] == new.inputs["spec"]["selector"]
        assert old.inputs["spec"]["template"] != new.inputs["spec"]["template"]


def test_no_two_lanes_select_the_same_pods(run: Run) -> None:
    def program() -> None:
        ImagePreloader("web", args())
        ImagePreloader("ml", args())

    selectors = [str(lane.inputs["spec"]["selector"]) for lane in lanes(run(program))]
    assert len(set(selectors)) == len(selectors) == 6


def test_hold_runs_one_sleeping_container_an_image(run: Run) -> None:
    (lane,) = lanes(run(lambda: ImagePreloader("web", args(preload={"lanes": 1}))))
    containers = pod(lane)["containers"]
    assert [container["image"] for container in containers] == IMAGES
    for container in containers:
        assert container["command"][:2] == ["/.image-preloader/busybox", "sleep"]


def test_init_runs_one_init_container_an_image_and_then_pauses(run: Run) -> None:
    preload = {"lanes": 1, "mode": "init"}
    (lane,) = lanes(run(lambda: ImagePreloader("web", args(preload=preload))))
    images = [container["image"] for container in pod(lane)["initContainers"]]
    assert images == ["busybox:1.37.0-musl", *IMAGES]
    assert [container["name"] for container in pod(lane)["containers"]] == ["pause"]


@pytest.mark.parametrize("mode", ["hold", "init"])
def test_every_container_is_without_rights_and_small(run: Run, mode: str) -> None:
    (lane,) = lanes(run(lambda: ImagePreloader("web", args(preload={"lanes": 1, "mode": mode}))))
    containers = [*pod(lane)["initContainers"], *pod(lane)["containers"]]
    assert len(containers) >= 4
    for container in containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["imagePullPolicy"] == "IfNotPresent"
        assert container["resources"]["limits"] == {"memory": "16Mi"}
        assert {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"} in container["env"]
    assert pod(lane)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod(lane)["securityContext"]["runAsNonRoot"] is True


def test_the_pod_is_critical_and_takes_nothing_from_the_node(run: Run) -> None:
    lane, *_ = lanes(run(lambda: ImagePreloader("web", args(image_pull_secrets=["pull"]))))
    spec = pod(lane)
    assert spec["priorityClassName"] == "system-node-critical"
    assert spec["hostNetwork"] is True
    assert spec["terminationGracePeriodSeconds"] == 0
    assert spec["automountServiceAccountToken"] is False
    assert spec["imagePullSecrets"] == [{"name": "pull"}]
    assert lane.inputs["spec"]["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": "100%"}


def test_labels_and_taints_of_the_pool_decide_where_it_runs(run: Run) -> None:
    taints = [
        {"key": "workload", "value": "web", "effect": "NoSchedule"},
        {"key": "spot", "effect": "NoExecute"},
    ]
    lane, *_ = lanes(
        run(lambda: ImagePreloader("web", args(node_labels={"type": "web"}, node_taints=taints)))
    )
    affinity = pod(lane)["affinity"]["nodeAffinity"]
    (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert {"key": "type", "operator": "In", "values": ["web"]} in term["matchExpressions"]
    assert pod(lane)["tolerations"] == [
        {"key": "workload", "operator": "Equal", "value": "web", "effect": "NoSchedule"},
        {"key": "spot", "operator": "Equal", "value": "", "effect": "NoExecute"},
    ]


def test_the_order_of_a_pools_labels_changes_nothing(run: Run) -> None:
    first, second = (
        lanes(run(lambda labels=labels: ImagePreloader("web", args(node_labels=labels))))
        for labels in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"})
    )
    assert first == second


def test_a_pool_can_tolerate_everything_but_nodes_without_images(run: Run) -> None:
    lane, *_ = lanes(run(lambda: ImagePreloader("all", args(tolerate="everything"))))
    assert pod(lane)["tolerations"] == [{"operator": "Exists"}]
    affinity = pod(lane)["affinity"]["nodeAffinity"]
    (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert {
        "key": "eks.amazonaws.com/compute-type",
        "operator": "NotIn",
        "values": ["fargate"],
    } in term["matchExpressions"]


def test_a_detached_rollout_is_not_waited_for(run: Run) -> None:
    lane, *_ = lanes(run(lambda: ImagePreloader("web", args())))
    assert lane.inputs["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert lane.create_timeout == lane.update_timeout == ""


def test_an_awaited_rollout_has_its_own_timeout(run: Run) -> None:
    preload = {"rollout": "await", "rollout_timeout_seconds": 900}
    lane, *_ = lanes(run(lambda: ImagePreloader("web", args(preload=preload))))
    assert "annotations" not in lane.inputs["metadata"]
    assert lane.create_timeout == lane.update_timeout == "900s"


def test_helper_images_come_from_where_the_cluster_has_them(run: Run) -> None:
    helpers = {"busybox": "reg.local:5000/busybox:musl", "pause": "reg.local:5000/pause:3"}
    preload = {"mode": "init"}
    lane, *_ = lanes(
        run(lambda: ImagePreloader("web", args(helper_images=helpers, preload=preload)))
    )
    assert pod(lane)["initContainers"][0]["image"] == "reg.local:5000/busybox:musl"
    assert pod(lane)["containers"][0]["image"] == "reg.local:5000/pause:3"


def test_the_component_tells_its_daemon_sets_names(run: Run) -> None:
    names: list[list[str]] = []
    run(lambda: ImagePreloader("web", args()).daemon_set_names.apply(names.append))
    assert names == [["web-lane-0", "web-lane-1", "web-lane-2"]]


def test_a_doubtful_image_is_warned_of(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    run(lambda: ImagePreloader("web", args(images=["nginx"])))
    assert "web.images[0]" in caplog.text


def test_images_of_unknown_size_are_said_with_what_to_do(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    run(lambda: ImagePreloader("web", args(image_sizes_bytes={"a:1": 5})))
    said = [record.getMessage() for record in caplog.records]
    assert [text for text in said if "size is not known of b:1, c:1" in text and "lock" in text]
    caplog.clear()
    run(lambda: ImagePreloader("web", args(image_sizes_bytes=dict.fromkeys(IMAGES, 5))))
    assert not [record for record in caplog.records if "size is" in record.getMessage()]
