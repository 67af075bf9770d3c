"""`plan` shows what a stack's program registers, in every format, and refuses what it refuses."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from preloadctl.plan.facts.build import plan
from preloadctl.plan.formats.table import FORMATS
from preloadctl.plan.model import Bandwidth, Changes, Plan
from preloadctl.project import load_project
from tests.preloadctl.plan.projects import POOLS, make_project
from tests.support import ROOT, copy_program, write_stack

pytestmark = pytest.mark.slow

STACKS = ("dev", "kind", "eks")
BANDWIDTH = Bandwidth(image_bytes_per_second=25 * 10**6, node_bytes_per_second=None)
# What is committed here is no part of what a stack plans.
UNCHANGED = Changes(since="commit 0123456", pools=(), not_compared=None)


@cache
def planned(stack: str) -> Plan:
    return replace(plan(load_project(ROOT, stack), BANDWIDTH, "none"), changes=UNCHANGED)


def shown(plan: Plan, name: str) -> str:
    stream = io.StringIO()
    FORMATS[name](plan, stream)
    return stream.getvalue()


def preloadctl(
    folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "preloadctl", "plan", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Path]:
    return lambda program: make_project(tmp_path / "project", program)


@pytest.mark.parametrize("stack", STACKS)
def test_the_committed_stacks_are_planned_as_reviewed(
    stack: str,
    golden: Callable[[str, dict[str, str]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    names = {"plan.txt": "text", "plan.json": "json", "plan.md": "markdown"}
    made = planned(stack)
    golden(f"plan/{stack}", {file: shown(made, name) for file, name in names.items()})


def test_a_refused_stack_ends_in_1_and_says_every_mistake_in_every_format(tmp_path: Path) -> None:
    copy_program(tmp_path)
    bad = {
        "cluster": {"kind": "rendered"},
        "namespace": "n",
        "pools": {"a": {"images": ["A", "B"]}},
    }
    write_stack(tmp_path, "bad", bad)
    result = preloadctl(tmp_path, "--stack", "bad")
    assert result.returncode == 1
    assert "stack bad would be refused" in result.stderr
    assert "Traceback" not in result.stderr
    refused = plan(load_project(tmp_path, "bad"), BANDWIDTH, "none")
    for name in FORMATS:
        unescaped = shown(refused, name).replace("\\[", "[").replace("\\]", "]")
        assert "pools.a.images[0]" in unescaped, name
        assert "pools.a.images[1]" in unescaped, name


def test_what_a_component_refuses_says_which(project: Callable[[str], Path]) -> None:
    folder = project(POOLS.replace("'nginx:1', 'redis:7'", "'NGINX', 'redis:7'"))
    made = plan(load_project(folder, "dev"), BANDWIDTH, "HEAD")
    assert made.pools == ()
    first = made.refusals[0]
    assert (first.subject, first.path, first.value) == (
        "ImagePreloader 'arm'",
        "images[0]",
        '"NGINX"',
    )


def test_a_program_s_own_words_are_a_refusal(project: Callable[[str], Path]) -> None:
    folder = project("import pulumi\nraise pulumi.RunError('set a region first')\n")
    result = preloadctl(folder, "--stack", "dev")
    assert result.returncode == 1
    assert "- set a region first" in result.stdout


def test_a_lock_file_that_cannot_be_read_is_a_refusal(project: Callable[[str], Path]) -> None:
    folder = project(POOLS)
    (folder / "Pulumi.dev.lock.yaml").write_text("version: 9\n")
    (refusal,) = plan(load_project(folder, "dev"), BANDWIDTH, "HEAD").refusals
    assert refusal.path == "version"


def test_a_program_that_fails_is_no_refused_stack(project: Callable[[str], Path]) -> None:
    result = preloadctl(project("raise KeyError('gone')\n"), "--stack", "dev", "--format", "json")
    assert result.returncode == 1
    assert result.stdout == ""
    assert "KeyError: 'gone'" in result.stderr


def test_an_unknown_stack_ends_without_a_traceback(project: Callable[[str], Path]) -> None:
    result = preloadctl(project(POOLS), "--stack", "none")
    assert (result.returncode, result.stdout) == (1, "")
    assert "no stack 'none'" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_bandwidth_without_a_unit_is_refused_with_an_example(
    project: Callable[[str], Path],
) -> None:
    result = preloadctl(project(POOLS), "--stack", "dev", "--image-bandwidth", "25")
    assert result.returncode == 2
    assert "25MB/s" in result.stderr


def test_the_bandwidths_of_the_command_are_those_of_the_plan(
    project: Callable[[str], Path],
) -> None:
    given = ("--image-bandwidth", "20B/s", "--node-bandwidth", "80 bit/s")
    result = preloadctl(project(POOLS), "--stack", "dev", "--format", "json", *given)
    stated = {"image_bytes_per_second": 20, "node_bytes_per_second": 10}
    assert json.loads(result.stdout)["bandwidth"] == stated


def test_what_a_program_prints_and_logs_is_not_in_the_plan(project: Callable[[str], Path]) -> None:
    folder = project(f"{POOLS}\nimport pulumi\nprint('printed')\npulumi.log.warn('logged')\n")
    result = preloadctl(folder, "--stack", "dev", "--format", "json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["stack"] == "dev"
    assert "printed" in result.stderr
    assert "logged" in result.stderr


@pytest.mark.parametrize("name", ["text", "json"])
def test_a_plan_is_the_same_in_a_file_and_in_any_hash_seed(name: str, tmp_path: Path) -> None:
    given = ("--stack", "eks", "--format", name, "--since", "none")
    target = tmp_path / "plan"
    written = preloadctl(ROOT, *given, "--output", str(target), PYTHONHASHSEED="1")
    assert (written.returncode, written.stdout) == (0, ""), written.stderr
    printed = preloadctl(ROOT, *given, PYTHONHASHSEED="2", PYTHONIOENCODING="utf-8")
    assert target.read_text(encoding="utf-8") == printed.stdout


@pytest.mark.parametrize(
    ("stack", "unwanted"),
    [("dev", ("pulumi_aws", "rich", "xml.etree", "hpack.hpack")), ("eks", ("rich", "xml.etree"))],
)
def test_a_plan_imports_nothing_that_its_format_and_its_stack_do_not_need(
    stack: str, unwanted: tuple[str, ...]
) -> None:
    code = (
        "import sys; from preloadctl.__main__ import main;"
        f"main(['plan', '--stack', {stack!r}, '--format', 'json', '--output', {os.devnull!r}]);"
        f"print([name for name in {unwanted!r} if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "[]\n"


def test_the_readmes_picture_is_what_the_command_makes(pytestconfig: pytest.Config) -> None:
    picture = ROOT / "docs" / "plan.svg"
    made = preloadctl(ROOT, "--stack", "dev", "--format", "svg").stdout
    if pytestconfig.getoption("--update-golden"):
        picture.write_text(made, encoding="utf-8")
    assert picture.read_text(encoding="utf-8") == made
