"""`render` writes what a program registers, for any program, and only then."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from preloadctl.errors import CommandError
from preloadctl.render import write
from tests.support import ROOT, copy_program, write_stack

pytestmark = pytest.mark.slow


def preloadctl(
    folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "preloadctl", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a project of someone else's with this program."""

    def make(text: str) -> Path:
        folder = tmp_path / "program"
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text("name: theirs\nruntime: python\n")
        (folder / "Pulumi.dev.yaml").write_text("config:\n  theirs:token: {secure: v1:abc}\n")
        (folder / "__main__.py").write_text(text)
        return folder

    return make


def test_two_runs_are_identical_in_any_hash_seed(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        result = preloadctl(
            ROOT, "render", "--stack", "eks", "--output", str(tmp_path / seed), PYTHONHASHSEED=seed
        )
        assert result.returncode == 0, result.stderr
    first, second = (
        {path.relative_to(tmp_path / seed): path.read_bytes() for path in files(tmp_path / seed)}
        for seed in ("1", "2")
    )
    assert first == second
    assert len(first) > 10


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_stack_without_node_groups_does_not_import_pulumi_aws(tmp_path: Path) -> None:
    code = (
        "import sys; from preloadctl.__main__ import main;"
        f"main(['render', '--stack', sys.argv[1], '--output', {str(tmp_path / 'out')!r}]);"
        "print('pulumi_aws' in sys.modules)"
    )
    for stack, imported in (("dev", "False"), ("eks", "True")):
        result = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code, stack],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert result.stdout.splitlines()[-1] == imported


