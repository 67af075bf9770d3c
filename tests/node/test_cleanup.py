"""The cleanup agent where it belongs: in the preloader's first lane, on a real node."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.node import images
from tests.node.conftest import AddNode, Preload
from tests.node.kubectl import Kubectl
from tests.node.node import Node
from tests.node.preloading import Preloader, start_workload, workload
from tests.node.registry import Registry

REPOSITORY = "registry.example.com:5000/team/app"
# As text 1.9 is the newest of these.
VERSIONS = [f"{REPOSITORY}:{version}" for version in ("1.8", "1.9", "1.10", "1.11")]
HELD = "registry.example.com:5000/team/held:1"
# Otherwise nothing is old enough for an hour.
AT_ONCE = {"minimum_age_seconds": 0}


def pull(kubectl: Kubectl, registry: Registry, node: Node, names: Sequence[str]) -> dict[str, str]:
    """Leaves images on a node that a pod has used and nothing uses any more; their IDs."""
    built = {name: registry.push(images.with_shell(images.MIB, seed=name), name) for name in names}
    pod = workload(f"past-{node.name}", names, labels_of(node))
    start_workload(kubectl, pod)
    kubectl.delete([pod])
    # The runtime has them a moment longer, and an image that a container uses stays.
    kubectl.wait_for(
        "the pod's containers gone",
        lambda: not any(name in node.ctr("containers", "list") for name in names),
    )
    return {name: image.image_id for name, image in built.items()}


def labels_of(node: Node) -> dict[str, str]:
    return {"cleanup": node.name}


def preload_on(node: Node, preload: Preload, **cleanup: object) -> Preloader:
    pool = {"images": [HELD], "node_labels": labels_of(node), "cleanup": {**AT_ONCE, **cleanup}}
    return preload({"main": pool})


def report(preloader: Preloader) -> list[dict[str, Any]]:
    """What the agent has said so far."""
    name = preloader.pods()[0]["metadata"]["name"]
    log = preloader.kubectl("logs", name, "-c", "cleanup", "-n", preloader.namespace)
    return [json.loads(line) for line in log.splitlines()]


def first_summary(preloader: Preloader) -> dict[str, Any]:
    return preloader.kubectl.wait_for(
        "a run of the cleanup",
        lambda: next((line for line in report(preloader) if line["event"] == "summary"), None),
    )


def decisions(preloader: Preloader) -> dict[str, Mapping[str, Any]]:
    """What was decided on each image, by its ID."""
    return {line["image"]: line for line in report(preloader) if line["event"] == "decision"}


def test_old_versions_go_and_all_that_is_needed_stays(
    add_node: AddNode, registry: Registry, kubectl: Kubectl, preload: Preload
) -> None:
    # Images have a file system of their own here, so that nothing else changes what is free on it.
    node = add_node("cleaned", labels={"cleanup": "cleaned"}, image_filesystem_mib=600)
    registry.push(images.with_shell(images.MIB, seed=HELD), HELD)
    ids = pull(kubectl, registry, node, VERSIONS)

    preloader = preload_on(node, preload)
    summary = first_summary(preloader)

    present = node.image_digests()
    assert [name for name in VERSIONS if name in present] == VERSIONS[2:]
    assert not {ids[name] for name in VERSIONS[:2]} & set(present)
    assert HELD in present
    assert any("/pause" in name for name in present)
    assert summary["outcomes"]["removed"] == 2
    assert summary["outcomes"]["failed"] == 0
    assert summary["freed_bytes"] > images.MIB
    assert summary["problems"] == []


def test_a_dry_run_tells_what_would_go_and_leaves_it(
    add_node: AddNode, registry: Registry, kubectl: Kubectl, preload: Preload
) -> None:
    node = add_node("dry", labels={"cleanup": "dry"})
    registry.push(images.with_shell(images.MIB, seed=HELD), HELD)
    ids = pull(kubectl, registry, node, VERSIONS)

    preloader = preload_on(node, preload, dry_run=True)
    first_summary(preloader)

    said = decisions(preloader)
    assert {name for name in VERSIONS if said[ids[name]]["outcome"] == "would-remove"} == {
        *VERSIONS[:2]
    }
    assert set(VERSIONS) <= set(node.image_digests())


def test_it_agrees_with_the_kubelet_on_what_is_in_use(
    add_node: AddNode, registry: Registry, kubectl: Kubectl, preload: Preload
) -> None:
    node = add_node("agreed", labels={"cleanup": "agreed"})
    registry.push(images.with_shell(images.MIB, seed=HELD), HELD)
    pull(kubectl, registry, node, VERSIONS)
    ended = workload("ended", VERSIONS[:1], labels_of(node), restartPolicy="Never")
    ended["spec"]["containers"][0]["command"] = ["true"]
    kubectl.apply([ended])
    kubectl("wait", "pod/ended", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    start_workload(kubectl, workload("running", VERSIONS[1:2], labels_of(node)))

    preloader = preload_on(node, preload)
    first_summary(preloader)

    said = decisions(preloader)
    used = {image for image, line in said.items() if line["reason"] == "used-by-container"}
    assert used == images_by_kubelet(kubectl, node)
    assert said[node_image(node, VERSIONS[0])]["outcome"] == "kept"
    kubectl.delete([ended, workload("running", VERSIONS[1:2], labels_of(node))])


def images_by_kubelet(kubectl: Kubectl, node: Node) -> set[str]:
    """The IDs of the images of every container, ended ones too, that the kubelet reports."""
    digests = node.image_digests()
    ids = {digest: name for name, digest in digests.items() if name.startswith("sha256:")}
    pods = kubectl.find("pods", f"--field-selector=spec.nodeName={node.name}")
    statuses = [
        status
        for pod in pods
        for kind in ("containerStatuses", "initContainerStatuses")
        for status in pod["status"].get(kind, ())
    ]
    return {ids[digests[status["imageID"]]] for status in statuses}


def node_image(node: Node, name: str) -> str:
    """The ID of the image that has this name on the node."""
    digests = node.image_digests()
    return next(
        image
        for image, digest in digests.items()
        if image.startswith("sha256:") and digest == digests[name]
    )


def test_it_runs_as_root_without_any_right_and_is_ready(
    add_node: AddNode, registry: Registry, preload: Preload
) -> None:
    node = add_node("bare", labels={"cleanup": "bare"})
    registry.push(images.with_shell(images.MIB, seed=HELD), HELD)
    preloader = preload_on(node, preload)
    preloader.wait_until_complete()
    (pod,) = preloader.pods()

    def inside(*command: str) -> str:
        name, namespace = pod["metadata"]["name"], preloader.namespace
        return preloader.kubectl("exec", name, "-n", namespace, "-c", "cleanup", "--", *command)

    status = dict(
        line.split(":", 1)
        for line in inside("python3", "-c", "print(open('/proc/1/status').read())").splitlines()
        if ":" in line
    )
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"
    (cleanup,) = [each for each in pod["status"]["containerStatuses"] if each["name"] == "cleanup"]
    assert (cleanup["ready"], cleanup["restartCount"]) == (True, 0)
