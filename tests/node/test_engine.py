"""What `make up` promises, on Pulumi's real engine and a real cluster, as a person uses it."""

import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import NOT_INSTALLED
from tests.engine.install import is_installed
from tests.engine.project import changes, new_project
from tests.node.article import (
    PRELOADER,
    PRELOADER_NAMESPACE,
    SMALL_IMAGES,
    WEB_IMAGES,
    article_preloader,
)
from tests.node.cluster import Cluster
from tests.node.configuration import SANDBOX_IMAGE
from tests.node.conftest import AddNode
from tests.node.deployment import Deployment
from tests.node.deployment import pool as pool_of
from tests.node.kubectl import Kubectl
from tests.node.preloading import is_rolled_out
from tests.node.registry import Registry
from tests.node.render import preloadctl

AWAY_SECONDS = 20
ONE, TWO, THREE = SMALL_IMAGES
FOUR, FIVE, SIX = WEB_IMAGES
MISSING = "acme/missing:1"


@pytest.fixture
def deployment(
    tmp_path: Path, kubectl: Kubectl, request: pytest.FixtureRequest
) -> Iterator[Deployment]:
    """A stack of no pools yet, whose namespace is gone after the test."""
    if not is_installed():
        pytest.skip(NOT_INSTALLED)
    project = new_project(tmp_path / "project")
    made = Deployment(project, kubectl, f"engine-{uuid.uuid4().hex[:6]}", {})
    yield made
    kubectl("delete", "namespace", made.namespace, "--ignore-not-found", "--wait=false")


def test_the_nodes_follow_the_stack_file(deployment: Deployment, pool: Mapping[str, str]) -> None:
    deployment.write({"main": pool_of(pool, [ONE, TWO])})
    deployment.project.run("up")
    deployment.assert_settled()
    assert changes(deployment.project.run("refresh")) == {}

    for pools in (
        {"main": pool_of(pool, [ONE, TWO, THREE])},
        {"main": pool_of(pool, [ONE, TWO, FOUR])},
        {"main": pool_of(pool, [ONE, TWO])},
        {"main": pool_of(pool, [ONE, TWO, THREE, FOUR], lanes=4)},
        {"main": pool_of(pool, [ONE, TWO, THREE, FOUR], lanes=1)},
        {"main": pool_of(pool, [ONE, TWO], cleanup={"enabled": True})},
        {"main": pool_of(pool, [ONE, TWO])},
        {"main": pool_of(pool, [ONE, TWO], preload={"mode": "init"})},
        {"main": pool_of(pool, [ONE, TWO])},
    ):
        deployment.change(pools)

    deployment.project.run("down")
    deployment.assert_gone()


def test_pools_come_and_go_and_the_namespace_is_renamed(
    deployment: Deployment, add_node: AddNode, kubectl: Kubectl
) -> None:
    first, second = {"engine": "first"}, {"engine": "second"}
    for labels in (first, second):
        add_node(labels["engine"], labels=labels)
    deployment.write({"first": pool_of(first, [ONE, TWO])})
    deployment.project.run("up")
    deployment.assert_settled()

    both = {"first": pool_of(first, [ONE, TWO]), "second": pool_of(second, [THREE])}
    deployment.change(both)
    deployment.change({"second": pool_of(second, [THREE])})
    old, deployment.namespace = deployment.namespace, f"{deployment.namespace}-renamed"
    deployment.change(both)

    assert old not in [each["metadata"]["name"] for each in kubectl.find("namespaces")]
    deployment.project.run("down")
    deployment.assert_gone()


