"""`preloadctl lock` writes what registries say, keeps what it cannot ask, and says what it did."""

import os
import stat

import pytest

from preloader import HelperImagesArgs
from preloader.lock import HEADER, read_lock
from tests.preloadctl.lock.registry_server import RegistryServer, Response
from tests.preloadctl.lock.stack_project import LARGE, SMALL, Result, Stack, push


def short(digest: str) -> str:
    return digest[:19]


def test_a_first_run_writes_each_image_for_the_architectures_of_its_pools(
    registry: RegistryServer, stack: Stack
) -> None:
    web, api = push(registry, "web", "1", SMALL), push(registry, "api", "2", SMALL, LARGE)
    stack.write(
        {"images": [web, api]},
        {"images": [web], "node_labels": {"kubernetes.io/arch": "arm64"}},
    )
    result = stack.run()
    assert result == Result(
        0,
        f"""Pulumi.dev.lock.yaml:
  2 added
  added     {api}  linux/amd64: 4.0 MiB
  added     {web}
            linux/amd64: 1.0 MiB
            linux/arm64: 1.0 MiB
""",
        "",
    )
    images = read_lock(stack.path).images
    assert list(images) == sorted(images) == [api, web]
    assert set(images[api].platforms) == {"linux/amd64"}
    assert set(images[web].platforms) == {"linux/amd64", "linux/arm64"}
    assert stack.path.read_text().startswith(HEADER)
    assert stat.S_IMODE(stack.path.stat().st_mode) == 0o644


def test_a_second_run_leaves_the_file_untouched(registry: RegistryServer, stack: Stack) -> None:
    stack.write({"images": [push(registry, "web", "1", SMALL)]})
    stack.run()
    os.utime(stack.path, (1, 1))
    assert stack.run().out == "Pulumi.dev.lock.yaml:\n  1 unchanged\n"
    assert stack.path.stat().st_mtime == 1
    assert stack.run("--check") == Result(0, "Pulumi.dev.lock.yaml:\n  1 unchanged\n", "")


def test_what_changed_is_shown_with_digests_and_sizes(
    registry: RegistryServer, stack: Stack
) -> None:
    web, api = push(registry, "web", "1", SMALL), push(registry, "api", "2", SMALL, LARGE)
    stack.write({"images": [web, api]})
    stack.run()
    old = read_lock(stack.path).images
    push(registry, "web", "1", SMALL, LARGE)
    new = push(registry, "new", "1", SMALL)
    stack.write({"images": [web, new]})
    result = stack.run()
    digest = read_lock(stack.path).images[web].digest
    assert (
        result.out
        == f"""Pulumi.dev.lock.yaml:
  1 added, 1 retagged, 1 dropped
  added     {new}  linux/amd64: 1.0 MiB
  retagged  {web}
            {short(old[web].digest)} -> {short(digest)}
            linux/amd64: 4.0 MiB (+3.0 MiB)
  dropped   {api}
"""
    )
    assert stack.locked() == {web, new}


def test_another_architecture_of_a_pool_is_a_change(registry: RegistryServer, stack: Stack) -> None:
    web = push(registry, "web", "1", SMALL)
    stack.write({"images": [web]})
    stack.run()
    stack.write({"images": [web], "node_labels": {"kubernetes.io/arch": "arm64"}})
    assert (
        stack.run().out
        == f"""Pulumi.dev.lock.yaml:
  1 changed
  changed   {web}
            linux/amd64: no longer needed
            linux/arm64: 1.0 MiB
"""
    )


def test_what_fails_keeps_what_is_known_and_is_named(
    registry: RegistryServer, stack: Stack
) -> None:
    web, api = push(registry, "web", "1", SMALL), push(registry, "api", "2", LARGE)
    stack.write({"images": [web, api]})
    stack.run()
    before = read_lock(stack.path).images[web]
    registry.always("/v2/web/manifests/1", Response(404))
    push(registry, "api", "2", SMALL)
    gone = f"{registry.host}/gone:1"
    stack.write({"images": [web, api, gone]})
    result = stack.run()
    assert result.code == 1
    assert "1 retagged, 1 unchanged" in result.out
    assert (
        result.err
        == f"""preloadctl: 2 of 3 images could not be locked:
  {gone}
    {registry.host} has no tag 1 of gone
    correct the reference, or push the image
  {web}
    {registry.host} has no tag 1 of web
    correct the reference, or push the image
    what was locked before stays
"""
    )
    assert stack.locked() == {web, api}
    assert read_lock(stack.path).images[web] == before