def test_mistakes_in_a_stack_file_write_nothing_and_show_no_traceback(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    copy_program(folder)
    bad = {
        "cluster": {"kind": "rendered"},
        "namespace": "n",
        "pools": {"a": {"images": ["A", "B"]}},
    }
    write_stack(folder, "bad", bad)
    result = preloadctl(folder, "render", "--stack", "bad", "--output", "out")
    assert result.returncode == 1
    assert "pools.a.images[0]" in result.stderr
    assert "pools.a.images[1]" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (folder / "out").exists()


def test_an_unknown_stack_and_a_broken_file_end_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: x\n")
    (tmp_path / "Pulumi.bad.yaml").write_text("config: [\n")
    for stack, message in (("none", "no stack 'none'"), ("bad", "Pulumi.bad.yaml:2:1")):
        result = preloadctl(tmp_path, "render", "--stack", stack)
        assert result.returncode == 1
        assert message in result.stderr
        assert "Traceback" not in result.stderr


def test_another_program_that_imports_the_components_is_rendered(
    program: Callable[[str], Path],
) -> None:
    folder = program(
        "import pulumi\n"
        "from pulumi_kubernetes.core.v1 import ConfigMap\n"
        "from preloader import ImagePreloader\n"
        "async def main():\n"
        "    settings = ConfigMap('settings', metadata={'namespace': 'apps'}, data={'a': 'b'})\n"
        "    ImagePreloader('web', {'namespace': 'apps', 'images': ['nginx:1.25']})\n"
        "    return {'name': settings.metadata.name}\n"
        "pulumi.run(main)\n"
    )
    result = preloadctl(folder, "render", "--stack", "dev", "--output", "out")
    assert result.returncode == 0, result.stderr
    assert {path.name for path in files(folder / "out")} == {
        ".preloadctl",
        "05-configmap.apps.dev-apps-cleanup-program.yaml",
        "05-configmap.apps.settings.yaml",
        "05-configmap.apps.web-cleanup.yaml",
        "11-daemonset.apps.web-lane-0.yaml",
    }


def test_secrets_are_neither_written_nor_ready_to_be_applied(
    program: Callable[[str], Path],
) -> None:
    folder = program(
        "import pulumi\n"
        "from pulumi_kubernetes.core.v1 import ConfigMap, Secret\n"
        "config = pulumi.Config()\n"
        "Secret('open', string_data={'password': 'hunter2'})\n"
        "ConfigMap('marked', data={'password': pulumi.Output.secret('hunter2')})\n"
        "ConfigMap('configured', data={'token': config.require_secret('token')})\n"
    )
    result = preloadctl(folder, "render", "--stack", "dev", "--output", "out")
    assert result.returncode == 0, result.stderr
    assert not [path for path in (folder / "out").iterdir() if path.suffix == ".yaml"]
    incomplete = files(folder / "out" / "incomplete")
    assert len(incomplete) == 3
    everything = "".join(path.read_text() for path in files(folder / "out"))
    assert "hunter2" not in everything + result.stdout + result.stderr
    assert everything.count("[secret]") == 3
    assert "without their secrets" in result.stdout


def test_each_cluster_has_a_folder_where_there_are_several(program: Callable[[str], Path]) -> None:
    folder = program(
        "import pulumi, pulumi_kubernetes as k\n"
        "for name in ('east', 'west'):\n"
        "    provider = k.Provider(name, kubeconfig='')\n"
        "    k.core.v1.Namespace(f'{name}-apps', metadata={'name': 'apps'},\n"
        "                        opts=pulumi.ResourceOptions(provider=provider))\n"
    )
    assert preloadctl(folder, "render", "--stack", "dev", "--output", "out").returncode == 0
    assert {str(path.relative_to(folder / "out")) for path in files(folder / "out")} == {
        ".preloadctl",
        "east/00-namespace.apps.yaml",
        "west/00-namespace.apps.yaml",
    }


def test_two_resources_that_are_one_object_are_refused(program: Callable[[str], Path]) -> None:
    folder = program(
        "from pulumi_kubernetes.core.v1 import Namespace\n"
        "for name in ('a', 'b'):\n"
        "    Namespace(name, metadata={'name': 'apps'})\n"
    )
    result = preloadctl(folder, "render", "--stack", "dev", "--output", "out")
    assert result.returncode == 1
    assert "would both be 00-namespace.apps.yaml" in result.stderr
    assert not (folder / "out").exists()


def test_a_program_that_fails_shows_where_and_writes_nothing(
    program: Callable[[str], Path],
) -> None:
    folder = program(
        "from pulumi_kubernetes.core.v1 import Namespace\nNamespace('a')\nraise KeyError('gone')\n"
    )
    result = preloadctl(folder, "render", "--stack", "dev", "--output", "out")
    assert result.returncode == 1
    assert "KeyError: 'gone'" in result.stderr
    assert "nothing was written" in result.stderr
    assert not (folder / "out").exists()


def test_what_only_a_provider_knows_is_warned_of(program: Callable[[str], Path]) -> None:
    folder = program("import pulumi_aws as aws\naws.get_caller_identity()\n")
    result = preloadctl(folder, "render", "--stack", "dev", "--output", "out")
    assert result.returncode == 0, result.stderr
    assert "aws:index/getCallerIdentity:getCallerIdentity" in result.stderr


def test_a_second_run_removes_what_is_gone_and_leaves_nothing_else(tmp_path: Path) -> None:
    write({"a.yaml": "1", "aws/b.json": "2"}, tmp_path / "out")
    write({"a.yaml": "3"}, tmp_path / "out")
    assert {path.name for path in files(tmp_path / "out")} == {".preloadctl", "a.yaml"}
    assert (tmp_path / "out" / "a.yaml").read_text() == "3"


def test_a_folder_with_files_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("precious")
    with pytest.raises(CommandError, match="did not write"):
        write({"mine.yaml": "x"}, tmp_path)
    assert (tmp_path / "mine.yaml").read_text() == "precious"
    assert len(files(tmp_path)) == 1


def test_a_file_is_no_output_folder(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(CommandError, match="takes a folder"):
        write({}, tmp_path / "out")
