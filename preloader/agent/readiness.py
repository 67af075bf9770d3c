"""The file by which the readiness check learns how the agent is.

The check is a process of its own, started again and again: it reads a file, which costs less than
asking the runtime, and imports nothing that Python's own start has not.
"""

# ruff: noqa: PTH105 - not pathlib

import os

# Longer than the longest call to the runtime with the checks around it.
STALE_SECONDS = 300


def write_readiness(path: str, uptime: float, why_not: str) -> None:
    """Says at `uptime` that the agent is alive, and why it is not ready. Raises OSError."""
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf-8", opener=_open) as file:
        file.write(f"{uptime}\n{why_not}")
    os.replace(temporary, path)


def _open(path: str, flags: int) -> int:
    # A FIFO that has got there is an error then, and nothing to wait for.
    return os.open(path, flags | os.O_NONBLOCK, 0o644)


def why_not_ready(path: str, uptime: float) -> str | None:
    """Returns why the agent that keeps `path` is not ready at `uptime`; None: it is."""
    try:
        with open(path, encoding="utf-8", opener=_open) as file:
            written, is_whole, why_not = file.read().partition("\n")
        age = uptime - float(written)
    except OSError as error:
        return f"{path}: {error.strerror}"
    except ValueError as error:
        return f"{path} is not what the agent writes: {error}"
    if not is_whole or not 0 <= age < STALE_SECONDS:
        return f"the agent was last heard of {age:.0f} s ago"
    return why_not or None