def test_where_nothing_is_known_nothing_is_written(registry: RegistryServer, stack: Stack) -> None:
    stack.write({"images": [f"{registry.host}/gone:1"]})
    assert stack.run().code == 1
    assert {path.name for path in stack.folder.iterdir()} == {
        "Pulumi.yaml", "Pulumi.dev.yaml", "__main__.py"
    }  # fmt: skip


def test_the_file_is_in_the_folder_of_the_program(registry: RegistryServer, stack: Stack) -> None:
    stack.write({"images": [push(registry, "web", "1", SMALL)]})
    (stack.folder / "infra").mkdir()
    (stack.folder / "__main__.py").rename(stack.folder / "infra/__main__.py")
    (stack.folder / "Pulumi.yaml").write_text("name: theirs\nruntime: python\nmain: infra\n")
    assert stack.run().code == 0
    assert (stack.folder / "infra/Pulumi.dev.lock.yaml").exists()
    assert not stack.path.exists()


def test_a_program_that_needs_the_lock_is_run_before_there_is_one(
    registry: RegistryServer, stack: Stack
) -> None:
    web = push(registry, "web", "1", SMALL)
    (stack.folder / "__main__.py").write_text(
        "from preloader import ImagePreloader\n"
        "from preloader.lock import lock_path, read_lock\n"
        f"layers = read_lock(lock_path('dev')).image_layers_bytes([{web!r}], 'amd64')\n"
        f"assert layers[{web!r}]\n"
        f"ImagePreloader('web', {{'namespace': 'apps', 'images': [{web!r}],\n"
        f"    'helper_images': {{'busybox': {web!r}, 'python': {web!r}}}}})\n"
    )
    assert stack.run().code == 0


def test_the_images_that_pods_run_beside_are_locked_and_pinned_by_their_index(
    registry: RegistryServer, stack: Stack
) -> None:
    web, *helpers = (push(registry, name, "1", SMALL) for name in ("web", "box", "py", "pause"))
    names = dict(zip(("busybox", "python", "pause"), helpers, strict=True))
    (stack.folder / "__main__.py").write_text(
        "from preloader import ImageCleanup, ImagePreloader, lock_path, read_lock\n"
        f"helpers = read_lock(lock_path('dev')).helper_images({names!r})\n"
        "ImageCleanup('other', {'namespace': 'apps', 'helper_images': helpers})\n"
        f"ImagePreloader('web', {{'namespace': 'apps', 'images': [{web!r}],\n"
        "    'helper_images': helpers, 'preload': {'mode': 'init'}})\n"
    )
    assert stack.run().code == 0
    assert stack.locked() == {web, *helpers}
    locked = read_lock(stack.path)
    pinned = locked.helper_images(HelperImagesArgs(**names))
    assert pinned == {key: f"{name}@{locked.images[name].digest}" for key, name in names.items()}
    # The program hands over what is pinned already, and the tag is asked for all the same.
    push(registry, "py", "1", LARGE)
    result = stack.run("--check")
    assert (result.code, "py:1" in result.out) == (1, True)


def test_a_stack_without_preloaders_and_a_broken_lock_file_are_refused(stack: Stack) -> None:
    stack.write()
    assert "registers no ImagePreloader" in stack.run().err
    stack.write({"images": ["nginx:1.25"]})
    stack.path.write_text("<<<<<<< HEAD\n")
    result = stack.run()
    assert result.code == 1
    assert "delete it and lock anew" in result.err
    assert stack.path.read_text() == "<<<<<<< HEAD\n"


def test_what_a_lock_file_or_a_registry_says_moves_no_cursor(
    registry: RegistryServer, stack: Stack
) -> None:
    web, api = push(registry, "web", "1", SMALL), f"{registry.host}/api:1"
    stack.write({"images": [web]})
    stack.run()
    text = stack.path.read_text()
    stack.path.write_text(text.replace(f"  {web}:", f'  "{web}\\e[2J\\r\\N\\u202e":'))
    served = Response(body=b"{}", headers={"Content-Type": "a/b\x1b[2J"})
    registry.always("/v2/api/manifests/1", served)
    stack.write({"images": [api]})
    result = stack.run()
    assert result.code == 1
    assert rf"dropped   {web}\x1b[2J\r\x85\u202e" in result.out
    assert r"is a/b\x1b[2j, and no image" in result.err
    assert all(line.isprintable() for line in f"{result.out}{result.err}".split("\n"))


@pytest.mark.parametrize(
    "arguments",
    [("--concurrency", "0"), ("--concurrency", "many"), ("--timeout-seconds", "0")],
)
def test_numbers_out_of_range_are_refused(
    stack: Stack, capsys: pytest.CaptureFixture[str], arguments: tuple[str, str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        stack.run(*arguments)
    assert "must be from" in capsys.readouterr().err
