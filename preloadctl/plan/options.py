"""The arguments of `preloadctl plan`. What it runs is imported when it runs, not with these."""

import argparse
from collections.abc import Callable
from pathlib import Path

from preloadctl.plan.formats.table import FORMATS
from preloadctl.plan.units import InvalidBandwidth, parse_bandwidth

# What a node with one lane reached in the article that this project follows: 1,056,801,372 bytes of
# four images in 41.5 seconds.
DEFAULT_IMAGE_BANDWIDTH = "25MB/s"


def add_plan_command(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds the command to those of `preloadctl`; `add_parser` is that of argparse's sub-parsers."""
    parser = add_parser(
        "plan",
        help="show what a stack would pull, need and change, or why it would be refused",
        description="Runs the Pulumi program of the current folder as a preview would, without an "
        "engine, an account, a cluster or a registry, and shows for each pool: its images in lanes "
        "with their pull times, the disk that they need, the nodes' settings, and what is "
        "different from a commit. Exits with 1 where the stack would be refused.",
    )
    parser.add_argument("--stack", required=True, help="the stack, such as `dev`")
    parser.add_argument(
        "--format", choices=list(FORMATS), default="text", help="default: %(default)s"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="the file to write; default: standard output"
    )
    parser.add_argument(
        "--image-bandwidth",
        type=_bandwidth,
        metavar="BANDWIDTH",
        default=DEFAULT_IMAGE_BANDWIDTH,
        help="what a node pulls one image with, such as 25MB/s, 40MiB/s or 1Gbit/s; "
        "default: %(default)s",
    )
    parser.add_argument(
        "--node-bandwidth",
        type=_bandwidth,
        metavar="BANDWIDTH",
        help="what a node pulls all images with; default: as much as its lanes can use",
    )
    parser.add_argument(
        "--since",
        default="HEAD",
        metavar="REVISION",
        help="the git revision to compare the configuration with; default: %(default)s",
    )
    parser.set_defaults(command=_plan)


def _plan(options: argparse.Namespace) -> None:
    # Here, since other commands should not pay for it.
    from preloadctl.plan.command import run  # noqa: PLC0415

    run(options)


def _bandwidth(text: str) -> int:
    try:
        return parse_bandwidth(text)
    except InvalidBandwidth as error:
        raise argparse.ArgumentTypeError(str(error)) from None
