"""What a stack file says means to this project what it means to Pulumi's engine."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from preloader.yaml_values import InvalidYaml, read_yaml
from tests.builds import BIN
from tests.engine.conftest import NOT_INSTALLED
from tests.engine.install import is_installed

SCALARS = (
    *("yes", "No", "on", "off", "y", "n", "true", "True", "TRUE", "false", "tRUE"),
    *("null", "Null", "~", "nil", "12:30", "12:30:45", "190:20:30"),
    *("1", "-1", "+1", "007", "0777", "08", "09.5", "0o14", "0O14", "-0o14", "0x1F", "0X1f"),
    *("-0x1F", "0b101", "-0b101", "0b", "0o8", "1_000", "0x_1F", "_1", "1__0", "1_"),
    *("1.5", "1.", ".5", "-.5", "+.5", ".5e3", "1e3", "1E3", "1e-3", "1.3e9", "1e20", "1e21"),
    *("1e22", "1.0", "-0", "-0.0", "1e-7", "0.000001", "123456789012345678", "1e400", "-1e400"),
    *("18446744073709551615", "18446744073709551616", "-9223372036854775808", "9" * 30, "9" * 400),
    *("2024-01-01", "2024-1-1", "2024-02-30", "2024-13-01", "2024-01-01T10:00:00Z"),
    *("2024-01-01t10:00:00Z", "2024-01-01T10:00:00+02:00", "2024-01-01T10:00:00.25Z"),
    *("2024-01-01 10:00:00", "2024-01-01 10:00:00.5", "2024-01-01 10:00:00Z", "2024-01-01T10:00"),
    *("2024-01-01T10:00:00", "99-01-01", "1.2.3", "1.2", "v1", "-", "+", ".", "..", "=", "<<"),
    *("'5'", '"5"', "'yes'", '"2024-01-01"', "!!str 5", "!!str yes", "!!binary aGk="),
    *("!!float 5", "!!int 5", "!!bool true", "!custom x", "|\n    a\n    b", ">\n    a\n    b"),
    *("0x1p-2", "1e", "e1", "inf", "nan", "NaN", "Infinity", "0.1", "1e+3", "1e+03", "3.14159"),
    *("[]", "{}", "[1, yes, 2024-01-01, 1.3e9, ~]", "{a: 0777, b: {c: on}}", "{secret: x}"),
    *("nginx:1.25", "reg.local:5000/a", "@x", "1 2", "- 1", "#x", "a #b", "é", "日本"),
)


def usable(text: str) -> bool:
    try:
        read_yaml(f"key: {text}")
    except InvalidYaml:
        return False
    return True


def as_config(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def test_scalars_mean_the_same_to_the_real_engine(tmp_path: Path) -> None:
    if not is_installed():
        pytest.skip(NOT_INSTALLED)

    def pulumi(*arguments: str) -> str:
        return subprocess.run(
            [BIN / "pulumi", *arguments],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "PULUMI_HOME": str(tmp_path / "home"),
                "PULUMI_BACKEND_URL": f"file://{tmp_path}",
                "PULUMI_CONFIG_PASSPHRASE": "",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
            },
        ).stdout

    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: yaml\n")
    pulumi("stack", "init", "dev", "--non-interactive")
    stack_file = tmp_path / "Pulumi.dev.yaml"
    scalars = [scalar for scalar in SCALARS if usable(scalar)]
    assert len(scalars) > 120
    lines = [f"  shop:k{number}: {scalar}" for number, scalar in enumerate(scalars)]
    stack_file.write_text("\n".join(("config:", *lines, "")))
    engine = json.loads(pulumi("config", "--stack", "dev", "--json"))
    ours = read_yaml(stack_file.read_text())["config"]
    different = {
        scalar: (as_config(ours[key]), engine[key]["value"])
        for number, scalar in enumerate(scalars)
        if not _same(as_config(ours[key := f"shop:k{number}"]), engine[key])
    }
    assert different == {}


def _same(ours: str, engine: dict[str, Any]) -> bool:
    """Whether both are one text; of a map or list, one JSON value."""
    if "objectValue" in engine:
        return json.loads(ours) == engine["objectValue"]
    if ours == engine.get("value"):
        return True
    try:
        return not isinstance(json.loads(ours), str) and json.loads(ours) == json.loads(
            engine["value"]
        )
    except (ValueError, KeyError):
        return False
