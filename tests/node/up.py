"""A cluster of one node and a registry, until Ctrl-C: `python -m tests.node.up`."""

import argparse
import signal
import sys
from types import FrameType

from tests.node.article import push_article_images
from tests.node.cluster import start_cluster
from tests.node.node import NodeSpec

ARTICLE_SCALE = 1 / 10


def main() -> None:
    """Starts the cluster, says where it is, and waits for the signal to stop."""
    parser = argparse.ArgumentParser(prog="python -m tests.node.up", description=__doc__)
    parser.add_argument("nodes", nargs="*", default=["node-1"], help="names of the nodes to start")
    names = parser.parse_args().nodes
    signal.signal(signal.SIGTERM, interrupt)
    try:
        with start_cluster() as cluster:
            for name in names:
                cluster.add_node(NodeSpec(name))
            push_article_images(cluster.registry, scale=ARTICLE_SCALE)
            print(f"export KUBECONFIG={cluster.kubectl.kubeconfig}")
            print(f"# kubectl:            {cluster.kubectl.program}")
            print(f"# registry:           http://{cluster.registry.address}")
            for node in cluster.nodes.values():
                print(f"# containerd, {node.name}: {node.containerd_socket}")
            print("# Ctrl-C stops it all", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Makes SIGTERM end the program as Ctrl-C does, so that nothing is left behind."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
