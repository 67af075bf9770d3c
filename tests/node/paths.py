"""Where the node's harness keeps what it builds and what it runs."""

from pathlib import Path

from tests.builds import BIN, PROJECT, WORK

__all__ = ["BIN", "CLUSTER_SOURCE", "PROJECT", "RUN", "WORK"]

RUN = WORK / "run"
CLUSTER_SOURCE = Path(__file__).resolve().parent / "cluster"
