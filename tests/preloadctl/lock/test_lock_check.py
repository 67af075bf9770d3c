"""`--check` finds every difference and writes nothing; `--update` asks for some images alone."""

from tests.preloadctl.lock.registry_server import RegistryServer, Response
from tests.preloadctl.lock.stack_project import LARGE, SMALL, Stack, push


def test_check_names_every_difference_and_writes_nothing(
    registry: RegistryServer, stack: Stack
) -> None:
    web, api = push(registry, "web", "1", SMALL), push(registry, "api", "2", LARGE)
    stack.write({"images": [web]})
    advice = (
        "preloadctl: Pulumi.dev.lock.yaml is out of date; "
        "run `preloadctl lock --stack dev` and commit the file\n"
    )
    result = stack.run("--check")
    assert (result.code, result.err) == (1, advice)
    assert not stack.path.exists()
    stack.run()
    before = stack.path.read_bytes()
    stack.write({"images": [api]})
    result = stack.run("--check")
    assert (result.code, result.err) == (1, advice)
    assert f"added     {api}" in result.out
    assert f"dropped   {web}" in result.out
    assert stack.path.read_bytes() == before


def test_check_tells_a_registry_that_fails_from_a_file_out_of_date(
    registry: RegistryServer, stack: Stack
) -> None:
    web = push(registry, "web", "1", SMALL)
    stack.write({"images": [web]})
    stack.run()
    registry.always("/v2/web/manifests/1", Response(404))
    result = stack.run("--check")
    assert result.code == 1
    assert "1 of 1 images could not be locked" in result.err
    assert "out of date" not in result.err


def test_check_finds_a_file_that_was_edited(registry: RegistryServer, stack: Stack) -> None:
    stack.write({"images": [push(registry, "web", "1", SMALL)]})
    stack.run()
    stack.path.write_text(stack.path.read_text() + "# mine\n")
    assert stack.run("--check").code == 1


def test_update_asks_for_the_named_images_alone(registry: RegistryServer, stack: Stack) -> None:
    web, api = push(registry, "web", "1", SMALL), push(registry, "api", "2", SMALL)
    stack.write({"images": [web, api]})
    stack.run()
    push(registry, "web", "1", LARGE)
    push(registry, "api", "2", LARGE)
    new = push(registry, "new", "1", SMALL)
    stack.write({"images": [web, api, new]})
    registry.requests.clear()
    result = stack.run("--update", web)
    assert result.code == 0
    assert "1 retagged, 1 unchanged" in result.out
    assert f"not there {new}" in result.out
    assert not [path for path in registry.paths() if "/api/" in path or "/new/" in path]
    assert stack.run("--update", new).code == 0
    assert stack.locked() == {web, api, new}


def test_update_takes_images_of_the_stack_alone_and_names_them(
    registry: RegistryServer, stack: Stack
) -> None:
    stack.write({"images": ["nginx:1.25", "redis:7"]})
    for name in ("nginx:1.26", "Not a reference"):
        result = stack.run("--update", name)
        assert result.code == 1
        assert result.err == (
            f"preloadctl: --update: no pool of the stack lists {name}; its images are:\n"
            "  nginx:1.25\n  redis:7\n"
        )
    web = push(registry, "web", "latest", SMALL)
    stack.write({"images": [web]})
    # However it is written.
    assert stack.run("--update", web.removesuffix(":latest")).code == 0


def test_a_check_of_some_images_finds_others_that_are_not_there(
    registry: RegistryServer, stack: Stack
) -> None:
    web = push(registry, "web", "1", SMALL)
    stack.write({"images": [web]})
    stack.run()
    assert stack.run("--check", "--update", web).code == 0
    new = push(registry, "new", "1", SMALL)
    stack.write({"images": [web, new]})
    result = stack.run("--check", "--update", web)
    assert result.code == 1
    assert f"not there {new}" in result.out
    assert "is out of date" in result.err
