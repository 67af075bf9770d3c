"""Takes images from a node so that a later pull of them begins at nothing."""

import time
from collections.abc import Iterable
from typing import Protocol

from preloader.images import parse_reference

POLL_SECONDS = 0.5
CONTAINERS_TIMEOUT_SECONDS = 120


class Machine(Protocol):
    """Something on which a containerd runs."""

    def ctr(self, *arguments: str) -> str:
        """Runs containerd's own tool there, in the namespace of Kubernetes."""
        ...


def image_digests(machine: Machine) -> dict[str, str]:
    """Every image reference on the machine, a bare `sha256:` ID too, and the digest it means."""
    lines = machine.ctr("images", "list").splitlines()[1:]
    return {line.split()[0]: line.split()[2] for line in lines}


def forget_images(machine: Machine, names: Iterable[str]) -> None:
    """Removes images, named as pods name them, with every reference to their digests.

    Waits until the last of their containers is really gone: before that containerd keeps what they
    consist of, and a second pull would have nothing to do. Raises TimeoutError.
    """
    stored = {parse_reference(name).stored_as for name in names}
    deadline = time.monotonic() + CONTAINERS_TIMEOUT_SECONDS
    while used := [name for name in stored if name in machine.ctr("containers", "list")]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"containers still use {', '.join(used)}")
        time.sleep(POLL_SECONDS)
    digests = image_digests(machine)
    wanted = {digests[name] for name in stored if name in digests}
    every = [reference for reference, digest in digests.items() if digest in wanted]
    if every:
        machine.ctr("images", "remove", "--sync", *every)
