"""Where the harness keeps what it builds and what it runs."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
WORK = PROJECT / ".work"
"""Everything that a run or a build leaves on disk; ignored by git."""
BIN = WORK / "bin"
RUN = WORK / "run"
CLUSTER_SOURCE = Path(__file__).resolve().parent / "cluster"
