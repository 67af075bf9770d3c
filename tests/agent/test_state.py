"""What the agent remembers: it survives a restart, and never makes it remove more."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from preloader.agent import files, state
from preloader.agent.state import Memory


def open_memory(folder: Path, *images: str, pool: str = "web") -> Memory:
    """As an agent does when it starts."""
    memory = Memory(str(folder), pool)
    memory.load()
    memory.use_list(images)
    memory.save()
    return memory


def test_at_first_there_is_no_previous_list(tmp_path: Path) -> None:
    memory = open_memory(tmp_path, "b", "a")
    assert (memory.current, memory.previous, memory.last_run) == (("a", "b"), (), None)
    assert memory.lists_known
    assert memory.problems == {}


def test_a_list_that_differs_makes_the_one_before_it_previous(tmp_path: Path) -> None:
    open_memory(tmp_path, "a", "b")
    assert open_memory(tmp_path, "a", "c").previous == ("a", "b")


def test_a_restart_with_the_same_list_keeps_the_previous_one(tmp_path: Path) -> None:
    open_memory(tmp_path, "a", "b")
    open_memory(tmp_path, "a", "c")
    assert open_memory(tmp_path, "c", "a", "a").previous == ("a", "b")


def test_an_empty_list_is_replaced_without_a_trace(tmp_path: Path) -> None:
    open_memory(tmp_path, "a")
    assert open_memory(tmp_path).previous == ("a",)
    assert open_memory(tmp_path, "b").previous == ("a",)


def test_the_last_run_is_remembered(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    memory.last_run = 1234.5
    memory.save()
    assert open_memory(tmp_path).last_run == 1234.5


def test_when_an_image_appeared_is_remembered_within_one_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "boot_id", lambda: "this boot")
    memory = open_memory(tmp_path)
    memory.note_images(["old"], now=1000)
    memory.save()
    later = open_memory(tmp_path)
    later.note_images(["old", "new"], now=1500)
    assert later.ages(1600) == {"old": 600, "new": 100}


def test_after_a_reboot_an_image_is_at_least_as_old_as_the_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "boot_id", lambda: "earlier boot")
    memory = open_memory(tmp_path)
    memory.note_images(["old"], now=1_000_000)
    memory.save()
    monkeypatch.setattr(state, "boot_id", lambda: "this boot")
    later = open_memory(tmp_path)
    later.note_images(["old"], now=60)
    assert later.ages(90) == {"old": 90}


def test_reboots_change_nothing_in_the_order_in_which_images_appeared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "boot_id", lambda: "first boot")
    memory = open_memory(tmp_path)
    memory.note_images(["a"], now=1000)
    memory.note_images(["a", "b"], now=1500)
    memory.save()
    for boot in ("second boot", "third boot"):
        monkeypatch.setattr(state, "boot_id", lambda boot=boot: boot)
        memory = open_memory(tmp_path)
        memory.note_images(["a", "b", boot], now=60)
        memory.save()
    ages = memory.ages(90)
    assert ages == {"a": 650, "b": 150, "third boot": 30}


@pytest.mark.parametrize("seen", ["Infinity", "-Infinity", "NaN", "1e300", "-1e300"])
def test_an_impossible_time_makes_no_other_image_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: str
) -> None:
    content = json.dumps({**GOOD, "first_seen": {"a": 1, "odd": "odd"}}).replace(
        '"odd"}', seen + "}"
    )
    (tmp_path / "web.json").write_text(content)
    memory = open_memory(tmp_path)
    memory.note_images(["a", "odd"], now=60)
    assert memory.ages(90)["a"] < 200


@pytest.mark.parametrize(("before", "now"), [("", ""), ("", "this boot"), ("this boot", "")])
def test_where_the_boot_cannot_be_told_no_age_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, now: str
) -> None:
    monkeypatch.setattr(state, "boot_id", lambda: before)
    memory = open_memory(tmp_path)
    memory.note_images(["old"], now=1000)
    memory.save()
    monkeypatch.setattr(state, "boot_id", lambda: now)
    assert open_memory(tmp_path).first_seen == {}


def test_a_time_in_the_future_makes_no_image_old(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    memory.first_seen = {"future": 2000.0, "nothing": float("nan"), "negative": -1e12}
    memory.note_images(["future", "nothing", "negative"], now=1000)
    assert set(memory.ages(1000).values()) == {0}


def test_an_image_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    memory.note_images(["a", "b"], now=10)
    memory.note_images(["b"], now=20)
    memory.note_images(["a", "b"], now=30)
    assert memory.ages(30) == {"a": 0, "b": 20}


GOOD = {
    "format": 1,
    "current": ["a"],
    "previous": [],
    "last_run": 5,
    "boot_id": "x",
    "first_seen": {"a": 1},
}
BROKEN = {
    "empty": b"",
    "cut": json.dumps(GOOD).encode()[:-9],
    "not text": b"\xff\xfe",
    "too deep": b"[" * 100_000,
    **{
        name: json.dumps(value).encode()
        for name, value in {
            "a list": [],
            "nothing": None,
            "another format": {**GOOD, "format": 2},
            "no lists": {"format": 1},
            "current no list": {**GOOD, "current": "a"},
            "previous no list": {**GOOD, "previous": 5},
            "run no number": {**GOOD, "last_run": "x"},
            "run in year 99999": {**GOOD, "last_run": 1e15},
            "run before 1970": {**GOOD, "last_run": -1},
            "run never": {**GOOD, "last_run": float("nan")},
            "seen no object": {**GOOD, "first_seen": [1]},
            "seen no number": {**GOOD, "first_seen": {"a": "x"}},
            "run of 401 digits": {**GOOD, "last_run": 10**400},
            "seen of 401 digits": {**GOOD, "first_seen": {"a": 10**400}},
            "format of 401 digits": {**GOOD, "format": 10**400},
        }.items()
    },
    "a number of 5,000 digits": b'{"format": ' + b"1" * 5000 + b"}",
    "too large": b" " * (files.MOST_BYTES + 1),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_a_problem_and_makes_the_previous_list_unknown(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "web.json").write_bytes(content)
    memory = open_memory(tmp_path, "a")
    assert "read" in memory.problems
    assert memory.previous is None
    assert not memory.lists_known
    # The file is whole again, and what was unknown stays so until the list changes.
    again = open_memory(tmp_path, "a")
    assert again.problems == {}
    assert not again.lists_known
    assert open_memory(tmp_path, "b").previous == ("a",)


def test_a_file_that_nobody_writes_to_does_not_make_it_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "web.json")
    os.mkfifo(tmp_path / "other.json")
    memory = open_memory(tmp_path, "a")
    assert memory.problems["read"].endswith("web.json: no regular file")
    assert not memory.lists_known
    assert memory.lists_of_other_pools() == ()


def test_a_directory_in_place_of_the_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "web.json").mkdir()
    memory = open_memory(tmp_path, "a")
    assert set(memory.problems) == {"read", "write"}
    assert not memory.lists_known


def test_a_directory_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    memory = open_memory(tmp_path / "none", "a")
    assert set(memory.problems) == {"read", "write"}
    assert not memory.lists_known
    assert memory.current == ("a",)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one page, which is used."""
    folder = tmp_path / "full"
    folder.mkdir()
    if os.system(f"mount -t tmpfs -o size=4k tmpfs {folder}") != 0:  # noqa: S605
        pytest.skip("cannot mount")
    (folder / "data").write_bytes(bytes(4096))
    yield folder
    os.system(f"umount {folder}")  # noqa: S605


