"""What a cleanup may remove, and where it reaches the runtime: inputs checked, defaults set."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from preloader.agent.policy import Policy, find_problems
from preloader.args import CleanupArgs
from preloader.bundle import build_agent
from preloader.problems import Problem, check_keys, join

DEFAULT_SOCKET = "/run/containerd/containerd.sock"


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupSpec:
    """A policy, where the runtime listens, and the image that the agent runs in."""

    policy: Policy
    runtime_socket: str
    python: str

    @property
    def policy_json(self) -> str:
        """The policy as the agent reads it."""
        return json.dumps(self.policy.as_mapping(), indent=2, sort_keys=True) + "\n"

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


def check_cleanup(path: str, args: CleanupArgs) -> Iterator[Problem]:
    """Yields every problem of a cleanup's inputs."""
    yield from check_keys(path, args, CleanupArgs.__annotations__)
    socket = args.get("runtime_socket", DEFAULT_SOCKET)
    if not PurePosixPath(socket).is_absolute() or PurePosixPath(socket).parent == PurePosixPath(
        "/"
    ):
        accepted = "must be the path of a socket on the node, in a directory of its own"
        yield Problem(join(path, "runtime_socket"), socket, accepted)
    for problem in find_problems(_policy_mapping("pool", (), args)):
        yield Problem(join(path, problem.path), problem.value, problem.accepted)


def _policy_mapping(pool: str, images: Sequence[str], args: CleanupArgs) -> dict[str, object]:
    keys = CleanupArgs.__annotations__.keys() - {"enabled", "runtime_socket"}
    stated = {key: value for key, value in args.items() if key in keys}
    return {"pool": pool, "images": list(images), **stated}
