"""Runs `preloadctl plan`."""

import argparse
import sys
from pathlib import Path

from preloadctl.errors import CommandError
from preloadctl.plan.facts.build import plan
from preloadctl.plan.formats.table import FORMATS
from preloadctl.plan.model import Bandwidth
from preloadctl.project import load_project


def run(options: argparse.Namespace) -> None:
    """Shows the plan; raises CommandError after it where the stack would be refused."""
    project = load_project(Path.cwd(), options.stack)
    bandwidth = Bandwidth(
        image_bytes_per_second=options.image_bandwidth,
        node_bytes_per_second=options.node_bandwidth,
    )
    made = plan(project, bandwidth, options.since)
    show = FORMATS[options.format]
    if options.output is None:
        show(made, sys.stdout)
    else:
        with options.output.open("w", encoding="utf-8") as file:
            show(made, file)
    if made.refusals:
        raise CommandError(f"stack {made.stack} would be refused")
