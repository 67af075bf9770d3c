"""The policy: what is accepted, and that every mistake is reported at once, by its path."""

import json
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from preloader.agent.policy import (
    InvalidPolicy,
    MetricsAddress,
    Policy,
    ReportFormat,
    find_problems,
    matches,
    read_policy,
)
from preloader.images import parse_reference
from preloader.problems import Problem

DIGEST = "sha256:" + "a" * 64


def paths(**values: Any) -> list[str]:
    return [problem.path for problem in find_problems({"pool": "web", **values})]


def test_a_pool_s_name_is_enough() -> None:
    policy = Policy.from_mapping({"pool": "web"})
    assert policy == Policy(pool="web")
    assert (policy.keep_versions, policy.schedule, policy.time_zone) == (2, "0 3 * * *", "UTC")
    assert not policy.dry_run
    assert not policy.high_water_evicts
    assert policy.metrics_port is None


FULL = Policy(
    pool="ml",
    images=("python:3.12", f"ghcr.io/acme/app@{DIGEST}"),
    keep_versions=3,
    minimum_age_seconds=0,
    protect=("ghcr.io/acme/*",),
    schedule="*/5 1-3 * * mon",
    time_zone="Europe/Madrid",
    jitter_seconds=60,
    high_water_percent=75,
    low_water_percent=60,
    high_water_evicts=True,
    dry_run=True,
    report=ReportFormat.TEXT,
    metrics_port=9100,
    metrics_address=MetricsAddress.LOOPBACK,
    image_filesystem="/images",
    eviction_percent=85,
)


def test_a_policy_survives_its_file() -> None:
    assert Policy.from_mapping(json.loads(json.dumps(FULL.as_mapping()))) == FULL


def test_the_file_holds_every_key() -> None:
    assert set(FULL.as_mapping()) == {field.name for field in fields(Policy)}


def test_a_policy_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        FULL.dry_run = False  # type: ignore[misc]


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("colour", {"colour": "red"}),
        ("keepVersions", {"keepVersions": 2}),
        ("pool", {"pool": ""}),
        ("pool", {"pool": "../etc"}),
        ("pool", {"pool": "a" * 64}),
        ("pool", {"pool": None}),
        ("images", {"images": "nginx"}),
        ("images", {"images": {"nginx": 1}}),
        ("images[1]", {"images": ["nginx", "Nginx"]}),
        ("images[0]", {"images": [5]}),
        ("images[0]", {"images": ["a" * 64]}),
        ("keep_versions", {"keep_versions": 0}),
        ("keep_versions", {"keep_versions": -1}),
        ("keep_versions", {"keep_versions": True}),
        ("keep_versions", {"keep_versions": "2"}),
        ("keep_versions", {"keep_versions": 2.0}),
        ("keep_versions", {"keep_versions": None}),
        ("minimum_age_seconds", {"minimum_age_seconds": -1}),
        ("protect", {"protect": "nginx*"}),
        ("protect[1]", {"protect": ["nginx*", "*"]}),
        ("protect[0]", {"protect": [""]}),
        ("schedule", {"schedule": "0 0 30 2 *"}),
        ("schedule", {"schedule": "at three"}),
        ("schedule", {"schedule": 3}),
        ("time_zone", {"time_zone": "Mars/Olympus"}),
        ("time_zone", {"time_zone": ""}),
        ("time_zone", {"time_zone": "../../etc/passwd"}),
        ("time_zone", {"time_zone": "Europe"}),
        ("time_zone", {"time_zone": 1}),
        ("jitter_seconds", {"jitter_seconds": -1}),
        ("jitter_seconds", {"jitter_seconds": 86_401}),
        ("high_water_percent", {"high_water_percent": 0}),
        ("high_water_percent", {"high_water_percent": 101}),
        ("high_water_percent", {"high_water_percent": 90, "eviction_percent": 90}),
        ("high_water_percent", {"high_water_percent": 95, "eviction_percent": 90}),
        ("low_water_percent", {"high_water_percent": 70, "low_water_percent": 70}),
        ("low_water_percent", {"high_water_percent": 70, "low_water_percent": 80}),
        ("low_water_percent", {"low_water_percent": -1}),
        ("high_water_evicts", {"high_water_evicts": 1}),
        ("high_water_evicts", {"high_water_evicts": True, "high_water_percent": None}),
        ("dry_run", {"dry_run": "no"}),
        ("report", {"report": "xml"}),
        ("report", {"report": []}),
        ("metrics_port", {"metrics_port": 0}),
        ("metrics_port", {"metrics_port": 1023}),
        ("metrics_port", {"metrics_port": 10250}),
        ("metrics_port", {"metrics_port": 10256}),
        ("metrics_address", {"metrics_address": "127.0.0.1"}),
        ("metrics_address", {"metrics_address": None}),
        ("metrics_port", {"metrics_port": 65_536}),
        ("image_filesystem", {"image_filesystem": "images"}),
        ("image_filesystem", {"image_filesystem": 5}),
        ("eviction_percent", {"eviction_percent": 0}),
    ],
)
def test_a_mistake_is_found_at_its_path(path: str, values: dict[str, Any]) -> None:
    assert paths(**values) == [path]
    with pytest.raises(InvalidPolicy):
        Policy.from_mapping({"pool": "web", **values})


