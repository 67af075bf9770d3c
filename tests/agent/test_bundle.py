"""The archive: the same bytes wherever it is packed, small, and all that the agent needs."""

import ast
import base64
import bz2
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from preloader.bundle import LIBRARIES, build_agent

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PRINT_DIGEST = (
    "import hashlib, importlib.util as u, sys\n"
    "sys.path[:0] = sys.argv[1].split(':')\n"
    # Packing must not need what `preloader` itself imports.
    "import types; p = types.ModuleType('preloader'); p.__path__ = [sys.argv[2]]\n"
    "sys.modules['preloader'] = p\n"
    "from preloader.bundle import build_agent\n"
    "print(hashlib.sha256(build_agent()).hexdigest())\n"
)


@pytest.fixture(scope="module")
def archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(build_agent()))


@pytest.fixture(scope="module")
def sources(archive: zipfile.ZipFile) -> dict[str, str]:
    plain = {name: archive.read(name).decode() for name in archive.namelist() if "/" in name}
    licences = {name for name in plain if name.startswith("licenses/")}
    packed = json.loads(bz2.decompress(archive.read("sources.json.bz2")))
    return {name: plain[name] for name in plain if name not in licences} | packed


def digest(python: str, libraries: Path, package: Path, seed: str = "0") -> str:
    """The digest of the archive that another process packs."""
    command = [python, "-I", "-S", "-c", PRINT_DIGEST, str(libraries), str(package)]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [part for part in command if part != "-I"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return result.stdout


LIBRARY_FOLDER = Path(str(distribution("h2").locate_file("")))
PACKAGE = ROOT / "preloader"


def test_the_hash_seed_does_not_matter() -> None:
    digests = {digest(sys.executable, LIBRARY_FOLDER, PACKAGE, seed) for seed in ("0", "1", "77")}
    assert len(digests) == 1


def test_the_place_and_the_order_of_the_files_do_not_matter(tmp_path: Path) -> None:
    libraries, package = tmp_path / "other place" / "lib", tmp_path / "elsewhere" / "preloader"
    libraries.mkdir(parents=True)
    for library in reversed(LIBRARIES):
        for name in (library, f"{library}-{distribution(library).version}.dist-info"):
            shutil.copytree(LIBRARY_FOLDER / name, libraries / name)
    # The order of a directory is mostly that of creation.
    for file in sorted(PACKAGE.rglob("*.py"), reverse=True):
        copy = package / file.relative_to(PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
        os.utime(copy, (0, 0))
        copy.chmod(0o600)
    assert digest(sys.executable, libraries, package) == digest(
        sys.executable, LIBRARY_FOLDER, PACKAGE
    )


def pythons() -> list[str]:
    """Other versions of Python on this machine."""
    found = {shutil.which(f"python3.{minor}") for minor in range(11, 20)}
    folders = (Path.home() / ".pyenv" / "versions").glob("3.1[1-9]*/bin/python")
    candidates = [*found, *(str(path) for path in folders)]
    return sorted(path for path in candidates if path and runs(path))


def runs(python: str) -> bool:
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("python", pythons())
def test_the_python_that_packs_it_does_not_matter(python: str) -> None:
    assert digest(python, LIBRARY_FOLDER, PACKAGE) == digest(
        sys.executable, LIBRARY_FOLDER, PACKAGE
    )


@pytest.mark.parametrize("python", pythons())
def test_any_python_runs_it(python: str, agent_file: Path) -> None:
    command = [python, "-I", "-S", str(agent_file), "plan", "--policy", "/nowhere"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, "policy cannot be used" in result.stderr) == (3, True), result.stderr


@pytest.fixture(scope="module")
def agent_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "agent.pyz"
    path.write_bytes(build_agent())
    return path


def test_it_is_packed_once_for_all_pools() -> None:
    assert build_agent() is build_agent()


def test_it_fits_a_config_map_that_kubectl_can_apply() -> None:
    # kubectl keeps the whole object in an annotation, and those are limited to 256 KiB.
    assert len(base64.b64encode(build_agent())) < 200 * 1024


def test_it_holds_nothing_that_it_does_not_need(sources: dict[str, str]) -> None:
    packages = {name.partition("/")[0] for name in sources}
    assert packages == {"preloader", *LIBRARIES}
    assert sources["preloader/__init__.py"] == ""
    folders = {"/".join(name.split("/")[:2]) for name in sources if name.startswith("preloader/")}
    assert folders == {
        *("preloader/__init__.py", "preloader/printable.py", "preloader/problems.py"),
        *("preloader/agent", "preloader/images"),
    }


def test_what_it_imports_is_in_it_or_in_the_standard_library(sources: dict[str, str]) -> None:
    own = {name: source for name, source in sources.items() if name.startswith("preloader/")}
    for name, source in own.items():
        for node in ast.walk(ast.parse(source)):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module or ""]
            for module in modules:
                top = module.partition(".")[0]
                assert top in sys.stdlib_module_names or any(
                    f"{module.replace('.', '/')}{end}" in sources for end in (".py", "/__init__.py")
                ), f"{name} imports {module}"


def test_licences_of_the_libraries_are_in_it(archive: zipfile.ZipFile) -> None:
    for library in LIBRARIES:
        [name] = [each for each in archive.namelist() if each.startswith(f"licenses/{library}/")]
        assert b"Permission is hereby granted" in archive.read(name)
        assert library in {"hpack", "h2", "hyperframe"}


def test_the_small_decoder_is_in_place_of_hpack_s(sources: dict[str, str]) -> None:
    assert sources["hpack/huffman_table.py"] == (PACKAGE / "agent/cri/huffman.py").read_text()


def test_an_error_names_the_file_in_the_archive(agent_file: Path) -> None:
    code = (
        "import runpy, sys; sys.argv = ['agent.pyz', '--help']; path = sys.argv_path\n"
        "try: runpy.run_path(path, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "from preloader.agent.schedule import parse_schedule\n"
        "parse_schedule('x')\n"
    ).replace("sys.argv_path", repr(str(agent_file)))
    result = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False
    )
    assert f'File "{agent_file}/preloader/agent/schedule.py", line ' in result.stderr
