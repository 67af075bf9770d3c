"""The command line of the cleanup agent: `run`, `plan` and `ready`.

Exit codes:
    0    done; `ready`: the agent is ready
    1    `run`: the runtime does not answer; `run --once`: it failed, or an image could not be
         removed; `ready`: not ready
    2    the command line is wrong
    3    `run --once`, `plan`: the policy is invalid
    4    `plan`: the runtime cannot be reached or understood
    130  interrupted (SIGINT)
    143  terminated (SIGTERM), at once, whatever the agent was doing
"""

# Each command imports what it needs when it runs: the readiness check is started again and again,
# and has no need of the rest. A command's business is to print.
# ruff: noqa: PLC0415, T201

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from types import FrameType

DONE, FAILED, INVALID_POLICY, NO_RUNTIME = 0, 1, 3, 4
SIGNAL_EXIT_BASE = 128

SOCKET = "/run/containerd/containerd.sock"
POLICY = "/etc/image-preloader/policy.json"
STATE = "/var/lib/image-preloader"
READY = "/image-preloader/ready"


def main(arguments: "Sequence[str]") -> int:
    """Runs the command in `arguments`; returns the exit code."""
    if list(arguments) == ["ready"]:
        return _ready(READY)
    _end_by_signals()
    _print_any_text()
    options = _parser().parse_args(arguments)
    if options.command == "ready":
        return _ready(options.ready)
    if options.command == "plan":
        return _plan(options)
    return _run(options)


def _parser() -> "argparse.ArgumentParser":
    import argparse

    parser = argparse.ArgumentParser(
        prog="agent.pyz", description="Removes old, unused images from a Kubernetes node."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    ready = commands.add_parser("ready", help="exit 0 while the agent on this node is well")
    run = commands.add_parser("run", help="keep the node clean until terminated")
    run.add_argument("--once", action="store_true", help="one run now, then exit")
    plan = commands.add_parser("plan", help="print what a run would do now, and do nothing")
    plan.add_argument("--json", action="store_true", help="for programs: one object a line")
    for command in (run, plan):
        command.add_argument("--socket", default=SOCKET, help="the runtime's socket (%(default)s)")
        command.add_argument("--policy", default=POLICY, help="a JSON file (%(default)s)")
        command.add_argument("--state", default=STATE, help="a directory (%(default)s)")
    for command in (run, ready):
        command.add_argument("--ready", default=READY, help="the agent's file (%(default)s)")
    return parser


def _end_by_signals() -> None:
    import signal

    def end(number: int, _: "FrameType | None") -> None:
        # Not an exception, which a callback could swallow. Files are replaced whole, and a removal
        # that has begun is the runtime's to finish.
        os._exit(SIGNAL_EXIT_BASE + number)

    # Process 1 of a container ignores what it does not handle.
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, end)


def _print_any_text() -> None:
    # A terminal of another encoding has no sign for some names.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _ready(path: str) -> int:
    import time

    from preloader.agent.readiness import why_not_ready

    why_not = why_not_ready(path, time.clock_gettime(time.CLOCK_BOOTTIME))
    if why_not is None:
        return DONE
    print(why_not, file=sys.stderr)
    return FAILED


def _run(options: "argparse.Namespace") -> int:
    from preloader.agent import watchdog
    from preloader.agent.clock import Clock
    from preloader.agent.policy import InvalidPolicy
    from preloader.agent.service import Place, run_once, serve

    address = os.environ.get("NODE_ADDRESS", "")
    place = Place(_node(), options.policy, options.socket, options.state, options.ready, address)
    if not options.once:
        watchdog.start()
        serve(place, Clock())
        return FAILED
    try:
        summary = run_once(place, Clock())
    except InvalidPolicy as error:
        return _refuse(error)
    return FAILED if summary.failed else DONE


def _plan(options: "argparse.Namespace") -> int:
    from preloader.agent.clock import Clock
    from preloader.agent.cri.faults import RuntimeFault
    from preloader.agent.policy import InvalidPolicy, ReportFormat
    from preloader.agent.service import Place, show_plan
    from preloader.printable import printable

    place = Place(_node(), options.policy, options.socket, options.state, ready="")
    try:
        show_plan(place, Clock(), ReportFormat.JSON if options.json else ReportFormat.TEXT)
    except InvalidPolicy as error:
        return _refuse(error)
    except RuntimeFault as fault:
        print(printable(str(fault)), file=sys.stderr)
        return NO_RUNTIME
    return DONE


def _refuse(error: Exception) -> int:
    print(error, file=sys.stderr)
    return INVALID_POLICY


def _node() -> str:
    return os.environ.get("NODE_NAME") or os.uname().nodename


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
