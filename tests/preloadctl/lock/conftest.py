"""What the tests of `lock` share: registries on loopback, and no credentials but the test's own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from preloadctl.__main__ import main
from tests.preloadctl.lock.registry_server import RegistryServer
from tests.preloadctl.lock.stack_project import Result, Stack


@pytest.fixture
def registry() -> Iterator[RegistryServer]:
    with RegistryServer() as server:
        yield server


@pytest.fixture
def other_registry() -> Iterator[RegistryServer]:
    with RegistryServer() as server:
        yield server


@pytest.fixture(autouse=True)
def docker_config(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The folder of Docker's config file, which is not there yet."""
    folder = tmp_path_factory.mktemp("docker")
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes first on PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.fixture
def stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Stack:
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: theirs\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> Result:
        code = main(["lock", "--stack", "dev", *arguments])
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return Stack(folder, run)
