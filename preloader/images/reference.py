"""OCI image references, parsed and normalised as containerd does.

The grammar and its limits are those of https://github.com/distribution/reference, which containerd,
the kubelet and Docker share.
"""

import re
from dataclasses import dataclass

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"
# The one name that Docker Hub had before; containerd rewrites it.
LEGACY_DEFAULT_REGISTRY = "index.docker.io"
OFFICIAL_NAMESPACE = "library"
REPOSITORY_MAX_LENGTH = 255

_HOST_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REGISTRY = re.compile(
    rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?",
)
_PATH_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PATH_PART}(?:/{_PATH_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST_HEX_LENGTH = {"sha256": 64, "sha384": 96, "sha512": 128}
_BARE_IMAGE_ID = re.compile(r"[a-f0-9]{64}")


class InvalidReference(ValueError):
    """An image reference that no container runtime would accept; `reason` says why."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r}: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reference:
    """One image reference in its normal form: registry, repository and a tag, a digest or both."""

    registry: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def name(self) -> str:
        """Registry and repository: what the versions of one image have in common."""
        return f"{self.registry}/{self.repository}"

    @property
    def stored_as(self) -> str:
        """The name under which containerd keeps the image once pulled: a digest drops the tag."""
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def parse_reference(text: str) -> Reference:
    """Returns the normal form of `text`; without tag and digest the tag is `latest`.

    Raises InvalidReference.
    """
    if not text:
        raise InvalidReference(text, "an image reference must not be empty")
    if _BARE_IMAGE_ID.fullmatch(text):
        raise InvalidReference(text, "is an image ID; expected a name such as 'nginx:1.25'")
    named, at, digest = text.partition("@")
    if at:
        _check_digest(text, digest)
    name, tag = _split_tag(named)
    if tag is not None and not _TAG.fullmatch(tag):
        raise InvalidReference(
            text,
            f"tag {tag!r} must be 1 to 128 letters, digits, '_', '.' or '-', "
            "and must not start with '.' or '-'",
        )
    registry, repository = _split_registry(name)
    _check_name(text, registry, repository)
    return Reference(
        registry=registry,
        repository=repository,
        tag=tag if tag or at else DEFAULT_TAG,
        digest=digest if at else None,
    )


def _split_tag(named: str) -> tuple[str, str | None]:
    # A colon before the last slash belongs to the registry's port.
    slash = named.rfind("/")
    colon = named.find(":", slash + 1)
    return (named, None) if colon < 0 else (named[:colon], named[colon + 1 :])


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    names_a_host = slash and (
        first == "localhost" or "." in first or ":" in first or first != first.lower()
    )
    registry, repository = (first, rest) if names_a_host else (DEFAULT_REGISTRY, name)
    if registry == LEGACY_DEFAULT_REGISTRY:
        registry = DEFAULT_REGISTRY
    if registry == DEFAULT_REGISTRY and "/" not in repository:
        repository = f"{OFFICIAL_NAMESPACE}/{repository}"
    return registry, repository


def _check_name(text: str, registry: str, repository: str) -> None:
    if not _REGISTRY.fullmatch(registry):
        raise InvalidReference(
            text, f"registry {registry!r} must be a host name or address, with an optional port"
        )
    if not _REPOSITORY.fullmatch(repository):
        reason = (
            "must be lower case"
            if _REPOSITORY.fullmatch(repository.lower())
            else "must be lower-case letters and digits, in parts joined by '/', "
            "with single '.', '_', '__' or '-' inside a part"
        )
        raise InvalidReference(text, f"repository {repository!r} {reason}")
    if len(repository) > REPOSITORY_MAX_LENGTH:
        raise InvalidReference(
            text,
            f"repository has {len(repository)} characters; "
            f"at most {REPOSITORY_MAX_LENGTH} are accepted",
        )


def _check_digest(text: str, digest: str) -> None:
    algorithm, _, encoded = digest.partition(":")
    length = _DIGEST_HEX_LENGTH.get(algorithm)
    if length is None or not re.fullmatch(rf"[a-f0-9]{{{length}}}", encoded):
        raise InvalidReference(
            text,
            f"digest {digest!r} must be 'sha256:' and 64 lower-case hex digits "
            "(or sha384 with 96, sha512 with 128)",
        )
