"""The cleanup agent packed into one file that any Python from 3.11 on runs: `python agent.pyz run`.

The same sources give the same bytes, wherever and by whichever Python they are packed: the file is
in a ConfigMap, and other bytes would restart every agent. That rules out zlib, whose output differs
between its implementations; bzip2 has one. Uncompressed the file would outgrow what
`kubectl apply` can keep of it in an annotation, 256 KiB.
"""

import bz2
import io
import json
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path, PurePath

from preloader.agent.bootstrap import SOURCES

# requirements.txt pins their versions, and so the bytes.
LIBRARIES = ("h2", "hpack", "hyperframe")
_HERE = Path(__file__).parent
_OWN_SOURCES = ("agent/**/*.py", "images/*.py", "printable.py", "problems.py")
_BOOTSTRAP = "preloader/agent/bootstrap.py"
# hpack's own table costs the agent 12 MB and a third of its start.
_HUFFMAN, _REPLACED = "preloader/agent/cri/huffman.py", "hpack/huffman_table.py"

# All that the readiness check imports: it has no time to unpack the rest.
_PLAIN = (
    "preloader/__init__.py",
    "preloader/agent/__init__.py",
    "preloader/agent/__main__.py",
    "preloader/agent/readiness.py",
)

_EARLIEST_TIME_IN_A_ZIP = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_READABLE_FILE = 0o100644 << 16


@cache
def build_agent() -> bytes:
    """Returns the archive: the agent, what it imports, and the licences of that."""
    sources = dict(_own_sources())
    licences: dict[str, str] = {}
    for library in LIBRARIES:
        for path, file in _installed_files(library):
            if path.parts[0] == library and path.suffix == ".py":
                sources[path.as_posix()] = _read(file)
            elif path.name.startswith("LICENSE"):
                licences[f"licenses/{library}/{path.name}"] = _read(file)
    # The package's own imports Pulumi.
    sources["preloader/__init__.py"] = ""
    sources[_REPLACED] = sources.pop(_HUFFMAN)
    plain = {"__main__.py": sources.pop(_BOOTSTRAP), **{path: sources.pop(path) for path in _PLAIN}}
    packed = bz2.compress(json.dumps(sources, sort_keys=True).encode())
    return _zip(
        {
            **{path: text.encode() for path, text in plain.items()},
            SOURCES: packed,
            **{path: licences[path].encode() for path in sorted(licences)},
        }
    )


def _own_sources() -> Iterator[tuple[str, str]]:
    for pattern in _OWN_SOURCES:
        for file in _HERE.glob(pattern):
            yield f"preloader/{file.relative_to(_HERE).as_posix()}", _read(file)


def _installed_files(library: str) -> Iterator[tuple[PurePath, Path]]:
    for path in distribution(library).files or ():
        yield path, Path(str(path.locate()))


def _read(file: Path) -> str:
    # Decoded with universal newlines: a checkout on Windows gives the same bytes.
    return file.read_text(encoding="utf-8")


def _zip(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as zipped:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _EARLIEST_TIME_IN_A_ZIP)
            entry.create_system = _UNIX
            entry.external_attr = _READABLE_FILE
            zipped.writestr(entry, content)
    return archive.getvalue()
