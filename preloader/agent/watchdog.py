"""Ends the agent where it hangs, so that the kubelet starts another; it needs no probe for that."""

import faulthandler
import time

# Each call to the runtime has a time limit, and what lies between two of them takes seconds.
HANG_SECONDS = 900
# To arm it costs a thread.
_LEAST_SECONDS = 10

_armed_at: list[float] = []


def start() -> None:
    """From now on the process ends, with where it hung on standard error, unless it is alive."""
    _armed_at[:] = [0.0]
    alive()


def alive() -> None:
    """Says that the agent has not hung; nothing where no watchdog was started."""
    now = time.monotonic()
    if _armed_at and now - _armed_at[0] >= _LEAST_SECONDS:
        _armed_at[0] = now
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