def test_a_full_disk_is_a_problem_and_leaves_the_memory_as_it_was(full_disk: Path) -> None:
    memory = open_memory(full_disk, "a")
    assert "No space left" in memory.problems["write"]
    # What this process knows it knows, whether it is written or not.
    assert memory.lists_known
    assert memory.current == ("a",)
    assert [file.name for file in full_disk.iterdir()] == ["data"]
    (full_disk / "data").unlink()
    memory.save()
    assert memory.problems == {}
    assert memory.lists_known


def test_a_file_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_memory(tmp_path, "a")

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    assert "Input/output error" in open_memory(tmp_path, "b").problems["write"]
    monkeypatch.undo()
    assert open_memory(tmp_path, "a").previous == ()


def test_pools_on_one_node_remember_apart_and_keep_each_other_s_images(tmp_path: Path) -> None:
    open_memory(tmp_path, "a1", pool="a")
    a = open_memory(tmp_path, "a2", pool="a")
    b = open_memory(tmp_path, "b", pool="b")
    assert a.previous == ("a1",)
    assert b.lists_of_other_pools() == ("a1", "a2")
    assert a.lists_of_other_pools() == ("b",)


def test_a_pool_that_does_not_know_its_previous_list_keeps_its_current_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.json").write_text("{")
    open_memory(tmp_path, "a", pool="a")
    assert open_memory(tmp_path, "b", pool="b").lists_of_other_pools() == ("a",)


def test_a_pool_that_is_long_gone_keeps_nothing(tmp_path: Path) -> None:
    open_memory(tmp_path, "a", pool="a")
    b = open_memory(tmp_path, "b", pool="b")
    stat = (tmp_path / "a.json").stat()
    for days, expected in ((6, ("a",)), (8, ())):
        then = stat.st_mtime - days * 86_400
        os.utime(tmp_path / "a.json", (then, then))
        assert b.lists_of_other_pools() == expected


def test_another_pool_s_broken_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "c.json").write_text("[]")
    open_memory(tmp_path, "d", pool="d")
    assert open_memory(tmp_path, "b", pool="b").lists_of_other_pools() == ("d",)


def test_the_boot_is_told_by_the_kernel() -> None:
    assert len(state.boot_id()) == 36
