"""A plan says what is different from a commit, as far as there is one to compare with."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nodepools.changes import Effect
from preloadctl.plan.facts import history
from preloadctl.plan.facts.build import plan
from preloadctl.plan.model import Bandwidth, Changes, PoolChanges, Retagged
from preloadctl.project import load_project
from preloader.lock import Lock, LockedImage, LockedPlatform, lock_text
from tests.preloadctl.plan.projects import PROGRAM, commit, git, make_project, write_stack

BANDWIDTH = Bandwidth(image_bytes_per_second=25 * 10**6, node_bytes_per_second=None)
Since = Callable[..., Changes]


def digest(character: str) -> str:
    return f"sha256:{character * 64}"


def write_lock(folder: Path, **layers_by_image: dict[str, int]) -> None:
    images = {
        image.replace("_", ":", 1).replace("_", "."): LockedImage(
            digest("a"), {"linux/amd64": LockedPlatform(digest("b"), layers)}
        )
        for image, layers in layers_by_image.items()
    }
    (folder / "Pulumi.dev.lock.yaml").write_text(lock_text(Lock(images)))


@pytest.fixture(autouse=True)
def _no_repository_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


@pytest.fixture
def since(project: Path) -> Since:
    def changes(revision: str = "HEAD", folder: Path = project) -> Changes:
        return plan(load_project(folder, "dev"), BANDWIDTH, revision).changes

    return changes


def only(changes: Changes) -> PoolChanges:
    assert changes.not_compared is None
    (change,) = changes.pools
    return change


def test_nothing_is_different_and_nothing_recorded_twice_where_the_files_are_those_of_the_commit(
    project: Path, since: Since, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = commit(project)
    monkeypatch.setattr(history, "record_components", lambda *_: pytest.fail("recorded again"))
    assert since() == Changes(since=name, pools=(), not_compared=None)


def test_another_image_is_retagged_and_costs_its_new_layers_on_every_node(
    project: Path, since: Since
) -> None:
    write_lock(project, nginx_1_25={digest("c"): 100, digest("d"): 7})
    name = commit(project)
    write_stack(project, ["nginx:1.26", "redis:7"])
    write_lock(
        project,
        nginx_1_26={digest("c"): 100, digest("e"): 30},
        redis_7={digest("c"): 100, digest("e"): 30, digest("f"): 4},
    )
    changes = since()
    change = only(changes)
    assert changes.since == name
    assert change.retagged == (Retagged(before="nginx:1.25", after="nginx:1.26"),)
    assert change.added == ("redis:7",)
    assert change.bytes_to_pull == 34
    assert change.nodes
    assert (change.nodes.least, change.nodes.most) == (1, 6)


def test_a_lock_file_alone_can_be_what_is_different(project: Path, since: Since) -> None:
    write_lock(project, nginx_1_25={digest("c"): 100})
    commit(project)
    write_lock(project, nginx_1_25={digest("d"): 90})
    assert only(since()).relocked == ("nginx:1.25",)
    (project / "Pulumi.dev.lock.yaml").unlink()
    assert since().pools == ()


def test_a_changed_setting_says_what_it_does_to_the_nodes(project: Path, since: Since) -> None:
    commit(project)
    write_stack(project, ["nginx:1.25"], gib="50")
    (setting,) = only(since()).settings
    assert setting.path == "node_group.root_volume.size_gib"
    assert (setting.before, setting.after) == ("40", "50")
    assert setting.effect is Effect.ROLLS_NODES


def test_a_comment_makes_no_difference(project: Path, since: Since) -> None:
    name = commit(project)
    stack_file = project / "Pulumi.dev.yaml"
    stack_file.write_text(f"# a comment\n{stack_file.read_text()}")
    assert since() == Changes(since=name, pools=(), not_compared=None)


def test_any_revision_can_be_compared_with(project: Path, since: Since) -> None:
    first = commit(project)
    write_stack(project, ["nginx:1.26"])
    commit(project)
    assert since().pools == ()
    assert since("HEAD~1").since == first
    assert only(since("HEAD~1")).retagged


def test_the_program_is_today_s_and_so_are_its_other_files(project: Path, since: Since) -> None:
    commit(project)
    (project / "names.txt").write_text("redis:7")
    program = PROGRAM.replace("images =", "images = [pathlib.Path('names.txt').read_text()] +")
    (project / "__main__.py").write_text(f"import pathlib\n{program}")
    assert since().pools == ()
    write_stack(project, ["nginx:1.26"])
    assert only(since()).added == ()
    assert only(since()).retagged


def test_the_program_may_have_moved(project: Path, since: Since) -> None:
    stack = (project / "Pulumi.yaml").read_text()
    (project / "Pulumi.yaml").write_text(f"{stack}main: program\n")
    commit(project)
    (project / "Pulumi.yaml").write_text(stack)
    write_stack(project, ["nginx:1.26"])
    assert only(since()).retagged


def test_a_lock_file_that_is_new_says_nothing_of_what_nodes_had(
    project: Path, since: Since
) -> None:
    commit(project)
    write_stack(project, ["nginx:1.25", "redis:7"])
    shared = {digest("c"): 100}
    write_lock(project, nginx_1_25=shared, redis_7={**shared, digest("d"): 4})
    assert only(since()).bytes_to_pull == 104


def test_a_project_in_folders_of_its_repository_is_compared_too(
    tmp_path: Path, since: Since
) -> None:
    repository = make_project(tmp_path / "repository")
    folder = repository / "infra"
    for path, target in (
        ("Pulumi.yaml", "infra/Pulumi.yaml"),
        ("Pulumi.dev.yaml", "infra/stacks/Pulumi.dev.yaml"),
        ("__main__.py", "infra/program/__main__.py"),
    ):
        (repository / target).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).rename(repository / target)
    (folder / "Pulumi.yaml").write_text(
        "name: theirs\nruntime: python\nmain: program\nstackConfigDir: stacks\n"
    )
    write_lock(folder / "program", nginx_1_25={digest("c"): 100})
    commit(repository)
    assert since(folder=folder).pools == ()
    write_lock(folder / "program", nginx_1_25={digest("c"): 100, digest("d"): 3})
    assert only(since(folder=folder)).bytes_to_pull == 3


def test_a_state_that_today_s_program_refuses_is_not_compared_and_said_why(
    project: Path, since: Since
) -> None:
    write_stack(project, ["NGINX", "REDIS"])
    name = commit(project)
    write_stack(project, ["nginx:1.25"])
    reason = since().not_compared
    assert reason
    assert reason.startswith(f"today's program refuses the configuration of {name}: images[0]:")
    assert "\n" not in reason
    assert since().pools == ()


def test_a_state_that_today_s_program_fails_with_is_not_compared(
    project: Path, since: Since
) -> None:
    (project / "Pulumi.dev.yaml").write_text("config: {theirs:images: '{'}\n")
    name = commit(project)
    write_stack(project, ["nginx:1.25"])
    reason = since().not_compared or ""
    assert f"fails with the configuration of {name}: JSONDecodeError" in reason


def test_what_the_program_says_of_a_state_that_is_gone_is_not_shown(
    project: Path,
    since: Since,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    program = f"{PROGRAM}\npulumi.log.warn('logged')\n"
    (project / "__main__.py").write_text(program)
    commit(project)
    write_stack(project, ["nginx:1.26"])
    assert only(since()).retagged
    assert capsys.readouterr() == ("", "the program prints\n")
    assert [record.getMessage() for record in caplog.records].count("logged") == 1


def test_a_stack_file_that_is_new_has_nothing_to_be_compared_with(
    project: Path, since: Since
) -> None:
    (project / "Pulumi.dev.yaml").rename(project / "Pulumi.prod.yaml")
    name = commit(project)
    write_stack(project, ["nginx:1.25"])
    assert since() == Changes(since=name, pools=(), not_compared=f"{name} has no Pulumi.dev.yaml")


def test_a_folder_in_no_repository_is_not_compared(since: Since) -> None:
    assert "not a git repository" in (since().not_compared or "")


def test_a_repository_without_commits_is_not_compared(project: Path, since: Since) -> None:
    git(project, "init", "--quiet")
    assert since().not_compared == "the git repository has no commit HEAD"


@pytest.mark.parametrize("revision", ["nothing", "--output=stolen", "HEAD\nHEAD", "a b", ""])
def test_what_is_no_revision_is_not_compared_and_no_option(
    revision: str, project: Path, since: Since
) -> None:
    commit(project)
    changes = since(revision)
    assert changes.since == revision
    assert changes.not_compared
    assert not (project / "stolen").exists()


def test_without_git_nothing_is_compared(
    project: Path, since: Since, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commit(project)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert since().not_compared == "git is not installed"
