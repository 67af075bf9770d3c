"""A Go that builds what tests need: the machine's, or the official one below `.work/`."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.builds import BIN, WORK, progress, run_logged
from tests.debian import services_not_started

GO_VERSION = "1.26.8"
# The highest that a go.mod of what is built here asks for.
OLDEST_GO_VERSION = "1.26.6"


def go() -> str:
    """A Go that is new enough: the machine's, or the official one of its own."""
    found = shutil.which("go")
    if found and go_version(found) >= version_of(OLDEST_GO_VERSION):
        return found
    own = WORK / "go/bin/go"
    if not own.exists():
        with progress(f"installing Go {GO_VERSION}"):
            install_go(own.parents[1])
    return str(own)


def install_go(target: Path) -> None:
    """Fetches the official Go as the module that Go publishes its own releases as.

    Debian's Go is too old to build what is wanted, and new enough to fetch and verify a module.
    """
    with services_not_started():
        run_logged("apt", ["apt-get", "install", "-q", "-y", "golang-go"])
    architecture = subprocess.check_output(["/usr/bin/go", "env", "GOARCH"], text=True).strip()
    module = f"golang.org/toolchain@v0.0.1-go{GO_VERSION}.linux-{architecture}"
    download = ["/usr/bin/go", "mod", "download", "-json", module]
    folder = json.loads(subprocess.check_output(download, cwd=WORK))["Dir"]
    shutil.copytree(folder, target, dirs_exist_ok=True)
    # Module archives carry no permission bits.
    for program in (*target.glob("bin/*"), *target.glob("pkg/tool/*/*")):
        program.chmod(0o755)


def go_version(program: str) -> tuple[int, ...]:
    """The version that a go command says it has."""
    return version_of(subprocess.check_output([program, "env", "GOVERSION"], text=True))


def version_of(text: str) -> tuple[int, ...]:
    """The numbers in a Go version such as `go1.26.8`."""
    return tuple(int(number) for number in re.findall(r"\d+", text))


def go_environment() -> dict[str, str]:
    """The environment in which every Go program here is built."""
    return {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(BIN), "GOTOOLCHAIN": "local"}
