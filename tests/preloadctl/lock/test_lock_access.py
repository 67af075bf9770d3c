"""Registries let `lock` in with what Docker's config file has, and nobody else gets to see that."""

import base64
import json
from pathlib import Path

import pytest

from preloadctl.lock.registries.hosts import registry_url
from preloadctl.lock.registries.registry import Asker
from preloadctl.lock.registries.transport import PlainHttp, Transport
from preloader.images import parse_reference
from tests.preloadctl.lock.locking import (
    deadline,
    failure,
    fetch,
    lock_one,
    log_in,
    wanted,
    write_docker_config,
    write_program,
)
from tests.preloadctl.lock.made_images import AMD64, config, index, layer, manifest
from tests.preloadctl.lock.registry_server import (
    IDENTITY_TOKEN,
    PASSWORD,
    USER,
    RegistryServer,
    Response,
    basic,
)

ON_AMD64 = manifest([layer("base")])
TOP = index((ON_AMD64, AMD64))
HELPER_ANSWER = json.dumps({"Username": USER, "Secret": PASSWORD})
TOKEN_ANSWER = json.dumps({"Username": "<token>", "Secret": IDENTITY_TOKEN})


@pytest.fixture
def image(registry: RegistryServer) -> str:
    registry.push("team/app", "1", TOP, ON_AMD64, config(AMD64))
    return f"{registry.host}/team/app:1"


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_a_password_is_that_of_dockers_config_file(
    registry: RegistryServer, image: str, docker_config: Path, auth: str
) -> None:
    registry.auth = auth
    log_in(docker_config, registry.host)
    assert lock_one(image).digest == TOP.digest


def test_a_token_for_anyone_is_asked_for_without_credentials(
    registry: RegistryServer, image: str
) -> None:
    registry.auth = "anonymous"
    assert lock_one(image).digest == TOP.digest
    assert [path for path in registry.paths() if path.startswith("/token")] == [
        "/token?scope=repository%3Ateam%2Fapp%3Apull&service=the+registry"
    ]


@pytest.mark.parametrize("answer", [HELPER_ANSWER, TOKEN_ANSWER])
@pytest.mark.parametrize("kind", ["credsStore", "credHelpers"])
def test_a_credential_helper_gives_a_password_or_an_identity_token(  # noqa: PLR0913, PLR0917
    registry: RegistryServer,
    image: str,
    docker_config: Path,
    programs: Path,
    kind: str,
    answer: str,
) -> None:
    registry.auth = "bearer"
    named = {"credsStore": "made", "credHelpers": {registry.host: "made"}}
    write_docker_config(docker_config, {kind: named[kind]})
    script = f'read host; test "$host" = {registry.host} && echo {json.dumps(answer)}'
    write_program(programs, "docker-credential-made", script)
    assert lock_one(image).digest == TOP.digest


def test_an_identity_token_of_the_config_file_is_exchanged(
    registry: RegistryServer, image: str, docker_config: Path
) -> None:
    registry.auth = "bearer"
    entry = {"identitytoken": IDENTITY_TOKEN}
    write_docker_config(docker_config, {"auths": {registry.host: entry}})
    assert lock_one(image).digest == TOP.digest
    assert [request.method for request in registry.requests].count("POST") == 1


def test_an_identity_token_is_sent_nowhere_else(
    registry: RegistryServer, other_registry: RegistryServer, image: str, docker_config: Path
) -> None:
    registry.auth = "bearer"
    registry.token_url = f"http://{registry.host}/moved"
    registry.open_paths.add("/moved")
    elsewhere = Response(307, headers={"Location": f"http://{other_registry.host}/token"})
    registry.always("/moved", elsewhere)
    entry = {"identitytoken": IDENTITY_TOKEN}
    write_docker_config(docker_config, {"auths": {registry.host: entry}})
    assert "answers 307 without a token" in failure(image)
    assert other_registry.requests == []


