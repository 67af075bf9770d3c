"""What the tests on a real node share: one cluster for all, and nodes that a test brings itself.

Where KUBECONFIG is set, that cluster is used and nothing is built or started. Tests that ask for
`cluster`, `registry` or `add_node` are then skipped: they break a node, or need a registry that
misbehaves, and a person's own cluster has neither to spare.
"""

import itertools
import os
import shutil
import signal
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.node.article import push_article_images
from tests.node.cluster import Cluster, start_cluster
from tests.node.held import NODE_LABEL, HeldImages, hold, leave_unused
from tests.node.kubectl import Kubectl
from tests.node.node import Node, NodeSpec
from tests.node.preloading import POOL_LABEL, Preloader
from tests.node.registry import Registry
from tests.node.up import interrupt

KUBECONFIG = os.environ.get("KUBECONFIG")
NOT_ON_THIS_CLUSTER = (
    "KUBECONFIG is set: this test breaks a node, or needs a registry that misbehaves, "
    "which only the tests' own cluster has"
)
ARTICLE_SCALE = 1 / 100

AddNode = Callable[..., Node]
NewPreloader = Callable[[], Preloader]
Preload = Callable[[Mapping[str, Any]], Preloader]
numbers = itertools.count(1)


@pytest.fixture(scope="session")
def own_cluster() -> Iterator[Cluster | None]:
    """The harness's own cluster, or None where there is another to use."""
    if KUBECONFIG:
        yield None
        return
    # Ctrl-C and SIGTERM both unwind the fixtures, so that nothing is left running.
    signal.signal(signal.SIGTERM, interrupt)
    with start_cluster() as cluster:
        push_article_images(cluster.registry, scale=ARTICLE_SCALE)
        yield cluster


@pytest.fixture
def cluster(own_cluster: Cluster | None) -> Cluster:
    """The harness's own cluster; asking for it skips the test on any other."""
    if own_cluster is None:
        pytest.skip(NOT_ON_THIS_CLUSTER)
    return own_cluster


@pytest.fixture(scope="session")
def kubectl(own_cluster: Cluster | None) -> Kubectl:
    """The cluster under test."""
    if own_cluster:
        return own_cluster.kubectl
    return Kubectl(shutil.which("kubectl") or "kubectl", Path(str(KUBECONFIG)))


@pytest.fixture
def registry(cluster: Cluster) -> Iterator[Registry]:
    """The registry of all nodes, which misbehaves at most until the end of the test."""
    yield cluster.registry
    cluster.registry.reset()


@pytest.fixture
def add_node(cluster: Cluster) -> Iterator[AddNode]:
    """Adds nodes to the cluster that are gone after the test."""
    added: list[Node] = []

    def add(
        name: str,
        *,
        labels: Mapping[str, str] | None = None,
        taints: tuple[Mapping[str, str], ...] = (),
        kubelet_config: Mapping[str, Any] | None = None,
        image_filesystem_mib: int | None = None,
    ) -> Node:
        spec = NodeSpec(name, labels or {}, taints, kubelet_config or {}, image_filesystem_mib)
        added.append(cluster.add_node(spec))
        return added[-1]

    yield add
    for node in added:
        if node.name in cluster.nodes:
            cluster.remove_node(node)


@pytest.fixture
def pool(
    request: pytest.FixtureRequest, own_cluster: Cluster | None
) -> Iterator[Mapping[str, str]]:
    """The labels of a pool of one node: a new node, or one of the cluster under test."""
    labels = {POOL_LABEL: f"pool-{next(numbers)}"}
    if own_cluster:
        request.getfixturevalue("add_node")(labels[POOL_LABEL], labels=labels)
        yield labels
        return
    kubectl: Kubectl = request.getfixturevalue("kubectl")
    name = next(
        node["metadata"]["name"]
        for node in kubectl.find("nodes")
        if not node["spec"].get("taints") and not node["spec"].get("unschedulable")
    )
    kubectl("label", "node", name, f"{POOL_LABEL}={labels[POOL_LABEL]}", "--overwrite")
    yield labels
    kubectl("label", "node", name, f"{POOL_LABEL}-")


@pytest.fixture
def new_preloader(kubectl: Kubectl, tmp_path: Path) -> Iterator[NewPreloader]:
    """Makes preloaders, without any pool yet, that are gone after the test."""
    made: list[Preloader] = []

    def make() -> Preloader:
        namespace = f"preload-test-{uuid.uuid4().hex[:6]}"
        made.append(Preloader(kubectl, namespace, tmp_path))
        return made[-1]

    yield make
    for preloader in made:
        preloader.remove()


@pytest.fixture
def preload(new_preloader: NewPreloader) -> Preload:
    """Renders pools with the program and applies what it wrote."""

    def apply(pools: Mapping[str, Any]) -> Preloader:
        preloader = new_preloader()
        preloader.apply(pools)
        return preloader

    return apply


@dataclass(frozen=True)
class CollectedNode:
    """A node whose kubelet will collect images, since its disk is over the threshold."""

    node: Node
    held: HeldImages
    held_by_init: HeldImages
    unused: set[str]


@pytest.fixture(scope="session")
def collected_node(
    own_cluster: Cluster | None, tmp_path_factory: pytest.TempPathFactory
) -> CollectedNode:
    """A node with images that the kubelet's own collection may take, and some that it may not."""
    if own_cluster is None:
        pytest.skip(NOT_ON_THIS_CLUSTER)
    kubectl, registry = own_cluster.kubectl, own_cluster.registry
    config = {
        "imageGCHighThresholdPercent": 30,
        "imageGCLowThresholdPercent": 10,
        "imageMinimumGCAge": "1s",
    }
    name = "collected"
    node = own_cluster.add_node(
        NodeSpec(name, {NODE_LABEL: name}, (), config, image_filesystem_mib=600)
    )
    held, held_by_init = (
        hold(node, registry, Preloader(kubectl, namespace, folder), size_mib=20, mode=mode)
        for mode in ("hold", "init")
        for namespace in (f"{name}-{mode}",)
        for folder in (tmp_path_factory.mktemp(namespace),)
    )
    unused = leave_unused(node, registry, kubectl, size_mib=20)
    # Of what comes after its start, a kubelet takes notice only every five minutes.
    node.stop_kubelet()
    node.start_kubelet()
    return CollectedNode(node, held, held_by_init, unused)


@pytest.fixture(scope="session", autouse=True)
def start_what_takes_minutes(request: pytest.FixtureRequest) -> None:
    """Starts the node whose kubelet collects before other tests, so that they run meanwhile."""
    wanted = any("collected_node" in names_of_fixtures(item) for item in request.session.items)
    # A fixture of all tests that skips would skip all tests.
    if wanted and not KUBECONFIG:
        request.getfixturevalue("collected_node")


# First, so that pytest-xdist finds the group.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs a node, and puts last what waits for minutes."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("node")
            # One cluster for all, so one process of those that share the tests.
            item.add_marker(pytest.mark.xdist_group("cluster"))
    items.sort(key=lambda item: "collected_node" in names_of_fixtures(item))


def names_of_fixtures(item: pytest.Item) -> list[str]:
    """The fixtures that a test asks for, directly or not."""
    return getattr(item, "fixturenames", [])
