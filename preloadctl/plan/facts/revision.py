"""Files as they are at a revision of the git repository that they are in."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SHOWN_HASH_LENGTH = 7


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit by its name, such as `commit 314fb1b`, and the content of those files it has."""

    name: str
    files: Mapping[Path, bytes]


class NoRevision(Exception):
    """There is no such revision here; the message is a clause that says why."""


def revision_of(revision: str, folder: Path, paths: Sequence[Path]) -> Revision:
    """Returns the files at `paths`, relative to `folder`, as they are at the revision.

    Raises NoRevision where there is no git, no repository or no such commit.
    """
    if "\n" in revision:
        raise NoRevision(f"{revision!r} is no revision")
    wanted = [f"{revision}^{{commit}}", *(f"{revision}:./{path.as_posix()}" for path in paths)]
    commit, *contents = _objects(wanted, folder)
    if commit is None:
        raise NoRevision(f"the git repository has no commit {revision}")
    commit_hash = commit[0].decode()
    return Revision(
        f"commit {commit_hash[:_SHOWN_HASH_LENGTH]}",
        {
            path: content[1]
            for path, content in zip(paths, contents, strict=True)
            if content is not None
        },
    )


def _objects(names: Sequence[str], folder: Path) -> list[tuple[bytes, bytes] | None]:
    """Returns hash and content of each object; None for one that is not there."""
    try:
        result = subprocess.run(
            ["git", "cat-file", "--batch"],  # noqa: S607 the user's git, as on their command line
            cwd=folder,
            input="".join(f"{name}\n" for name in names).encode(),
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise NoRevision("git is not installed") from None
    if result.returncode != 0:
        reason = result.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise NoRevision(reason.removeprefix("fatal: ") or "git failed")
    return [*_parsed(result.stdout, len(names))]


def _parsed(output: bytes, count: int) -> Iterator[tuple[bytes, bytes] | None]:
    """Reads the answers, each a line and, where there is an object, its content and a newline.

    https://git-scm.com/docs/git-cat-file#_batch_output
    """
    for _ in range(count):
        line, _, output = output.partition(b"\n")
        if line.endswith((b" missing", b" ambiguous")):
            yield None
            continue
        object_hash, _, size = line.split(b" ")
        yield object_hash, output[: int(size)]
        output = output[int(size) + 1 :]
