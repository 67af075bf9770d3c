"""Credentials are found where Docker finds them, and ECR's with the AWS CLI as well."""

import base64
from pathlib import Path

import pytest

from preloadctl.lock.registries.challenge import Challenge, parse_challenge
from preloadctl.lock.registries.credentials import Credentials, find_credentials
from preloadctl.lock.registries.hosts import ecr_region, registry_url
from tests.preloadctl.lock.locking import deadline, log_in, write_docker_config, write_program
from tests.preloadctl.lock.registry_server import PASSWORD, USER

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
HUB = "https://index.docker.io/v1/"


def find(registry: str) -> Credentials:
    return find_credentials(registry, deadline())


def test_a_helper_that_has_nothing_leaves_it_to_the_file(
    docker_config: Path, programs: Path
) -> None:
    entry = {"auth": base64.b64encode(b"a:b").decode()}
    write_docker_config(docker_config, {"auths": {"example.com": entry}, "credsStore": "empty"})
    missing = "echo credentials not found in native keychain; exit 1"
    write_program(programs, "docker-credential-empty", missing)
    assert find("example.com") == Credentials("a", "b")
    assert find("example.org") == Credentials()


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        (None, "docker-credential-made is not on PATH"),
        ("echo secret-of-the-helper; exit 1", "docker-credential-made failed for example.com"),
        ("echo secret-of-the-helper", "docker-credential-made gave no credentials for example.com"),
        ("sleep 5", "docker-credential-made took longer than 0.2 s"),
        (r"printf '\377\376'", "docker-credential-made gave no credentials for example.com"),
        (
            "head -c 100000 /dev/zero | tr '\\0' '['",
            "docker-credential-made gave no credentials for example.com",
        ),
    ],
)
def test_a_helper_that_fails_is_named_and_not_quoted(
    docker_config: Path, programs: Path, script: str | None, trouble: str
) -> None:
    write_docker_config(docker_config, {"credsStore": "made"})
    if script:
        write_program(programs, "docker-credential-made", script)
    found = find_credentials("example.com", deadline(0.2))
    assert found == Credentials(trouble=trouble)


def test_a_broken_config_file_is_named(docker_config: Path) -> None:
    write_docker_config(docker_config, {"auths": {"example.com": {"auth": "no-pair"}}})
    assert find("example.com").trouble == f"{docker_config}/config.json is not as Docker writes it"


@pytest.mark.parametrize(
    "content",
    [
        '{"credHelpers": "x"}',
        '{"credHelpers": ["x"]}',
        '{"credHelpers": {"example.com": 5}}',
        '{"credsStore": ["x"]}',
        '{"auths": "x"}',
        '{"auths": {"example.com": "x"}}',
        '{"auths": {"example.com": {"auth": 5}}}',
        "[" * 100_000,
        '{"credsStore": ' + "[" * 100_000,
    ],
)
def test_whatever_is_in_a_config_file_it_gives_no_credentials_and_no_traceback(
    docker_config: Path, content: str
) -> None:
    (docker_config / "config.json").write_text(content)
    assert not find("example.com").known


def test_a_helper_whose_name_no_program_can_have_is_named(docker_config: Path) -> None:
    write_docker_config(docker_config, {"credsStore": "a\0b"})
    assert "docker-credential-a" in find("example.com").trouble


def test_credentials_of_docker_hub_are_under_its_old_url(docker_config: Path) -> None:
    log_in(docker_config, "https://index.docker.io/v1/")
    assert find("docker.io") == Credentials(USER, PASSWORD)
    assert registry_url("docker.io") == "https://registry-1.docker.io"


def test_ecr_is_asked_for_through_the_aws_cli_unless_docker_knows_better(
    docker_config: Path, programs: Path
) -> None:
    script = 'test "$*" = "ecr get-login-password --region eu-west-1" && echo from-aws'
    write_program(programs, "aws", script)
    assert find(ECR) == Credentials("AWS", "from-aws")
    assert find("example.com") == Credentials()
    write_docker_config(docker_config, {"credsStore": "not-there"})
    assert find(ECR) == Credentials("AWS", "from-aws")
    write_program(programs, "aws", "exit 1")
    assert find(ECR).trouble.startswith("docker-credential-not-there is not on PATH, and `aws ecr")
    log_in(docker_config, ECR)
    assert find(ECR) == Credentials(USER, PASSWORD)


def test_a_helper_comes_before_the_file_and_gets_what_docker_gives_it(
    docker_config: Path, programs: Path
) -> None:
    script = 'read host; echo "{\\"Username\\": \\"$host\\", \\"Secret\\": \\"from-helper\\"}"'
    write_program(programs, "docker-credential-made", script)
    entries = {key: {"auth": base64.b64encode(b"a:b").decode()} for key in ("example.com", HUB)}
    write_docker_config(docker_config, {"auths": entries, "credsStore": "made"})
    assert find("example.com") == Credentials("example.com", "from-helper")
    assert find("docker.io") == Credentials(HUB, "from-helper")
    write_docker_config(docker_config, {"auths": entries, "credHelpers": {HUB: "made"}})
    assert find("example.com") == Credentials("a", "b")
    assert find("docker.io") == Credentials(HUB, "from-helper")


@pytest.mark.parametrize(
    ("host", "region"),
    [
        (ECR, "eu-west-1"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("123456789012.dkr-ecr.eu-west-1.on.aws", "eu-west-1"),
        ("public.ecr.aws", None),
        (f"{ECR}.example.com", None),
    ],
)
def test_registries_of_ecr_are_known_by_their_host(host: str, region: str | None) -> None:
    assert ecr_region(host) == region


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        ('Bearer realm="https://a/token",service="s",scope="x"', Challenge("https://a/token", "s")),
        ('bearer service=s , realm="https://a/?b=1,2"', Challenge("https://a/?b=1,2", "s")),
        ('Basic realm="x", Bearer realm="https://a"', Challenge("https://a")),
        ('Basic realm="Bearer realm"', Challenge()),
        ("Basic", Challenge()),
        ("Bearer", None),
        ("Negotiate", None),
        ("", None),
    ],
)
def test_challenges_are_read_as_http_writes_them(header: str, challenge: Challenge | None) -> None:
    assert parse_challenge(header) == challenge