def test_a_registry_on_this_machine_is_asked_past_any_proxy(
    image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert lock_one(image).digest == TOP.digest


def test_ecr_without_credentials_says_both_ways(
    registry: RegistryServer, image: str, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(programs, "aws", "echo Unable to locate credentials >&2; exit 253")
    registry.auth = "basic"
    for module in ("credentials", "failures"):
        monkeypatch.setattr(
            f"preloadctl.lock.registries.{module}.ecr_region", lambda _: "eu-west-1"
        )
    reason = failure(image)
    assert "put the AWS CLI on PATH with credentials for eu-west-1" in reason
    assert "ecr-login" in reason
    assert "Unable to locate credentials" in reason


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_a_private_registry_without_credentials_says_how_to_log_in(
    registry: RegistryServer, image: str, auth: str
) -> None:
    registry.auth = auth
    assert failure(image) == (
        f"{registry.host} answers 401 without credentials: team/app is private, or there is no "
        f"such image; log in: `docker login {registry.host}`"
    )


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_refused_credentials_are_said_to_be_and_never_shown(
    registry: RegistryServer, image: str, docker_config: Path, auth: str
) -> None:
    registry.auth = auth
    entry = {"auth": base64.b64encode(b"someone:an old password").decode()}
    write_docker_config(docker_config, {"auths": {registry.host: entry}})
    reason = failure(image)
    assert "these credentials may not pull team/app" in reason
    assert "an old password" not in reason
    assert entry["auth"] not in reason
    # How it lets users in, and once with what is known.
    assert len(registry.requests) == 2


def test_a_token_that_has_run_out_is_renewed_once(registry: RegistryServer, image: str) -> None:
    registry.auth = "anonymous"
    expired = Response(401, headers={"WWW-Authenticate": 'Bearer realm="ignored"'})
    registry.then("/v2/team/app/manifests/1", expired)
    assert lock_one(image).digest == TOP.digest
    assert len([path for path in registry.paths() if path.startswith("/token")]) == 2
    registry.then("/v2/team/app/manifests/1", expired, expired)
    assert "answers 401" in failure(image)


def test_a_registry_that_is_open_at_its_root_alone_is_still_let_in_to(
    registry: RegistryServer, image: str, docker_config: Path
) -> None:
    log_in(docker_config, registry.host)
    closed = Response(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    registry.then("/v2/team/app/manifests/1", closed)
    assert lock_one(image).digest == TOP.digest
    assert registry.requests[-1].authorization == basic(USER, PASSWORD)


def test_a_challenge_that_cannot_be_answered_is_refused_for_each_image_by_name(
    registry: RegistryServer, image: str
) -> None:
    closed = Response(401, headers={"WWW-Authenticate": "Negotiate"})
    other = f"{registry.host}/other:1"
    for path in ("/v2/", "/v2/team/app/manifests/1", "/v2/other/manifests/1"):
        registry.always(path, closed)
    failures = fetch([wanted(image), wanted(other)], concurrency=1).failures
    assert "team/app is private" in failures[image]
    assert "other is private" in failures[other]


def test_a_redirect_to_another_host_gets_no_credentials(
    registry: RegistryServer, other_registry: RegistryServer, image: str, docker_config: Path
) -> None:
    registry.auth = "basic"
    log_in(docker_config, registry.host, other_registry.host)
    (docker_config / ".netrc").write_text("machine 127.0.0.1 login x password y\n")
    path = f"/v2/team/app/manifests/{ON_AMD64.digest}"
    elsewhere = f"http://{other_registry.host}{path}"
    registry.always(path, Response(307, headers={"Location": elsewhere}))
    other_registry.push("team/app", "1", ON_AMD64)
    assert lock_one(image).digest == TOP.digest
    assert [request.authorization for request in other_registry.requests] == [""]
    other_registry.auth = "basic"
    assert failure(image) == f"{registry.host} sends on to {other_registry.host}, which answers 401"


def test_a_redirect_of_the_root_does_not_ask_for_credentials(
    registry: RegistryServer, other_registry: RegistryServer, image: str, docker_config: Path
) -> None:
    log_in(docker_config, registry.host, other_registry.host)
    other_registry.auth = "bearer"
    root = Response(307, headers={"Location": f"http://{other_registry.host}/v2/"})
    registry.always("/v2/", root)
    assert lock_one(image).digest == TOP.digest
    assert {request.authorization for request in other_registry.requests} == {""}


@pytest.mark.parametrize("auth", ["anonymous", "bearer"])
def test_a_token_service_without_tls_is_not_asked(
    registry: RegistryServer, image: str, docker_config: Path, auth: str
) -> None:
    registry.auth = auth
    registry.token_url = "http://tokens.invalid/token"  # noqa: S105 an address
    log_in(docker_config, registry.host)
    assert "tokens.invalid was to be asked over plain HTTP" in failure(image)


def test_plain_http_is_for_this_machine_alone() -> None:
    assert registry_url("localhost:5000") == "http://localhost:5000"
    assert registry_url("[::1]:5000") == "http://[::1]:5000"
    assert registry_url("registry.example.com") == "https://registry.example.com"
    assert registry_url("127.0.0.1.example.com") == "https://127.0.0.1.example.com"
    transport = Transport()
    with pytest.raises(PlainHttp):
        transport.get("http://registry.invalid/v2/", {}, deadline(), is_local=True)


@pytest.mark.parametrize(
    ("image", "is_local"),
    [
        ("localhost:5000/app:1", True),
        ("127.0.0.1:5000/app:1", True),
        ("registry.example.com/app:1", False),
        ("localhost.example.com/app:1", False),
        ("nginx:1.25", False),
    ],
)
def test_a_reference_names_this_machine_or_does_not(image: str, is_local: bool) -> None:  # noqa: FBT001
    assert Asker(Transport(), deadline(), parse_reference(image)).is_local is is_local


def test_plain_http_with_this_machine_is_for_references_that_name_it(
    registry: RegistryServer,
) -> None:
    transport, url = Transport(), f"http://{registry.host}/v2/"
    assert transport.get(url, {}, deadline(), is_local=True).status == 200
    asked = len(registry.requests)
    with pytest.raises(PlainHttp):
        transport.get(url, {}, deadline(), is_local=False)
    with pytest.raises(PlainHttp):
        transport.post(url, {}, deadline(), is_local=False)
    assert len(registry.requests) == asked


@pytest.mark.parametrize("realm", ["http://[bad", "tokens", "ftp://tokens.invalid"])
def test_a_token_service_that_is_no_address_is_not_asked(
    registry: RegistryServer, image: str, realm: str
) -> None:
    registry.auth = "anonymous"
    registry.token_url = realm
    assert "is no host" in failure(image) or "cannot be asked" in failure(image)


def test_a_host_in_capitals_is_the_same_host(
    registry: RegistryServer, image: str, docker_config: Path
) -> None:
    registry.auth = "basic"
    host = f"LOCALHOST:{registry.host.partition(':')[2]}"
    log_in(docker_config, host)
    assert lock_one(f"{host}/{image.partition('/')[2]}").digest == TOP.digest


def test_a_token_service_that_answers_nonsense_is_named(
    registry: RegistryServer, other_registry: RegistryServer, image: str
) -> None:
    registry.auth = "anonymous"
    registry.token_url = f"http://{other_registry.host}/tokens"
    for body in (b"<html>", b"[]", b"{}", b'{"token": 3}'):
        other_registry.always("/tokens", Response(body=body))
        assert failure(image) == (
            f"{other_registry.host}, which lets users into {registry.host}, answers 200 without a "
            "token; try again later"
        )
