"""A cluster that does not answer is said at once, and what is not known is left to Pulumi."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.missing import explain_missing
from deploy.reach import PROXIES, check_cluster
from preloadctl.errors import CommandError


@pytest.fixture(autouse=True)
def nothing_of_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*PROXIES, "KUBECONFIG", "PULUMI_K8S_DELETE_UNREACHABLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def refusing() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def kubeconfig(port: int, **cluster: str) -> str:
    server = {"server": f"https://127.0.0.1:{port}", **cluster}
    return yaml.safe_dump(
        {
            "contexts": [
                {"name": "other", "context": {"cluster": "nowhere"}},
                {"name": "kind-kind", "context": {"cluster": "kind"}},
            ],
            "clusters": [{"name": "kind", "cluster": server}],
        }
    )


def settings(**cluster: str) -> dict[str, Any]:
    return {"cluster": {"kind": "kubeconfig", "context": "kind-kind", **cluster}}


def test_a_server_that_answers_has_no_problem(listening: int, tmp_path: Path) -> None:
    check_cluster(settings(kubeconfig=kubeconfig(listening)), tmp_path)


@pytest.mark.parametrize("way", ["content", "path", "relative path", "KUBECONFIG", "default"])
def test_a_server_that_refuses_is_named_however_the_kubeconfig_is_given(
    refusing: int, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".kube/config"
    file.parent.mkdir()
    file.write_text(kubeconfig(refusing))
    given = {
        "content": {"kubeconfig": kubeconfig(refusing)},
        "path": {"kubeconfig": str(file)},
        "relative path": {"kubeconfig": ".kube/config"},
    }.get(way, {})
    if way == "KUBECONFIG":
        monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'none'}:{file}")
    with pytest.raises(CommandError) as raised:
        check_cluster(settings(**given), tmp_path)
    assert f"'kind-kind' does not answer at https://127.0.0.1:{refusing}: " in str(raised.value)
    assert "Nothing was changed" in str(raised.value)


def test_a_name_that_nobody_knows_is_said(tmp_path: Path) -> None:
    text = kubeconfig(1, server="https://cluster.invalid")
    with pytest.raises(CommandError, match=r"https://cluster\.invalid"):
        check_cluster(settings(kubeconfig=text), tmp_path)


@pytest.mark.parametrize("server", ["https://127.0.0.1:port", "https://["])
def test_a_server_that_is_no_url_is_named(tmp_path: Path, server: str) -> None:
    text = kubeconfig(1, server=server)
    with pytest.raises(CommandError, match=re.escape(f"does not answer at {server}: ")):
        check_cluster(settings(kubeconfig=text), tmp_path)


def test_a_content_on_one_line_is_no_path(refusing: int, tmp_path: Path) -> None:
    long = json.dumps({**yaml.safe_load(kubeconfig(refusing)), "users": [{"name": "a" * 300}]})
    with pytest.raises(CommandError, match="does not answer"):
        check_cluster(settings(kubeconfig=long), tmp_path)


def test_a_content_is_on_no_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f"#!/bin/sh\necho ran > {tmp_path}/ran\necho '{{\"items\": []}}'\n")
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list(explain_missing(settings(kubeconfig=kubeconfig(1)))) == []
    assert not (tmp_path / "ran").exists()
    assert list(explain_missing(settings(kubeconfig="a/path"))) == []
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "found",
    [
        {"cluster": {"kind": "rendered"}},
        {"cluster": {"kind": "eks", "name": "platform"}},
        {},
        settings(context="unknown"),
        settings(kubeconfig="no-such-file"),
        settings(kubeconfig="a: [\nb"),
    ],
)
def test_what_is_not_known_is_left_to_pulumi(found: dict[str, Any], tmp_path: Path) -> None:
    check_cluster(found, tmp_path)


@pytest.mark.parametrize("name", [*PROXIES, "PULUMI_K8S_DELETE_UNREACHABLE"])
def test_with_a_proxy_or_a_cluster_that_is_gone_nothing_is_asked(
    refusing: int, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "true")
    check_cluster(settings(kubeconfig=kubeconfig(refusing)), tmp_path)


def test_a_cluster_that_is_reached_by_a_proxy_of_its_own_is_not_asked(
    refusing: int, tmp_path: Path
) -> None:
    proxied = kubeconfig(refusing, **{"proxy-url": "http://127.0.0.1:1"})
    check_cluster(settings(kubeconfig=proxied), tmp_path)