def test_what_was_changed_behind_its_back_is_put_right_after_a_refresh(
    deployment: Deployment, pool: Mapping[str, str], kubectl: Kubectl
) -> None:
    deployment.write({"main": pool_of(pool, [ONE, TWO])})
    deployment.project.run("up")
    deployment.assert_settled()
    deleted, edited = sorted(deployment.lanes())
    where = ("--namespace", deployment.namespace)
    kubectl("delete", "daemonset", deleted, *where)
    patch = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 77}}}}
    kubectl("patch", "daemonset", edited, *where, "--patch", json.dumps(patch))

    said = deployment.project.run("refresh", YES="")
    assert {*changes(said)} == {"delete", "update"}
    assert "YES=1" in said
    deployment.project.run("refresh")
    deployment.project.run("up")

    deployment.assert_settled()
    graces = [
        item["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        for item in deployment.preloader().daemon_sets()
    ]
    assert 77 not in graces
    assert len(graces) == 2


def test_after_a_kill_in_the_middle_of_an_update_the_next_one_ends_it(
    deployment: Deployment, pool: Mapping[str, str], kubectl: Kubectl
) -> None:
    # It waits for an image that never comes, so that it cannot end before it is killed.
    waiting = {"rollout": "await", "rollout_timeout_seconds": 600}
    deployment.write({"main": pool_of(pool, [ONE, TWO, THREE, MISSING], preload=waiting)})
    with deployment.project.start("up") as update:
        # With the first DaemonSet there, the rest may be too before the update is killed.
        kubectl.wait_for("the namespace", lambda: kubectl.get("namespace", deployment.namespace))
        os.killpg(update.pid, signal.SIGKILL)

    deployment.write({"main": pool_of(pool, [ONE, TWO, THREE, FOUR], lanes=4)})
    code, said = deployment.project.attempt("up")
    assert code
    assert "make cancel STACK=test" in said
    deployment.project.run("cancel")
    deployment.project.run("up")

    deployment.assert_settled()


def test_what_kubectl_applied_is_taken_over_without_a_restart(
    deployment: Deployment, pool: Mapping[str, str], kubectl: Kubectl
) -> None:
    with_cleanup = {"cleanup": {"enabled": True}}
    deployment.write({"main": pool_of(pool, [ONE, TWO, THREE], **with_cleanup)})
    preloadctl(deployment.project.folder, "render", "--output", "rendered")
    kubectl("apply", "--filename", str(deployment.project.folder / "rendered"))
    deployment.preloader().wait_until_complete()
    before = deployment.lanes()

    deployment.project.run("adopt")
    assert changes(deployment.project.run("preview")).keys() <= {"update"}
    deployment.project.run("up")
    deployment.assert_settled()
    assert deployment.lanes() == before

    # kubectl's fields of an object would keep an image that the stack drops.
    deployment.write({"main": pool_of(pool, [ONE, TWO], **with_cleanup)})
    deployment.project.run("up")
    deployment.assert_settled()
    deployment.project.run("down")
    deployment.assert_gone()


def test_a_daemon_set_of_the_articles_kind_gives_way_without_a_pull(
    deployment: Deployment, add_node: AddNode, kubectl: Kubectl, registry: Registry
) -> None:
    node = add_node("given", labels={"engine": "given"})
    images = [FOUR, FIVE, SIX]
    article = article_preloader(images, SANDBOX_IMAGE, {"engine": "given"})
    kubectl.apply([article])
    kubectl.wait_for(
        "the article's DaemonSet complete",
        lambda: is_rolled_out(kubectl.get("daemonset", PRELOADER, namespace=PRELOADER_NAMESPACE)),
    )
    present = node.image_digests()
    downloads = registry.downloads()

    deployment.write({"main": pool_of({"engine": "given"}, images, cleanup={"enabled": True})})
    deployment.project.run("up")
    deployment.assert_settled()
    kubectl.delete([article])

    assert present.items() <= node.image_digests().items()
    repositories = [name.partition(":")[0] for name in images]
    later = {path.rpartition("/")[2] for path in registry.downloads()[len(downloads) :]}
    assert not later & set(repositories)
    deployment.project.run("down")


def test_of_two_updates_at_once_one_is_refused(
    deployment: Deployment, pool: Mapping[str, str]
) -> None:
    deployment.write({"main": pool_of(pool, [ONE, TWO])})
    deployment.project.run("preview")

    both = [deployment.project.start("up") for _ in range(2)]
    said = [each.communicate()[0] for each in both]

    assert 0 in [each.returncode for each in both]
    refused = [text for each, text in zip(both, said, strict=True) if each.returncode]
    assert all("locked" in text and "make cancel" in text for text in refused)
    deployment.assert_settled()


def test_an_api_server_that_goes_away_costs_at_most_another_update(
    deployment: Deployment, pool: Mapping[str, str], cluster: Cluster
) -> None:
    deployment.write({"main": pool_of(pool, [ONE, TWO, THREE], lanes=3)})
    with deployment.project.start("up") as update:
        cluster.kubectl.wait_for(
            "the namespace", lambda: cluster.kubectl.get("namespace", deployment.namespace)
        )
        with cluster.without_api_server():
            time.sleep(AWAY_SECONDS)
        update.communicate()
    deployment.project.run("up")
    deployment.assert_settled()


def test_a_cluster_that_does_not_answer_is_named_and_can_be_forgotten(
    deployment: Deployment, pool: Mapping[str, str], cluster: Cluster
) -> None:
    deployment.write({"main": pool_of(pool, [ONE])})
    deployment.project.run("up")
    with cluster.without_api_server():
        code, said = deployment.project.attempt("preview")
        assert code == 1
        assert "does not answer at https://" in said
        assert any(each["type"].startswith("kubernetes:") for each in deployment.project.state())
        deployment.project.run("down", PULUMI_K8S_DELETE_UNREACHABLE="true")
    assert deployment.project.state() == []


def test_an_awaited_rollout_that_fails_ends_with_the_images_nodes_and_reasons(
    deployment: Deployment, pool: Mapping[str, str], kubectl: Kubectl
) -> None:
    awaited = {"rollout": "await", "rollout_timeout_seconds": 30}
    deployment.write({"main": pool_of(pool, [ONE, MISSING], preload=awaited)})

    code, said = deployment.project.attempt("up")

    assert code
    _, _, end = said.rpartition("Images that are not on their nodes:")
    (line,) = (line for line in end.splitlines() if MISSING in line)
    assert len(end.splitlines()) <= 4
    (node,) = {pod["spec"]["nodeName"] for pod in deployment.preloader().pods()}
    assert node in line
    assert "not found" in line


def test_a_secret_kubeconfig_is_nowhere_in_plain_text(
    deployment: Deployment, pool: Mapping[str, str], tmp_path: Path
) -> None:
    text = deployment.kubectl.kubeconfig.read_text()
    marked = text.replace('"apiVersion"', '"x-marker": "do-not-tell", "apiVersion"', 1)
    deployment.write({"main": pool_of(pool, [ONE])}, kubeconfig=marked)
    make_secret(deployment)

    said = deployment.project.run("up")
    deployment.assert_settled()
    said += deployment.project.run("preview")

    assert "do-not-tell" not in said
    folder = deployment.project.folder
    assert any(path.is_file() for path in (folder / ".pulumi").rglob("*"))
    for path in folder.rglob("*"):
        if path.is_file() and ".work" not in path.parts:
            assert b"do-not-tell" not in path.read_bytes(), path


def make_secret(deployment: Deployment) -> None:
    """Encrypts the settings in the stack file as `pulumi config set --secret` does."""
    folder, environment = deployment.project.folder, deployment.project.all_environment()
    file = folder / "Pulumi.test.yaml"
    settings: Any = json.loads(file.read_text())["config"]["image-preloader:settings"]
    file.write_text("{}")
    environment |= {"PULUMI_BACKEND_URL": f"file://{folder}", "PULUMI_CONFIG_PASSPHRASE": ""}
    for command in (
        ("stack", "init", "test"),
        ("config", "set", "--secret", "settings", "--stack", "test"),
    ):
        subprocess.run(
            ["pulumi", "--non-interactive", *command],
            cwd=folder,
            env=environment,
            input=json.dumps(settings),
            text=True,
            check=True,
            capture_output=True,
        )
