"""What a cleanup may remove, and where it reaches the runtime: inputs checked, defaults set."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import normpath

from preloader.agent.policy import MetricsAddress, Policy, find_problems
from preloader.args import CleanupArgs
from preloader.bundle import build_agent
from preloader.problems import Problem, check_keys, join

DEFAULT_SOCKET = "/run/containerd/containerd.sock"
# What the pod has of its own, where the agent looks by default: preloader/agent/__main__.py. None
# is below /run, where cri-dockerd listens: /run is then mounted, and read-only.
CONFIG_DIRECTORY = "/etc/image-preloader"
STATE_DIRECTORY = "/var/lib/image-preloader"
READY_DIRECTORY = "/image-preloader"
# https://man7.org/linux/man-pages/man7/unix.7.html: 108 bytes with the zero at the end.
SOCKET_PATH_MAX_LENGTH = 107
# `kubectl apply` keeps a copy of the ConfigMap in its annotations, of which the API takes 256 KiB,
# and a quotation mark or the end of a line takes two bytes there
# (https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/).
MAX_POLICY_BYTES = 200 * 1024
_SOCKET = re.compile(r"(?:/[A-Za-z0-9._@+=-]+)+")
# Directories that a container has of its own, and those of a node with more in them than a socket.
_NO_SOCKET_DIRECTORIES = (
    *("/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/proc", "/root", "/sbin"),
    *("/sys", "/usr", "/var/lib/kubelet", "/run/secrets", "/var/run/secrets"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupSpec:
    """A policy, where the runtime listens, and the image that the agent runs in."""

    policy: Policy
    runtime_socket: str
    python: str

    @property
    def policy_json(self) -> str:
        """The policy as the agent reads it."""
        return _policy_json(self.policy.as_mapping())

    @property
    def serves_on_node(self) -> bool:
        """Whether the metrics are on the node's address, which takes the host's network."""
        policy = self.policy
        return policy.metrics_port is not None and policy.metrics_address is MetricsAddress.NODE

    @property
    def socket_directory(self) -> str:
        """The directory that is mounted: a mounted socket is stale once the runtime restarts."""
        return str(PurePosixPath(self.runtime_socket).parent)

    @property
    def checksum(self) -> str:
        """Changes with the agent and the policy, either of which restarts the container."""
        content = build_agent() + self.policy_json.encode()
        return hashlib.sha256(content).hexdigest()


def cleanup_spec(pool: str, images: Sequence[str], args: CleanupArgs, python: str) -> CleanupSpec:
    """Returns the spec of a pool's cleanup, whose inputs have no problems."""
    return CleanupSpec(
        policy=Policy.from_mapping(_policy_mapping(pool, images, args)),
        runtime_socket=args.get("runtime_socket", DEFAULT_SOCKET),
        python=python,
    )


def check_cleanup(path: str, images: Sequence[str], args: CleanupArgs) -> Iterator[Problem]:
    """Yields every problem of a cleanup's inputs; `images` are those that the pool preloads."""
    yield from check_keys(path, args, CleanupArgs.__annotations__)
    socket = args.get("runtime_socket", DEFAULT_SOCKET)
    if reason := _why_no_socket(socket):
        yield Problem(join(path, "runtime_socket"), socket, reason)
    for problem in find_problems(_policy_mapping("pool", (), args)):
        yield Problem(join(path, problem.path), problem.value, problem.accepted)
    size_bytes = len(_policy_json(_policy_mapping("pool", images, args)).encode())
    if size_bytes > MAX_POLICY_BYTES:
        accepted = (
            f"makes a policy of {size_bytes} bytes with the pool's {len(images)} images; a "
            f"ConfigMap has room for one of {MAX_POLICY_BYTES}"
        )
        yield Problem(join(path, "protect"), args.get("protect", []), accepted)


def _why_no_socket(socket: str) -> str | None:
    """Returns why the runtime cannot listen there, or its directory cannot be mounted."""
    if not _SOCKET.fullmatch(socket) or normpath(socket) != socket:
        return (
            "must be an absolute path on the node without '.', '..', ':', '$' and blanks, such as "
            f"{DEFAULT_SOCKET}"
        )
    if len(socket) > SOCKET_PATH_MAX_LENGTH:
        return f"has {len(socket)} characters; a socket's path has at most {SOCKET_PATH_MAX_LENGTH}"
    directory = PurePosixPath(socket).parent
    for taken in _NO_SOCKET_DIRECTORIES:
        if directory == PurePosixPath("/") or directory.is_relative_to(taken):
            return f"must not be in {directory}, which is mounted whole into the cleanup's pod"
    for own in (CONFIG_DIRECTORY, STATE_DIRECTORY, READY_DIRECTORY):
        if directory.is_relative_to(own) or PurePosixPath(own).is_relative_to(directory):
            return f"must not be in {directory}, since the cleanup has {own} in its pod"
    return None


def _policy_json(mapping: Mapping[str, object]) -> str:
    return json.dumps(mapping, indent=2, sort_keys=True) + "\n"


def _policy_mapping(pool: str, images: Sequence[str], args: CleanupArgs) -> dict[str, object]:
    keys = CleanupArgs.__annotations__.keys() - {"enabled", "runtime_socket"}
    stated = {key: value for key, value in args.items() if key in keys}
    return {"pool": pool, "images": list(images), **stated}
