"""What the tests share: golden files, and a program of components run under the recorder."""

import base64
import gc
import json
import re
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
import yaml

from preloadctl.project import Project
from preloadctl.recorder import record_program
from preloader.bundle import build_agent
from tests.support import ROOT, Run

# A busy machine is no fault.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

GC_THRESHOLD = 50_000
GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, dict[str, str]], None]:
    """Compares files, by their path, with those below `tests/golden/NAME`."""

    def check(name: str, files: dict[str, str]) -> None:
        folder = GOLDEN / name
        redacted = {path: _without_agent(text) for path, text in files.items()}
        present = {path for path in folder.rglob("*") if path.is_file()}
        if request.config.getoption("--update-golden"):
            for path in present - {folder / path for path in files}:
                path.unlink()
            for path, text in redacted.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text)
            return
        assert {str(path.relative_to(folder)) for path in present} == set(files)
        for path, text in redacted.items():
            assert (folder / path).read_text() == text, f"{name}/{path}: see --update-golden"

    return check


def _without_agent(text: str) -> str:
    """The agent changes with each of its lines, which are reviewed as such."""
    text = text.replace(base64.b64encode(build_agent()).decode(), "[the agent]")
    return re.sub(r"(cleanup-sha256: )[0-9a-f]{64}", r"\1[a checksum]", text)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a function as a Pulumi program and returns what it registers."""
    for name in ("KUBECONFIG", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    project = Project("project", "stack", ROOT, {}, frozenset())
    return lambda program: record_program(program, project)


@pytest.fixture
def stack_settings() -> Callable[[str], str]:
    """Returns the settings of one of the committed stacks as the engine passes them."""

    def read(stack: str) -> str:
        content = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
        return json.dumps(content["config"]["image-preloader:settings"])

    return read


def pytest_collection_finish() -> None:
    """Spares each test the collector's walk through Pulumi's SDKs, which stay until the end."""
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
