"""Debian packages that tests need, none of whose services is started or enabled."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.builds import progress, run_logged

POLICY = Path("/usr/sbin/policy-rc.d")


def install_packages(names: tuple[str, ...]) -> None:
    """Installs those of the packages that are not installed yet."""
    missing = missing_packages(names)
    if not missing:
        return
    with services_not_started(), progress(f"installing {', '.join(missing)}"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run_logged("apt", ["apt-get", "update", "-q"], env=environment)
        command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing]
        run_logged("apt", command, env=environment)


def missing_packages(names: tuple[str, ...]) -> list[str]:
    """The packages that dpkg does not know as installed."""
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *names]
    shown = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    installed = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


@contextlib.contextmanager
def services_not_started() -> Iterator[None]:
    """Keeps packages from starting services or enabling them for the next boot."""
    before = service_units()
    own_policy = not POLICY.exists()
    if own_policy:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if own_policy:
            POLICY.unlink()
        new = sorted(service_units() - before)
        if new and shutil.which("systemctl"):
            subprocess.run(["systemctl", "disable", *new], capture_output=True, check=False)


def service_units() -> set[str]:
    """The service units that packages have brought so far."""
    return {path.name for path in Path("/lib/systemd/system").glob("*.service")}
