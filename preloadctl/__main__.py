"""`preloadctl`: looks at a Pulumi program through what it registers."""

import argparse
import atexit
import gc
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

# Most of what is imported stays, so the collector looks through ever more of it in vain: without it
# the imports below take a third less. The same goes for its last look, when Python ends.
gc.disable()
atexit.register(gc.freeze)

import pulumi

from preloadctl.errors import CommandError
from preloadctl.lock.options import add_lock_command
from preloadctl.plan.options import add_plan_command
from preloadctl.project import load_project
from preloadctl.recorder import record
from preloadctl.render import SECRETS_FOLDER, render, write
from preloadctl.streams import prepare_streams, printable_lines
from preloader.bundle import build_agent
from preloader.printable import printable
from preloader.problems import InvalidInput

FAILED = 1
# What a shell expects of a command that Ctrl-C has ended.
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; see `preloadctl --help`."""
    options = _parser().parse_args(arguments)
    prepare_streams()
    try:
        options.command(options)
    except (CommandError, InvalidInput) as error:
        print(f"preloadctl: {error}", file=sys.stderr)
        return FAILED
    except pulumi.RunError as error:
        print(f"preloadctl: {printable_lines(str(error))}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(printable(f"preloadctl: {error.filename}: {error.strerror}"), file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("preloadctl: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception:
        print(printable_lines(traceback.format_exc().rstrip()), file=sys.stderr)
        print("preloadctl: the program failed; nothing was written", file=sys.stderr)
        return FAILED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="preloadctl", description=__doc__)
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {version('image-preloader')}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    render_command = commands.add_parser(
        "render",
        help="write what a stack would deploy as files, without a deployment",
        description="Runs the Pulumi program of the current folder as a preview would, without an "
        "engine, an account or a cluster, and writes one YAML file a Kubernetes object, ready for "
        "`kubectl apply -f`, and what other providers would be asked for as JSON.",
    )
    render_command.add_argument("--stack", required=True, help="the stack, such as `dev`")
    render_command.add_argument(
        "--output", type=Path, help="the folder to write; default: rendered/STACK"
    )
    render_command.set_defaults(command=_render)
    add_plan_command(commands.add_parser)
    add_lock_command(commands.add_parser)
    agent_command = commands.add_parser(
        "agent",
        help="write the cleanup's program as one file, which any Python from 3.11 on runs",
        description="Writes what the cleanup container runs, byte by byte: on any node "
        "`python3 agent.pyz plan` shows what it would do there.",
    )
    agent_command.add_argument(
        "--output", type=Path, default=Path("agent.pyz"), help="the file; default: %(default)s"
    )
    agent_command.set_defaults(command=_agent)
    return parser


def _render(options: argparse.Namespace) -> None:
    project = load_project(Path.cwd(), options.stack)
    folder = options.output or Path("rendered") / project.stack
    files = render(record(project))
    write(files, folder)
    print(printable(f"{len(files)} files of stack {project.stack} in {folder}"))
    incomplete = [printable(path) for path in files if SECRETS_FOLDER in Path(path).parts]
    if incomplete:
        print("without their secrets, and so not to be applied:", *incomplete, sep="\n  ")


def _agent(options: argparse.Namespace) -> None:
    options.output.write_bytes(build_agent())
    print(printable(f"the cleanup's program is in {options.output}"))


if __name__ == "__main__":
    sys.exit(main())
