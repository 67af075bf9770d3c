"""A checkout for each test that types commands."""

from pathlib import Path

import pytest

from tests.readme.checkout import Checkout, check_out


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return check_out(tmp_path)
