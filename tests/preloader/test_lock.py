"""The lock file reads as it was written, changes where its content does, and refuses the rest."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preloader.layers import MAX_LAYER_BYTES
from preloader.lock import (
    HEADER,
    Lock,
    LockedImage,
    LockedPlatform,
    lock_path,
    lock_text,
    locking,
    parse_lock,
    platform_key,
    read_lock,
)
from preloader.problems import InvalidInput


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def locked(number: int, *architectures: str) -> LockedImage:
    layers = {digest(each): each for each in range(number, number + 3)}
    return LockedImage(
        digest(number), {platform_key(each): LockedPlatform(digest(9), layers)
                         for each in architectures or ("amd64",)}
    )  # fmt: skip


IMAGE = f"""  nginx:1.25:
    digest: {digest(1)}
    platforms:
      linux/amd64:
        digest: {digest(9)}
        size_bytes: 6
        layers:
          {digest(1)}: 1
          {digest(2)}: 2
          {digest(3)}: 3
"""
EXAMPLE = f"{HEADER}version: 1\nimages:\n{IMAGE}"
ALIASES = "a: &a [x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in itertools.pairwise("abcdefghij")
)


def test_the_text_is_for_a_person_to_review() -> None:
    assert lock_text(Lock({"nginx:1.25": locked(1)})) == EXAMPLE


def test_an_image_more_is_its_own_lines_more() -> None:
    before = {f"app-{number}": locked(number) for number in range(5)}
    few = lock_text(Lock(before)).splitlines()
    many = lock_text(Lock({"app-2-more": locked(1), **before})).splitlines()
    start = many.index("  app-2-more:")
    assert many[:start] + many[start + 10 :] == few


def test_platforms_are_in_one_order() -> None:
    either = [Lock({"a": locked(1, *each)}) for each in (("arm64", "amd64"), ("amd64", "arm64"))]
    assert lock_text(either[0]) == lock_text(either[1])


def test_a_long_reference_stays_on_one_line() -> None:
    name = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/{'team/' * 30}app@{digest(1)}"
    lock = Lock({name: locked(1)})
    assert f"\n  {name}:\n" in lock_text(lock)
    assert parse_lock(lock_text(lock), "file") == lock


references = st.from_regex(r"[a-z0-9]{1,9}(:[0-9.a-z]{1,9})?", fullmatch=True)
digests = st.integers(min_value=0, max_value=2**256 - 1).map(digest)
platforms = st.builds(
    LockedPlatform, digests, st.dictionaries(digests, st.integers(0, MAX_LAYER_BYTES), max_size=3)
)
images = st.builds(
    LockedImage,
    digests,
    st.dictionaries(st.sampled_from(["linux/amd64", "linux/arm64"]), platforms),
)


@given(st.dictionaries(references, images, max_size=4))
def test_what_is_written_is_read_again(content: dict[str, LockedImage]) -> None:
    lock = Lock(content)
    text = lock_text(lock)
    assert parse_lock(text, "file") == lock
    assert lock_text(parse_lock(text, "file")) == text
    assert lock_text(Lock(dict(reversed(content.items())))) == text


def test_a_stack_without_a_lock_file_has_no_sizes(tmp_path: Path) -> None:
    lock = read_lock(tmp_path / lock_path("dev"))
    assert lock == Lock()
    assert lock.image_layers_bytes(["nginx:1.25"], "amd64") == {}


def test_layers_are_those_of_the_architecture_and_of_the_images_asked_for() -> None:
    lock = Lock({"a": locked(1, "amd64", "arm64"), "b": locked(2), "c": locked(3)})
    assert set(lock.image_layers_bytes(["a", "b", "unknown"], "amd64")) == {"a", "b"}
    assert lock.image_layers_bytes(["a", "b"], "arm64") == {
        "a": {digest(1): 1, digest(2): 2, digest(3): 3}
    }


def test_while_locking_every_image_counts_as_locked_and_no_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "lock.yaml"
    path.write_text("broken: [")
    with locking():
        layers = read_lock(path).image_layers_bytes(["a", "b"], "arm64")
    assert set(layers) == {"a", "b"}
    assert all(sum(sizes.values()) > 0 for sizes in layers.values())
    with pytest.raises(InvalidInput):
        read_lock(path)


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        (EXAMPLE, "", "line 1: null: is no lock file"),
        (EXAMPLE, "[]", "line 1: []: is no lock file"),
        ("  nginx", "<<<<<<< HEAD\n  nginx", "line 5: null: is no YAML"),
        ("version: 1", "version: 2", "version: 2: must be 1"),
        ("version: 1\n", "", "version: null: must be 1"),
        ("images:", "pictures:", "pictures: "),
        ("images:", "pictures:", "images: null: must be a map"),
        (f"digest: {digest(1)}", "digest: sha256:12", 'images.nginx:1.25.digest: "sha256:12"'),
        ("platforms:", "platform:", "images.nginx:1.25.platform: "),
        (f"digest: {digest(9)}", "digest: 9", "platforms.linux/amd64.digest: 9: must be a digest"),
        ("size_bytes: 6", "size_bytes: 7", "size_bytes: 7: must be 6, as the layers add up to"),
        (f"{digest(3)}: 3", f"{digest(3)}: -3", f"layers.{digest(3)}: -3: must be a number of"),
        (f"{digest(3)}: 3", f"{digest(3)}: true", f"layers.{digest(3)}: true: must be a number of"),
        (f"{digest(3)}: 3", f"{digest(3)}: 1{'0' * 400}", f"layers.{digest(3)}: "),
        (f"{digest(3)}: 3", f"{digest(3)}: 1099511627777", f"layers.{digest(3)}: 1099511627777: "),
        (f"{digest(3)}: 3", f"{digest(2)}: 3", "line 13: null: is no YAML (the key "),
        ("images:\n", f"images:\n{IMAGE}", "line 14: null: is no YAML (the key 'nginx:1.25' "),
        ("images:", "images: &a {x: *a}\nrest:", "contains itself"),
        (EXAMPLE, f"version: 1\nimages: {'[' * 5000}", "line 2: null: is no YAML"),
        (EXAMPLE, ALIASES, "is no YAML (stands for more than"),
        (f"{digest(3)}: 3", "three: 3", 'layers.three: "three": must be a digest'),
    ],
)
def test_an_edited_file_is_refused_with_the_place(
    tmp_path: Path, before: str, after: str, place: str
) -> None:
    path = tmp_path / "lock.yaml"
    path.write_text(EXAMPLE.replace(before, after, 1))
    with pytest.raises(InvalidInput) as caught:
        read_lock(path)
    assert place in str(caught.value)


def test_layers_and_images_that_are_no_maps_are_refused() -> None:
    lines = EXAMPLE.splitlines(keepends=True)
    for number, place in ((3, "images.nginx:1.25"), (5, ".platforms"), (6, ".linux/amd64"),
                          (9, ".layers")):  # fmt: skip
        text = "".join(lines[: number + 1]).rstrip() + " 3\n"
        with pytest.raises(InvalidInput) as caught:
            parse_lock(text, "file")
        assert f"{place}: 3: must be a map" in str(caught.value), text


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lock.yaml"
    path.write_bytes(EXAMPLE.encode() + b"# \xe4\n")
    with pytest.raises(InvalidInput, match="is no YAML"):
        read_lock(path)
