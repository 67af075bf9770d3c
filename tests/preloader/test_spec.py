"""The inputs of `ImagePreloader`: their defaults, every mistake in them, the names they give."""

import re
from typing import cast

import pytest

from preloader.args import ImagePreloaderArgs, PreloadMode, Rollout, Tolerate
from preloader.images import parse_reference
from preloader.problems import InvalidInput
from preloader.spec import PreloadedImage, preloader_spec, preloader_warnings

DIGEST = "sha256:" + "a" * 64


def args(*images: str, **others: object) -> ImagePreloaderArgs:
    return cast("ImagePreloaderArgs", {"namespace": "n", "images": list(images), **others})


def name(text: str) -> str:
    return PreloadedImage(text, parse_reference(text), None).container_name


def test_defaults() -> None:
    spec = preloader_spec("web", args(*(f"app:{version}" for version in range(9))))
    assert (spec.mode, spec.rollout, spec.placement.tolerate) == (
        PreloadMode.HOLD,
        Rollout.DETACHED,
        Tolerate.POOL_TAINTS,
    )
    assert len(spec.lanes) == 4
    assert spec.helper_images.busybox == "busybox:1.37.0-musl"


def test_pods_use_the_very_string_that_is_written() -> None:
    (lane,) = preloader_spec("web", args("nginx")).lanes
    assert lane[0].written == "nginx"


BAD_INPUTS = {
    "images": (args(), "at least one"),
    "images ": (args(*(f"a:{n}" for n in range(801))), "at most 800: 200 in each of the pool's 4"),
    "cleanup.protect": (
        args(*(f"a.test/{'a' * 200}/b:{n}" for n in range(1000)), preload={"lanes": 16}),
        "with the pool's 1000 images; a ConfigMap has room for",
    ),
    "images[0]": (args("Nginx"), "lower case"),
    "images[2]": (args("a:1", "nginx", "docker.io/library/nginx:latest"), "images[1]"),
    "images[1]": (args(f"a:1@{DIGEST}", f"a@{DIGEST}"), "same image"),
    "image_sizes_bytes.b": (args("a", image_sizes_bytes={"b": 1}), "does not list"),
    "image_sizes_bytes.a": (args("a", image_sizes_bytes={"a": 0}), "from 1 to 1099511627776"),
    "node_labels.-x": (args("a", node_labels={"-x": "1"}), "key '-x'"),
    "node_labels.x": (args("a", node_labels={"x": "a b"}), "letters, digits"),
    "node_labels.A_b/x": (args("a", node_labels={"A_b/x": "1"}), "DNS name"),
    "node_taints[0].key": (args("a", node_taints=[{"key": "", "effect": "NoSchedule"}]), "key ''"),
    "node_taints[0].value": (
        args("a", node_taints=[{"key": "k", "value": "-", "effect": "NoSchedule"}]),
        "letters",
    ),
    "node_taints[0].effect": (args("a", node_taints=[{"key": "k", "effect": "No"}]), "NoExecute"),
    "node_taints[1]": (args("a", node_taints=[{"key": "k", "effect": "NoExecute"}] * 2), "one"),
    "tolerate": (args("a", tolerate="nothing"), "pool_taints, everything"),
    "preload.mode": (args("a", preload={"mode": "pull"}), "hold, init"),
    "preload.lanes": (args("a", preload={"lanes": 0}), "from 1 to 16"),
    "preload.rollout": (args("a", preload={"rollout": "now"}), "detached, await"),
    "preload.rollout_timeout_seconds": (
        args("a", preload={"rollout_timeout_seconds": 0}),
        "from 1 to",
    ),
    "preload.lane": (args("a", preload={"lane": 2}), "unknown key"),
    "image_pull_secrets[0]": (args("a", image_pull_secrets=["A"]), "lower-case"),
    "helper_images.pause": (args("a", helper_images={"pause": "a b"}), "repository"),
    "imagse": (args("a", imagse=[]), "unknown key"),
}


@pytest.mark.parametrize("path", BAD_INPUTS)
def test_bad_input_is_refused_by_path_value_and_what_is_accepted(path: str) -> None:
    wrong, accepted = BAD_INPUTS[path]
    with pytest.raises(InvalidInput) as caught:
        preloader_spec("web", wrong)
    (problem,) = caught.value.problems
    assert problem.path == path.strip()
    assert accepted in problem.accepted
    assert str(problem) in str(caught.value)


@pytest.mark.parametrize("pool", ["", "Web", "web_1", "-web", "w" * 42])
def test_a_pool_name_that_cannot_name_its_objects_is_refused(pool: str) -> None:
    with pytest.raises(InvalidInput, match=r"must be lower-case|at most 41"):
        preloader_spec(pool, args("a"))


def test_the_longest_pool_name_leaves_room_for_pod_names() -> None:
    pool = "w" * 41
    preloader_spec(pool, args("a"))
    assert len(f"{pool}-lane-15-a1b2c3d-x1y2z") <= 63


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        preloader_spec("Web", args("A", "B", preload={"lanes": 99}))
    assert {problem.path for problem in caught.value.problems} == {
        "",
        "images[0]",
        "images[1]",
        "preload.lanes",
    }


@pytest.mark.parametrize(
    ("image", "advice"),
    [
        ("nginx", "imagePullPolicy: IfNotPresent"),
        ("nginx:latest", "imagePullPolicy: IfNotPresent"),
        (f"nginx:1@{DIGEST}", f"docker.io/library/nginx@{DIGEST} alone"),
    ],
)
def test_an_image_that_its_users_may_still_pull_is_warned_of(image: str, advice: str) -> None:
    (warning,) = preloader_warnings(args("redis:7", image, f"redis@{DIGEST}"))
    assert warning.path == "images[1]"
    assert advice in warning.accepted


def test_container_names_are_unique_dns_labels() -> None:
    images = ["a/nginx:1", "b/nginx:1", "nginx:1", f"nginx@{DIGEST}", "x:" + "y" * 128, "a__b:_"]
    names = [name(image) for image in images]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", label) for label in names)


def test_container_names_follow_the_image_and_not_its_spelling_or_place() -> None:
    assert name("nginx") == name("docker.io/library/nginx:latest")
    first, second = (preloader_spec("w", args(*order)).lanes for order in (("a", "b"), ("b", "a")))
    names = [
        {image.container_name for lane in lanes for image in lane} for lanes in (first, second)
    ]
    assert names[0] == names[1]
