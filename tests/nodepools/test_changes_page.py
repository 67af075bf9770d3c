"""The page for people says of every input what a change of it does, as the table in the code."""

from pathlib import Path

import pytest

from nodepools.changes import CHANGES

PAGE = Path("docs") / "node-pool-changes.md"
HEAD = """\
# What a change of a node pool's input does to its nodes

By the path of the input as it is written below a pool; `preloadctl plan` shows it for the inputs
that a stack sets, and for those that a commit changes. A group is replaced by a new one before the
old one goes; nodes that are rolled pull their images again, one `update.max_unavailable` at a time.
EKS applies changed taints to the nodes that run: with NoExecute their pods go at once.

| input | managed node group | Karpenter |
|---|---|---|
"""


def test_the_page_is_the_table(pytestconfig: pytest.Config) -> None:
    rows = (f"| `{path}` | {it.managed} | {it.karpenter} |\n" for path, it in CHANGES.items())
    text = HEAD + "".join(rows)
    page = pytestconfig.rootpath / PAGE
    if pytestconfig.getoption("--update-golden"):
        page.write_text(text, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == text
