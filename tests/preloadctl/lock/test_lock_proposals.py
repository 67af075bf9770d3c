"""`preloadctl lock --from-…` proposes what workloads use, and neither asks nor writes anything."""

import itertools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from preloadctl.__main__ import main
from preloader.yaml_values import read_yaml
from tests.preloadctl.lock.locking import write_program

PROGRAM = """
from preloader import ImagePreloader
ImagePreloader("ml", {"namespace": "apps", "images": ["train:1", "docker.io/library/old:1"],
                      "node_labels": {"workload": "ml"}})
ImagePreloader("all", {"namespace": "apps", "images": ["docker.io/library/nginx:1.25"]})
"""
ALIASES = "a: &a [x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in itertools.pairwise("abcdefghij")
)
Run = Callable[..., tuple[int, str, str]]


def workload(name: str, *images: str, kind: str = "Deployment", **pod: Any) -> dict[str, Any]:
    spec = {"containers": [{"image": image} for image in images], **pod}
    return {
        "kind": kind,
        "metadata": {"name": name, "namespace": "apps"},
        "spec": spec if kind == "Pod" else {"template": {"spec": spec}},
    }


ML = {"nodeSelector": {"workload": "ml"}}
TRAIN = workload("train", "train:1", "tool:2", **ML)
WEB = workload("web", "nginx:1.25")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: theirs\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    (folder / "__main__.py").write_text(PROGRAM)
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["lock", "--stack", "dev", *arguments])
        # It never writes.
        assert {path.name for path in folder.iterdir()} >= {"Pulumi.yaml", "__main__.py"}
        assert not list(folder.glob("*.lock.yaml"))
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    folder = tmp_path / "deploy"
    (folder / "base").mkdir(parents=True)
    (folder / "train.yaml").write_text(f"---\n{yaml.dump(TRAIN)}---\n---\nreplicas: 3\n")
    (folder / "base/web.json").write_text(json.dumps({"kind": "List", "items": [WEB]}))
    (folder / "notes.txt").write_text("kind: Pod")
    return folder


def test_each_pool_gets_a_list_to_paste_with_what_is_new_and_what_is_unused(
    run: Run, manifests: Path
) -> None:
    code, out, err = run("--from-manifests", str(manifests))
    assert (code, err) == (0, "")
    assert (
        out
        == f"""# Proposed by 2 workloads of {manifests}; nothing was written.
pools:
  all:
    images:
      - nginx:1.25  # in the list as docker.io/library/nginx:1.25
      - tool:2  # not in the list yet; used by apps/train
      - train:1  # not in the list yet; used by apps/train
  ml:
    images:
      - train:1
      - docker.io/library/old:1  # in the list, and used by none of the pool's workloads
      - tool:2  # not in the list yet; used by apps/train
      # 1 workload that chooses no pool may run here too, with:
      #   nginx:1.25  (apps/web)
"""
    )
    assert yaml.safe_load(out)["pools"]["ml"]["images"] == [
        "train:1", "docker.io/library/old:1", "tool:2"
    ]  # fmt: skip


def test_many_users_and_many_images_are_counted(run: Run, manifests: Path) -> None:
    users = [workload(f"user-{number}", "shared:1", **ML) for number in range(5)]
    others = [workload(f"other-{number}", f"other-{number:02}:1") for number in range(14)]
    (manifests / "more.yaml").write_text(yaml.dump_all([*users, *others]))
    _, out, _ = run("--from-manifests", str(manifests))
    ml = out[out.index("  ml:") :]
    assert (
        "shared:1  # not in the list yet; used by apps/user-0, apps/user-1, apps/user-2, 2 more"
        in ml
    )
    assert "# 15 workloads that choose no pool may run here too, with:" in ml
    assert "#   and 5 more images" in ml


def test_an_image_is_named_once_where_several_workloads_use_it(run: Run, manifests: Path) -> None:
    anywhere = workload("anywhere", "tool:2", "old:1")
    (manifests / "more.yaml").write_text(yaml.dump(anywhere))
    _, out, _ = run("--from-manifests", str(manifests))
    ml = out[out.index("  ml:") :]
    assert ml.count("tool:2") == ml.count("old:1") == 1


def test_the_items_of_a_list_of_one_kind_need_not_say_it(run: Run, manifests: Path) -> None:
    item = {key: value for key, value in TRAIN.items() if key != "kind"}
    (manifests / "train.yaml").write_text(yaml.dump({"kind": "DeploymentList", "items": [item]}))
    _, out, _ = run("--from-manifests", str(manifests))
    assert "tool:2" in yaml.safe_load(out)["pools"]["ml"]["images"]


def test_what_cannot_be_read_is_named_and_the_rest_counts(run: Run, manifests: Path) -> None:
    (manifests / "chart.yaml").write_text("kind: Pod\nspec:\n  {{- if .Values.x }}\n")
    (manifests / "filled.yaml").write_text(
        yaml.dump_all([workload("late", "{{ .Values.image }}"), workload("odd", "IMAGE")])
    )
    (manifests / "kustomization.yaml").write_text("kind: Kustomization\nimages: [{name: app}]\n")
    (manifests / ".hidden").mkdir()
    (manifests / ".hidden/x.yaml").write_text("broken: [")
    code, out, err = run("--from-manifests", str(manifests))
    assert code == 0
    assert "Proposed by 4 workloads" in out
    lines = err.splitlines()
    assert lines[0] == "preloadctl: skipped:"
    assert lines[1].startswith(f"  {manifests}/chart.yaml:3: no YAML (a key must be a text); ")
    assert "kubectl kustomize" in lines[2]
    assert lines[3] == "  apps/late: '{{ .Values.image }}': is a template; render it first"
    assert lines[4].startswith("  apps/odd: 'IMAGE': ")
    assert "must be lower case" in lines[4]
    assert len(lines) == 5


