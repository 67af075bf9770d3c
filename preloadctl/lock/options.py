"""The arguments of `preloadctl lock`. What it runs is imported when it runs, not with these."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

DEFAULT_CONCURRENCY = 8
MAX_CONCURRENCY = 64
DEFAULT_TIMEOUT_SECONDS = 60.0

Number = TypeVar("Number", int, float)


def add_lock_command(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds the command to those of `preloadctl`; `add_parser` is that of argparse's sub-parsers."""
    parser = add_parser(
        "lock",
        help="ask registries for digests and sizes of a stack's images, and keep the answers",
        description="Asks each image's registry for its digest, platforms and layers, and writes "
        "Pulumi.STACK.lock.yaml beside the stack file, for plans and previews without a network. "
        "Credentials are those of Docker's config file and its credential helpers. Exits with 1 "
        "where an image could not be locked, or --check finds a difference.",
    )
    parser.add_argument("--stack", required=True, help="the stack, such as `dev`")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 if the file is out of date"
    )
    parser.add_argument(
        "--update",
        nargs="+",
        metavar="IMAGE",
        help="ask for these images of the stack alone, and leave the others as they are",
    )
    parser.add_argument(
        "--concurrency",
        type=_number(int, 1, MAX_CONCURRENCY),
        default=DEFAULT_CONCURRENCY,
        help="how many images to ask for at a time; default: %(default)s",
    )
    parser.add_argument(
        "--timeout-seconds",
        type=_number(float, 0.1, 3600),
        default=DEFAULT_TIMEOUT_SECONDS,
        help="how long one image may take, retries included; default: %(default)g",
    )
    proposals = parser.add_mutually_exclusive_group()
    proposals.add_argument(
        "--from-cluster",
        metavar="CONTEXT",
        help="propose each pool's list from the workloads of a cluster, through kubectl; "
        "asks no registry and writes nothing",
    )
    proposals.add_argument(
        "--from-manifests",
        metavar="DIR",
        type=Path,
        help="propose each pool's list from the workloads in the YAML and JSON files below a "
        "folder; asks no registry and writes nothing",
    )
    parser.set_defaults(command=_lock)


def _lock(options: argparse.Namespace) -> None:
    # Here, since other commands should not pay for HTTP and progress bars.
    from preloadctl.lock.command import lock, propose  # noqa: PLC0415

    proposes = options.from_cluster is not None or options.from_manifests is not None
    (propose if proposes else lock)(options)


def _number(kind: type[Number], lowest: float, highest: float) -> Callable[[str], Number]:
    def parse(text: str) -> Number:
        try:
            number = kind(text)
        except ValueError:
            number = None
        if number is None or not lowest <= number <= highest:
            raise argparse.ArgumentTypeError(f"{text!r} must be from {lowest:g} to {highest:g}")
        return number

    return parse