def test_every_mistake_is_reported_at_once() -> None:
    with pytest.raises(InvalidPolicy) as error:
        Policy.from_mapping({"pool": "", "images": ["A", "ok", "B"], "keep_versions": 0, "x": 1})
    found = [problem.path for problem in error.value.problems]
    assert found == ["x", "pool", "images[0]", "images[2]", "keep_versions"]
    assert all(path in str(error.value) for path in found)


def test_a_problem_says_what_was_found_and_what_is_accepted() -> None:
    [problem] = find_problems({"pool": "web", "keep_versions": 0})
    assert problem == Problem("keep_versions", 0, "must be a whole number from 1 to 1000")


def test_a_policy_that_is_built_in_a_program_is_checked_too() -> None:
    with pytest.raises(InvalidPolicy, match="keep_versions"):
        Policy(pool="web", keep_versions=0)


def test_the_kubelet_s_line_may_come_from_outside() -> None:
    policy = {"pool": "web", "high_water_percent": 85}
    assert find_problems(policy) == []
    assert find_problems(policy, eviction_percent=86) == []
    assert [problem.path for problem in find_problems(policy, 85)] == ["high_water_percent"]


def test_low_water_is_ten_below_high_water_unless_it_is_given() -> None:
    assert Policy(pool="web", high_water_percent=65).low_water == 55
    assert Policy(pool="web", high_water_percent=5).low_water == 0
    assert Policy(pool="web", low_water_percent=0).low_water == 0
    assert Policy(pool="web", low_water_percent=42).low_water == 42


@pytest.mark.parametrize(
    "glob", ["*", "**", "?*", "*:*", "*/*", "*@*", "*@sha256:*", "*sha256*", "*[0-9a-f]", "*a*"]
)
def test_a_glob_that_protects_everything_is_refused(glob: str) -> None:
    assert paths(protect=[glob]) == ["protect[0]"]


@pytest.mark.parametrize(
    "glob", ["docker.io/*", "ghcr.io/acme/*", "*:latest", "*-prod", "nginx", "*/cuda:*", "[a-m]*"]
)
def test_a_glob_that_protects_some_is_accepted(glob: str) -> None:
    assert paths(protect=[glob]) == []


@pytest.mark.parametrize(
    "glob",
    [
        "docker.io/library/nginx:1.25",
        "docker.io/library/nginx:*",
        "docker.io/library/nginx",
        "docker.io/*",
        "library/nginx:1.25",
        "nginx:1.25",
        "nginx:1.*",
        "nginx",
        "ngin?",
    ],
)
def test_a_glob_may_be_normalised_or_short_or_a_repository(glob: str) -> None:
    assert matches(parse_reference("nginx:1.25"), (glob,))
    assert not matches(parse_reference("ghcr.io/acme/nginx-proxy:1.25"), (glob,))


def test_a_glob_matches_digests() -> None:
    reference = parse_reference(f"ghcr.io/acme/app@{DIGEST}")
    assert matches(reference, ("other", f"ghcr.io/acme/app@{DIGEST}"))
    assert not matches(reference, ("ghcr.io/acme/app:*",))
    assert not matches(reference, ())


def test_a_policy_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(FULL.as_mapping()))
    assert read_policy(str(file)) == FULL


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "JSON object"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_file_that_is_no_policy_is_one_mistake(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    file = tmp_path / "policy.json"
    file.write_bytes(content)
    with pytest.raises(InvalidPolicy, match=expected):
        read_policy(str(file))


def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InvalidPolicy, match="No such file"):
        read_policy(str(tmp_path / "policy.json"))
    with pytest.raises(InvalidPolicy, match="Is a directory"):
        read_policy(str(tmp_path))
