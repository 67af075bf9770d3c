"""Builds the Pulumi CLI with its engine, the Kubernetes provider and the host of YAML programs.

Run as `python -m tests.engine.install`. A second run only compares a stamp.
"""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.builds import BIN, built_once, digest, one_at_a_time, progress, run_logged
from tests.golang import go, go_environment

SOURCE = Path(__file__).parent / "programs"
PULUMI_VERSION = "v3.274.1"
# The CLI prefers a plug-in on PATH only where its version is not below the SDK's.
PROVIDER_VERSION = version("pulumi-kubernetes")
CLI_FLAG = f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={PULUMI_VERSION}"


@dataclass(frozen=True, slots=True)
class Program:
    """One program, and the module it is built in: between them they want other dependencies."""

    name: str
    module: Path
    package: str
    version_flag: str


PROGRAMS = (
    Program("pulumi", SOURCE / "cli", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", CLI_FLAG),
    Program(
        "pulumi-resource-kubernetes",
        SOURCE / "kubernetes",
        ".",
        f"-X main.version={PROVIDER_VERSION}",
    ),
    Program(
        "pulumi-language-yaml",
        SOURCE / "yaml",
        "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
        CLI_FLAG,
    ),
)


def install() -> None:
    """Makes the programs present in `.work/bin`; quick where they are already."""
    with one_at_a_time():
        for program in PROGRAMS:
            build(program)


def build(program: Program) -> None:
    """Builds one program where it is not there from these sources."""
    sources = {path.name: digest(path) for path in sorted(program.module.iterdir())}
    flags = ["-trimpath", "-ldflags", f"-s -w {program.version_flag}"]
    with built_once(program.name, (program.name,), {"flags": flags, "sources": sources}) as stale:
        if not stale:
            return
        with progress(f"building {program.name} (about 4 minutes at first)"):
            command = [go(), "build", *flags, "-o", str(BIN / program.name), program.package]
            run_logged(program.name, command, cwd=program.module, env=go_environment())


def is_installed() -> bool:
    """Whether the programs are there, from whatever version of this module."""
    return all((BIN / program.name).exists() for program in PROGRAMS)


if __name__ == "__main__":
    install()
