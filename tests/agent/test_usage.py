"""Which image a container means, by whatever name it has for it."""

import pytest

from preloader.agent.cri.messages import Image
from preloader.agent.retention.usage import Usage, find_usage

HEX = "1" * 64
DIGEST = "sha256:" + "d" * 64
NGINX = Image(
    f"sha256:{HEX}",
    ("docker.io/library/nginx:1.25", "reg.local:5000/web:1"),
    (f"docker.io/library/nginx@{DIGEST}",),
)
OTHER = Image("sha256:" + "2" * 64, ("docker.io/library/redis:7",))


def used(*names: str) -> Usage:
    return find_usage([NGINX, OTHER], [("user", names)], [])


@pytest.mark.parametrize(
    "name",
    [
        f"sha256:{HEX}",
        HEX,
        "docker.io/library/nginx:1.25",
        "nginx:1.25",
        "index.docker.io/library/nginx:1.25",
        "reg.local:5000/web:1",
        f"docker.io/library/nginx@{DIGEST}",
        f"nginx@{DIGEST}",
        f"nginx:1.25@{DIGEST}",
        # Another repository, or a tag that has moved: the digest says which image it is.
        f"mirror.example/nginx:9@{DIGEST}",
        DIGEST,
        DIGEST.removeprefix("sha256:"),
    ],
)
def test_an_image_is_known_by_each_of_its_names(name: str) -> None:
    assert used(name) == Usage(containers={NGINX.id: "user"})


@pytest.mark.parametrize(
    "name", ["nginx:1.2", "nginx:1.255", "nginx", "nginx-proxy:1.25", "library/redis", "9" * 64]
)
def test_a_name_is_never_taken_for_a_part_of_another(name: str) -> None:
    assert used(name) == Usage()


def test_names_of_several_images_mean_all_of_them() -> None:
    # A tag that has moved on since the container was made.
    assert set(used(NGINX.id, "redis:7").containers) == {NGINX.id, OTHER.id}


@pytest.mark.parametrize("names", [(), ("",), ("Not A Name",), ("", "::")])
def test_a_user_without_a_name_that_makes_sense_is_unknown(names: tuple[str, ...]) -> None:
    assert used(*names) == Usage(unknown=("user",))


def test_one_name_that_makes_sense_is_enough() -> None:
    assert used("Not A Name", "redis:7") == Usage(containers={OTHER.id: "user"})


def test_sandboxes_are_told_apart_from_containers() -> None:
    usage = find_usage([NGINX, OTHER], [("app", (OTHER.id,))], [("pod", (NGINX.id,)), ("x", ())])
    assert usage == Usage({OTHER.id: "app"}, {NGINX.id: "pod"}, ("x",))


def test_the_user_who_is_named_does_not_depend_on_the_order() -> None:
    users = [("b", (NGINX.id,)), ("a", (NGINX.id,)), ("c", (NGINX.id,))]
    assert find_usage([NGINX], users, []) == find_usage([NGINX], users[::-1], [])
    assert find_usage([NGINX], users, []).containers == {NGINX.id: "a"}


def test_an_image_with_an_unreadable_name_is_found_by_its_id() -> None:
    odd = Image("3" * 64, ("Not A Name",))
    assert find_usage([odd], [("user", ("3" * 64,))], []).containers == {odd.id: "user"}
