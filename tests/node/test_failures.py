"""What goes wrong in a registry stops as little as it can, and mends itself."""

import base64
import json

from tests.node import images
from tests.node.conftest import AddNode, Preload
from tests.node.kubectl import Kubectl, Manifest
from tests.node.preloading import Preloader, messages, ready_containers, start_workload, workload
from tests.node.registry import Conduct, Registry

MIB = images.MIB
NOT_PULLED = {"ErrImagePull", "ImagePullBackOff"}
PASSWORD = Conduct(user="someone", password="open sesame")  # noqa: S106


def test_a_missing_image_stops_no_other(
    add_node: AddNode, registry: Registry, preload: Preload
) -> None:
    labels = {"pool": "missing"}
    first, last = "team/first:1", "team/last:1"
    for name in (first, last):
        registry.push(images.scratch(MIB, seed=name), name)
    add_node("missing", labels=labels)
    wanted = [first, "team/never-pushed:1", last]

    preloader = preload({"main": {"images": wanted, "node_labels": labels, "preload": ONE_LANE}})

    preloader.kubectl.wait_for("the others ready", lambda: ready_images(preloader) >= {first, last})
    wait_until_not_pulled(preloader, "team/never-pushed:1")
    ready = ready_containers(preloader.pods())
    assert [name for name in wanted if not ready[name]] == ["team/never-pushed:1"]
    preloader.kubectl.wait_for("READY one short", lambda: not_ready(preloader) == 1)


def not_ready(preloader: Preloader) -> int:
    """By how much READY, as kubectl prints it, falls short in the one pod."""
    printed = preloader.kubectl("get", "pods", "--namespace", preloader.namespace, "--no-headers")
    counted, _, total = printed.split()[1].partition("/")
    return int(total) - int(counted)


def test_an_image_arrives_by_itself_once_its_registry_recovers(
    add_node: AddNode, registry: Registry, preload: Preload
) -> None:
    # Both modes at once: the kubelet's pause between two tries is most of the time.
    late = {mode: f"team/late-{mode}:1" for mode in ("hold", "init")}
    labels = {mode: {"pool": f"recovery-{mode}"} for mode in late}
    built = {mode: registry.push(images.scratch(MIB, seed=late[mode]), late[mode]) for mode in late}
    nodes = {mode: add_node(f"recovery-{mode}", labels=labels[mode]) for mode in late}
    registry.set_conduct(Conduct(status=503), *(f"team/late-{mode}" for mode in late))
    preloader = preload(
        {
            mode: {"images": [late[mode]], "node_labels": labels[mode], "preload": {"mode": mode}}
            for mode in late
        }
    )
    for mode, name in late.items():
        wait_until_not_pulled(preloader, name)
        assert built[mode].image_id not in nodes[mode].image_digests()

    registry.reset()

    preloader.wait_until_complete()
    for mode in late:
        assert built[mode].image_id in nodes[mode].image_digests()


def test_init_mode_pulls_nothing_after_a_missing_image(
    add_node: AddNode, registry: Registry, preload: Preload
) -> None:
    labels = {"pool": "blocked"}
    before, after = (
        registry.push(images.scratch(MIB, seed=name), f"team/{name}:1")
        for name in ("before", "after")
    )
    node = add_node("blocked", labels=labels)
    settings = {**ONE_LANE, "mode": "init"}
    wanted = ["team/before:1", "team/not-there:1", "team/after:1"]

    preloader = preload({"main": {"images": wanted, "node_labels": labels, "preload": settings}})

    # A second try shows that the kubelet does not go on to the next image instead.
    preloader.kubectl.wait_for("two failed pulls", lambda: failed_pulls(preloader) >= 2)
    assert before.image_id in node.image_digests()
    assert after.image_id not in node.image_digests()


def test_a_private_image_is_preloaded_with_a_pull_secret(
    kubectl: Kubectl, add_node: AddNode, registry: Registry, preload: Preload
) -> None:
    labels = {"pool": "private"}
    name = "registry.example.com/team/private:1"
    registry.push(images.with_shell(MIB, seed="private"), name)
    registry.set_conduct(PASSWORD, "team/private")
    add_node("private", labels=labels)
    pool = {"images": [name], "node_labels": labels, "image_pull_secrets": ["private"]}

    preloader = preload({"main": pool})
    wait_until_not_pulled(preloader, name)
    kubectl.apply([pull_secret(preloader.namespace)])

    preloader.wait_until_complete()
    kubectl.apply([pull_secret("default")])
    pod = workload("member", [name], labels, imagePullSecrets=[{"name": "private"}])
    assert messages(start_workload(kubectl, pod), "Pulling") == []


def test_a_preloaded_private_image_is_not_open_to_pods_without_its_password(
    kubectl: Kubectl, add_node: AddNode, registry: Registry, preload: Preload
) -> None:
    labels = {"pool": "stranger"}
    name = "registry.example.com/team/closed:1"
    registry.push(images.with_shell(MIB, seed="closed"), name)
    registry.set_conduct(PASSWORD, "team/closed")
    add_node("stranger", labels=labels)
    preloader = preload(
        {"main": {"images": [name], "node_labels": labels, "image_pull_secrets": ["private"]}}
    )
    kubectl.apply([pull_secret(preloader.namespace)])
    preloader.wait_until_complete()

    kubectl.apply([workload("stranger", [name], labels)])

    kubectl.wait_for(
        "the stranger refused",
        lambda: NOT_PULLED & {*waiting(kubectl.get("pod", "stranger")).values()},
    )


ONE_LANE = {"lanes": 1}


def pull_secret(namespace: str) -> Manifest:
    """A secret with the password of the registry, for pods in a namespace."""
    word = base64.b64encode(f"{PASSWORD.user}:{PASSWORD.password}".encode()).decode()
    config = {"auths": {"registry.example.com": {"auth": word}}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "private", "namespace": namespace},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": json.dumps(config)},
    }


def ready_images(preloader: Preloader) -> set[str]:
    return {image for image, ready in ready_containers(preloader.pods()).items() if ready}


def waiting(pod: Manifest) -> dict[str, str]:
    """Why containers of a pod wait, by the image they wait for."""
    images_of = {
        container["name"]: container["image"]
        for kind in ("initContainers", "containers")
        for container in pod["spec"].get(kind, ())
    }
    return {
        images_of[state["name"]]: state["state"]["waiting"].get("reason", "")
        for kind in ("initContainerStatuses", "containerStatuses")
        for state in pod["status"].get(kind, ())
        if "waiting" in state["state"]
    }


def wait_until_not_pulled(preloader: Preloader, image: str) -> None:
    """Waits until a pod says that the image cannot be pulled."""
    preloader.kubectl.wait_for(
        f"{image} reported as not pulled",
        lambda: any(waiting(pod).get(image) in NOT_PULLED for pod in preloader.pods()),
    )


def failed_pulls(preloader: Preloader) -> int:
    """How often a pull has failed in the preloader's namespace."""
    events = preloader.kubectl.events(namespace=preloader.namespace)
    return sum(
        event.get("count", 1)
        for event in events
        if event["reason"] == "Failed" and "Failed to pull image" in event["message"]
    )
