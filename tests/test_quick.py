"""Which tests `make quick` runs for what was changed."""

import pytest

from tests.quick import REFERENCE, SHIPPED_STACKS, TESTS_OF, folders_for
from tests.support import ROOT


@pytest.mark.parametrize(
    ("file", "tests"),
    [
        ("preloader/agent/retention/plan.py", {"tests/agent"}),
        ("preloader/cleanup/spec.py", {"tests/preloader", SHIPPED_STACKS, REFERENCE}),
        ("nodepools/kubelet/checks.py", {"tests/nodepools", SHIPPED_STACKS, REFERENCE}),
        ("preloadctl/plan/model.py", {"tests/preloadctl/plan"}),
        ("preloadctl/render.py", {"tests/preloadctl"}),
        ("tests/settings/test_load.py", {"tests/settings/test_load.py"}),
        ("tests/nodepools/inputs.py", {"tests/nodepools"}),
        ("tests/support.py", set[str]()),
        ("tests/agent/test_that_was_deleted.py", set[str]()),
        ("docs/plan.svg", set[str]()),
        ("README.md", set[str]()),
    ],
)
def test_the_tests_for_a_file_are_those_of_its_folder(file: str, tests: set[str]) -> None:
    assert folders_for([file]) == tests


def test_every_package_has_its_tests_in_the_table() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages <= {start.partition("/")[0] for start in TESTS_OF}
    assert all((ROOT / each).exists() for tests in TESTS_OF.values() for each in tests)
