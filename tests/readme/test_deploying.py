"""The README's commands that deploy, on Pulumi's real engine."""

import pytest

from tests.engine.conftest import NOT_INSTALLED
from tests.engine.install import is_installed
from tests.engine.project import changes
from tests.readme.checkout import Checkout


@pytest.fixture(autouse=True)
def _engine() -> None:
    if not is_installed():
        pytest.skip(NOT_INSTALLED)


def test_the_first_command_deploys_and_the_others_follow_it(checkout: Checkout) -> None:
    said = checkout.run("make up")
    assert changes(said).keys() == {"created"}
    assert said.splitlines()[-1].startswith("Next: kubectl apply")
    assert checkout.changed_files() == ""
    assert changes(checkout.run("make preview")) == {}
    assert "is written to files" in checkout.run("make refresh")
    assert changes(checkout.run("make up")) == {}
    checkout.run("make cancel")
    rendered = checkout.folder / "rendered/dev"
    assert changes(checkout.run("make down")).keys() == {"deleted"}
    assert list(rendered.rglob("*.yaml")) == []
    checkout.run("make render")
    assert len(list(rendered.rglob("*.yaml"))) == 10
    assert checkout.changed_files() == ""


def test_a_stack_of_a_cluster_shows_what_would_change_and_goes_no_further(
    checkout: Checkout,
) -> None:
    there = Checkout(checkout.folder, {"KUBECONFIG": "/nowhere"})
    said = there.run("make up STACK=kind")
    assert changes(said).keys() == {"create"}
    assert "YES=1" in said
    assert checkout.changed_files() == ""
