"""What `pip install .` gives to other programs, and that Pulumi can offer it to other languages."""

import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from pulumi.provider.experimental.component import ComponentProvider

from nodepools import KarpenterPool, NodePool, NodeSettings
from preloader import ImageCleanup, ImagePreloader, PreloaderNamespace
from tests.support import ROOT


def test_three_packages_and_one_command_are_installed_and_no_other_name(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "rendered", "build"))
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)),
        ],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entry_points,) = [name for name in names if name.endswith("entry_points.txt")]
        assert archive.read(entry_points).decode().split() == [
            *("[console_scripts]", "preloadctl", "=", "preloadctl.__main__:main")
        ]
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"preloader", "nodepools", "preloadctl"}


def test_the_command_says_the_version_of_the_package() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "preloadctl", "--version"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout == f"preloadctl {_project_version()}\n"


def test_the_newest_version_in_the_changelog_is_that_of_the_package() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    newest = next(line for line in changelog.splitlines() if line.startswith("## "))
    assert newest.split()[1] == _project_version()


def _project_version() -> str:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_the_components_have_a_schema_with_every_input_described() -> None:
    components = [
        *(ImagePreloader, ImageCleanup, PreloaderNamespace),
        *(NodePool, KarpenterPool, NodeSettings),
    ]
    provider = ComponentProvider(components, "image-preloader")
    schema = json.loads(provider.schema)
    assert set(schema["resources"]) == {
        "image-preloader:index:ImagePreloader",
        "image-preloader:index:ImageCleanup",
        "image-preloader:index:PreloaderNamespace",
        "image-preloader:index:NodePool",
        "image-preloader:index:KarpenterPool",
        "image-preloader:index:NodeSettings",
    }
    described = [
        (name, key, field.get("description"))
        for name, definition in {**schema["types"], **schema["resources"]}.items()
        for kind in ("properties", "inputProperties")
        for key, field in definition.get(kind, {}).items()
    ]
    assert len(described) > 30
    assert [entry for entry in described if not entry[2]] == []
    assert schema["resources"]["image-preloader:index:ImagePreloader"]["requiredInputs"] == [
        "images",
        "namespace",
    ]
