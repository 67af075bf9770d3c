"""The harness's own network: one bridge, and an address on it for every node.

198.18.0.0/15 is set aside for tests of network devices: no machine's real network uses it.
"""

import subprocess
from dataclasses import dataclass

from tests.node.run import Run

LARGEST_NUMBER_OF_RUNS = 64


@dataclass(frozen=True)
class Network:
    """A bridge on this machine, and the addresses on it."""

    index: int

    @property
    def bridge(self) -> str:
        """Its name as a network link."""
        return f"preload{self.index}"

    @property
    def host(self) -> str:
        """The address of this machine, where the API server and the registry listen."""
        return f"198.18.{self.index}.1"

    def node(self, number: int) -> str:
        """The address of a node."""
        return f"198.18.{self.index}.{number + 10}"


def create_network(run: Run) -> Network:
    """Makes a bridge; the kernel says which number is free, so several runs do not meet."""
    for index in range(LARGEST_NUMBER_OF_RUNS):
        network = Network(index)
        command = ["ip", "link", "add", network.bridge, "type", "bridge"]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            run.record(link=network.bridge)
            ip("address", "add", f"{network.host}/24", "dev", network.bridge)
            ip("link", "set", network.bridge, "up")
            return network
    raise RuntimeError("no bridge could be made: is this root, and does the kernel have bridges?")


def connect(network: Network, number: int, pid: int) -> None:
    """Gives the network namespace of a process an address on the bridge."""
    link = link_name(network, number)
    inside = ("nsenter", "--net", "--target", str(pid), "ip")
    ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
    ip("link", "set", link, "master", network.bridge, "up")
    for command in (
        ("link", "set", "lo", "up"),
        ("address", "add", f"{network.node(number)}/24", "dev", "eth0"),
        ("link", "set", "eth0", "up"),
        ("route", "add", "default", "via", network.host),
    ):
        subprocess.run([*inside, *command], check=True, capture_output=True, text=True)


def disconnect(network: Network, number: int) -> None:
    """Removes a node's link at once; the kernel removes it too, some time after the namespace."""
    command = ["ip", "link", "delete", link_name(network, number)]
    subprocess.run(command, capture_output=True, check=False)


def link_name(network: Network, number: int) -> str:
    """The end of a node's link that is on the bridge."""
    return f"{network.bridge}-{number}"


def ip(*arguments: str) -> None:
    """Runs `ip`, and fails with what it said."""
    result = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {result.stderr.strip()}")
