"""Checks the GitHub workflows with actionlint, which it builds first. Run as `python -m`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "v1.7.12"
ROOT = Path(__file__).parents[2]
ACTIONLINT = ROOT / ".work" / "bin" / "actionlint"


def main() -> int:
    """Returns actionlint's exit code; 0 where it cannot be built for want of Go, and says so."""
    go = shutil.which("go")
    if go is None and not ACTIONLINT.exists():
        print("Without Go the workflows are not linted.")
        return 0
    if not ACTIONLINT.exists():
        ACTIONLINT.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [str(go), "install", f"github.com/rhysd/actionlint/cmd/actionlint@{VERSION}"],
            check=True,
            env={**os.environ, "GOBIN": str(ACTIONLINT.parent)},
        )
    return subprocess.run([ACTIONLINT], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