def test_a_file_may_be_a_list_of_objects(run: Run, manifests: Path) -> None:
    shutil.rmtree(manifests)
    manifests.mkdir()
    objects = [workload("one", "first:1"), [workload("two", "second:1")], "no object", None]
    (manifests / "list.json").write_text(json.dumps(objects))
    (manifests / "list.yaml").write_text(yaml.dump([workload("three", "third:1")]))
    code, out, _ = run("--from-manifests", str(manifests))
    assert code == 0
    assert {"first:1", "second:1", "third:1"} < set(yaml.safe_load(out)["pools"]["all"]["images"])


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        ALIASES.encode(),
        b"a: &a [*a]",
        b"since: 2024-13-45\nkind: Pod",
        b"kind: Pod\nkind: Pod",
        b"\xff\xfe",
        b"!!python/object:os.system {}",
    ],
    ids=["deep", "aliases", "itself", "date", "twice", "bytes", "tag"],
)
def test_no_file_ends_it_and_the_others_count(run: Run, manifests: Path, content: bytes) -> None:
    before = run("--from-manifests", str(manifests))[1]
    (manifests / "odd.yaml").write_bytes(content)
    os.mkfifo(manifests / "fifo.yaml")
    code, out, err = run("--from-manifests", str(manifests))
    assert (code, out) == (0, before)
    assert "Traceback" not in err


def test_a_name_of_digits_stays_a_name(run: Run, manifests: Path) -> None:
    (manifests / "odd.yaml").write_text(
        json.dumps(workload("odd", "1234", "6e2", "[::1]:5000/app:1"))
    )
    _, out, _ = run("--from-manifests", str(manifests))
    proposed = set(read_yaml(out)["pools"]["all"]["images"])
    assert {"1234", "6e2", "[::1]:5000/app:1"} <= proposed


def test_a_folder_that_is_not_there_is_refused(run: Run) -> None:
    code, out, err = run("--from-manifests", "nowhere")
    assert (code, out, err) == (1, "", "preloadctl: --from-manifests: nowhere is no folder\n")


@pytest.mark.parametrize("more", [["--check"], ["--update", "nginx"]])
def test_a_proposal_neither_checks_nor_updates(run: Run, manifests: Path, more: list[str]) -> None:
    code, _, err = run("--from-manifests", str(manifests), *more)
    assert code == 1
    assert "leave out --check and --update" in err


NODES = {"kind": "List", "items": [
    {"kind": "Node", "metadata": {"name": "node-1", "labels": {"workload": "ml"}}},
    {"kind": "Node", "metadata": {"name": "node-2"}},
]}  # fmt: skip


def fake_kubectl(programs: Path, objects: Any, nodes: Any) -> None:
    (programs / "objects.json").write_text(json.dumps(objects))
    (programs / "nodes.json").write_text(json.dumps(nodes))
    kinds = "pods,deployments,statefulsets,daemonsets,jobs,cronjobs"
    write_program(
        programs,
        "kubectl",
        f"""case "$*" in
"--context prod get {kinds} --all-namespaces --output json") cat {programs}/objects.json;;
"--context prod get nodes --output json") cat {programs}/nodes.json;;
*) echo "error: context was not found" >&2; exit 1;;
esac""",
    )


def test_in_a_cluster_pods_count_where_they_run(run: Run, programs: Path) -> None:
    here = workload("web-x", "nginx:1.25", kind="Pod", nodeName="node-1")
    there = workload("api-x", "api:1", kind="Pod", nodeName="node-2", **ML)
    fake_kubectl(programs, {"kind": "List", "items": [TRAIN, here, there]}, NODES)
    code, out, err = run("--from-cluster", "prod")
    assert (code, err) == (0, "")
    assert "# Proposed by 3 workloads of the cluster of prod; nothing was written." in out
    assert yaml.safe_load(out)["pools"]["ml"]["images"] == [
        "train:1", "docker.io/library/old:1", "nginx:1.25", "tool:2"
    ]  # fmt: skip


def test_without_the_right_to_see_nodes_pods_count_by_what_they_ask_for(
    run: Run, programs: Path
) -> None:
    pod = workload("api-x", "api:1", kind="Pod", nodeName="node-2", **ML)
    fake_kubectl(programs, {"kind": "List", "items": [pod]}, NODES)
    (programs / "nodes.json").unlink()
    code, out, err = run("--from-cluster", "prod")
    assert code == 0
    assert "api:1" in yaml.safe_load(out)["pools"]["ml"]["images"]
    assert "skipped:\n  nodes, so pods count as their templates do: kubectl --context prod" in err


def test_a_cluster_that_kubectl_does_not_reach_is_said_in_its_words(
    run: Run, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_kubectl(programs, {}, {})
    code, out, err = run("--from-cluster", "other")
    assert (code, out) == (1, "")
    assert err == "preloadctl: kubectl --context other: error: context was not found\n"
    monkeypatch.setenv("PATH", "")
    assert "needs kubectl, which is not on PATH" in run("--from-cluster", "prod")[2]
