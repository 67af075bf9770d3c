"""Credentials of registries: Docker's config file, its credential helpers, and the AWS CLI for ECR.

The helpers are run here and not by the `docker` package, which gives them no time limit and shows
what they write to stderr.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import docker.auth
from docker.errors import DockerException
from docker.utils.config import find_config_file

from preloadctl.lock.registries.deadline import Deadline
from preloadctl.lock.registries.hosts import ecr_region
from preloader.plain import Map, is_map

# https://github.com/docker/docker-credential-helpers/blob/master/credentials/credentials.go
HELPER_PREFIX = "docker-credential-"
HELPER_HAS_NONE = "credentials not found in native keychain"
# Stands for the user where a helper's secret is an identity token.
TOKEN_USER = docker.auth.TOKEN_USERNAME
ECR_USER = "AWS"
# What reading a config that is not as Docker writes it ends in.
_NOT_DOCKERS = (
    *(DockerException, ValueError, KeyError, TypeError, AttributeError, RecursionError),
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's password or an identity token, or neither; `trouble` says what was in the way."""

    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    trouble: str = ""

    @property
    def known(self) -> bool:
        """Whether there is anything to log in with."""
        return bool(self.password or self.identity_token)


def find_credentials(registry: str, deadline: Deadline) -> Credentials:
    """Returns what this machine has for the registry, the host as references write it."""
    # The key of Docker Hub is a URL: https://docs.docker.com/reference/cli/docker/login/
    key = docker.auth.INDEX_URL if registry == docker.auth.INDEX_NAME else registry
    try:
        helper, written = _configured(registry, key)
    except _NOT_DOCKERS:
        return Credentials(trouble=f"{find_config_file()} is not as Docker writes it")
    found = _from_helper(helper, key, deadline) if helper else Credentials()
    if found.known:
        return found
    if written.known:
        return written
    region = ecr_region(registry)
    if region is None:
        return found
    from_aws = _from_aws(region, deadline)
    troubles = [each.trouble for each in (found, from_aws) if each.trouble]
    return from_aws if from_aws.known else Credentials(trouble=", and ".join(troubles))


def _configured(registry: str, key: str) -> tuple[str, Credentials]:
    """Returns the helper that Docker's config names, if it does, and what is written there.

    Raises one of `_NOT_DOCKERS`, whatever is in the file.
    """
    config = cast("Map", docker.auth.load_config())  # pyright: ignore[reportUnknownMemberType]
    helper = config.get("credHelpers", {}).get(key) or config.get("credsStore") or ""
    if not isinstance(helper, str):
        raise TypeError("the name of a helper is no text")
    written = docker.auth.AuthConfig({"auths": dict(config["auths"])})
    entry = cast("Map | None", written.resolve_authconfig(registry))  # pyright: ignore[reportUnknownMemberType]
    return helper, _from_config(entry or {})


def _from_config(entry: Mapping[str, object]) -> Credentials:
    return Credentials(
        user=str(entry.get("username") or ""),
        password=str(entry.get("password") or ""),
        identity_token=str(entry.get("IdentityToken") or ""),
    )


def _from_helper(name: str, registry: str, deadline: Deadline) -> Credentials:
    program = f"{HELPER_PREFIX}{name}"
    result = _run([program, "get"], registry, deadline)
    if isinstance(result, str):
        return Credentials(trouble=result)
    if result.returncode:
        if HELPER_HAS_NONE in result.stdout:
            return Credentials()
        return Credentials(trouble=f"{program} failed for {registry}")
    try:
        answer: object = json.loads(result.stdout)
    except (ValueError, RecursionError):
        answer = None
    if not is_map(answer):
        return Credentials(trouble=f"{program} gave no credentials for {registry}")
    user, secret = str(answer.get("Username", "")), str(answer.get("Secret", ""))
    if user == TOKEN_USER:
        return Credentials(identity_token=secret)
    return Credentials(user=user, password=secret)


def _from_aws(region: str, deadline: Deadline) -> Credentials:
    result = _run(["aws", "ecr", "get-login-password", "--region", region], "", deadline)
    if isinstance(result, str):
        return Credentials(trouble=result)
    if result.returncode:
        reason = " ".join(result.stderr.split())[-200:]
        return Credentials(trouble=f"`aws ecr get-login-password --region {region}`: {reason}")
    return Credentials(user=ECR_USER, password=result.stdout.strip())


def _run(
    command: list[str], text: str, deadline: Deadline
) -> subprocess.CompletedProcess[str] | str:
    """Returns what a program on PATH did, or why it did not."""
    try:
        program = shutil.which(command[0])
        if program is None:
            return f"{command[0]} is not on PATH"
        return subprocess.run(  # noqa: S603 what Docker's config names, as Docker itself runs it
            [program, *command[1:]],
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=deadline.remaining_seconds(command[0]),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{command[0]} took longer than {deadline.timeout_seconds:g} s"
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    except ValueError as error:
        return f"{command[0]!r} is no program's name: {error}"
