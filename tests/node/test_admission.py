"""What Kubernetes' own admission says of the preloader's pods.

Pod Security's `restricted` level is broken only where it has to be, and the API server, not this
repository, says where that is.
"""

import json
import re
import uuid
from collections.abc import Iterator, Mapping

import pytest

from tests.node.article import SMALL_IMAGES
from tests.node.conftest import Preload
from tests.node.kubectl import Kubectl, KubectlError, Manifest
from tests.node.preloading import POOL_LABEL

NO_NODE = {POOL_LABEL: "no-such-pool"}
POOL = {"images": [*SMALL_IMAGES], "node_labels": NO_NODE, "cleanup": {"enabled": True}}
# No pod address is taken from the node, and the images come before the CNI is up.
EVERY_LANE = {"host namespaces"}
# The runtime's socket is root's, in a folder of the node.
CLEANUP = {"hostPath volumes", "restricted volume types", "runAsNonRoot != true", "runAsUser=0"}


@pytest.fixture
def restricted(kubectl: Kubectl) -> Iterator[str]:
    """A namespace that enforces the strictest level."""
    name = f"restricted-{uuid.uuid4().hex[:6]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": name, "labels": labels}
    kubectl.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}])
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.mark.parametrize("mode", ["hold", "init"])
def test_restricted_is_violated_only_where_it_has_to_be(
    kubectl: Kubectl, preload: Preload, restricted: str, mode: str
) -> None:
    preloader = preload({"main": {**POOL, "preload": {"mode": mode}}})

    for daemon_set in preloader.daemon_sets():
        found = violations(kubectl, pod_of(daemon_set), restricted)
        assert found >= EVERY_LANE
        assert found <= EVERY_LANE | (CLEANUP if has_cleanup(daemon_set) else set())


def test_the_rendered_namespace_admits_what_is_rendered(kubectl: Kubectl, preload: Preload) -> None:
    preloader = preload({"main": POOL})

    for daemon_set in preloader.daemon_sets():
        assert violations(kubectl, pod_of(daemon_set), preloader.namespace) == set()


def pod_of(daemon_set: Manifest) -> Manifest:
    """A pod as the DaemonSet makes it."""
    template = daemon_set["spec"]["template"]
    metadata = {"name": "probe", "labels": template["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def has_cleanup(daemon_set: Manifest) -> bool:
    """Whether one of its containers reaches the runtime's socket."""
    volumes = daemon_set["spec"]["template"]["spec"].get("volumes", ())
    return any("hostPath" in volume for volume in volumes)


def violations(kubectl: Kubectl, pod: Mapping[str, object], namespace: str) -> set[str]:
    """What the API server refuses a pod for in a namespace; nothing is made."""
    options = ("--dry-run=server", "--namespace", namespace, "--filename", "-")
    try:
        kubectl("create", *options, stdin=json.dumps(pod))
    except KubectlError as error:
        _, refused, said = str(error).partition("violates PodSecurity ")
        if not refused:
            raise
        # `"restricted:latest": host namespaces (hostNetwork=true), seccompProfile (pod must ...)`
        names = re.sub(r"\([^()]*\)", "", said.partition('": ')[2])
        return {name.strip() for name in names.split(",")}
    return set()
