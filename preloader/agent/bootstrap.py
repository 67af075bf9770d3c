"""The first module in the agent's archive: imports the others from where they are in it.

What the readiness check needs is there as it is; the rest is in sources.json.bz2, for reasons that
`preloader.bundle` gives.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from zipimport import zipimporter

SOURCES = "sources.json.bz2"
# Whatever else the machine's Python has under these names is another version.
PACKAGES = frozenset({"preloader", "h2", "hpack", "hyperframe"})


class Modules:
    """Finds and loads the modules of an archive."""

    def __init__(self, archive: "zipimporter") -> None:
        self._archive = archive
        self._packed: Mapping[str, str] = {}

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Implements importlib's finder."""
        del path, target
        if name.partition(".")[0] not in PACKAGES:
            return None
        from importlib.machinery import ModuleSpec  # noqa: PLC0415 - not for modules of others

        stem = name.replace(".", "/")
        files = (f"{stem}/__init__.py", f"{stem}.py")
        for read in (self._read_plain, self._read_packed):
            for file in files:
                if (source := read(file)) is not None:
                    # By its shape a loader, but no subclass: importlib.abc costs too much memory.
                    loader: Loader = self  # pyright: ignore[reportAssignmentType]
                    spec = ModuleSpec(name, loader, origin=f"{self._archive.archive}/{file}")
                    spec.submodule_search_locations = [] if file == files[0] else None
                    spec.loader_state = source
                    return spec
        return None

    def create_module(self, spec: "ModuleSpec") -> None:
        """Implements importlib's loader: the usual kind of module will do."""

    def exec_module(self, module: "ModuleType") -> None:
        """Implements importlib's loader."""
        spec = module.__spec__
        if spec is None or spec.origin is None:
            raise ImportError(f"{module.__name__} is not of this archive")
        code = compile(spec.loader_state, spec.origin, "exec", dont_inherit=True)
        spec.loader_state = None
        exec(code, module.__dict__)  # noqa: S102 - what an import is

    def _read_plain(self, file: str) -> str | None:
        try:
            return self._archive.get_data(f"{self._archive.archive}/{file}").decode()
        except OSError:
            return None

    def _read_packed(self, file: str) -> str | None:
        if not self._packed:
            import bz2  # noqa: PLC0415 - not for the readiness check
            import json  # noqa: PLC0415

            packed = self._archive.get_data(f"{self._archive.archive}/{SOURCES}")
            self._packed = json.loads(bz2.decompress(packed))
        return self._packed.get(file)


if __name__ == "__main__":
    sys.meta_path.insert(0, Modules(__loader__))  # pyright: ignore[reportArgumentType]
    from preloader.agent.__main__ import main

    sys.exit(main(sys.argv[1:]))
