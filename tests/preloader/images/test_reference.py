"""References are read as containerd reads them: same normal form, same refusals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preloader.images import InvalidReference, Reference, parse_reference

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.25-alpine", "docker.io/library/nginx:1.25-alpine"),
        ("g1g1/py-kube", "docker.io/g1g1/py-kube:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/nginx:1", "docker.io/library/nginx:1"),
        ("index.docker.io/g1g1/py-kube:1", "docker.io/g1g1/py-kube:1"),
        ("ghcr.io/owner/app:v1", "ghcr.io/owner/app:v1"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("registry:5000/app:v1", "registry:5000/app:v1"),
        ("10.0.0.1/app:v1", "10.0.0.1/app:v1"),
        ("[2001:db8::1]:5000/app:v1", "[2001:db8::1]:5000/app:v1"),
        ("Registry/app:v1", "Registry/app:v1"),
        ("GHCR.io/owner/app:v1", "GHCR.io/owner/app:v1"),
        ("a/b/c/d:v1", "docker.io/a/b/c/d:v1"),
        ("localhosts/app", "docker.io/localhosts/app:latest"),
        ("my__app/x-y_z.w:1", "docker.io/my__app/x-y_z.w:1"),
        (f"nginx@{DIGEST}", f"docker.io/library/nginx@{DIGEST}"),
        (f"reg.local:5000/app:1@{DIGEST}", f"reg.local:5000/app:1@{DIGEST}"),
    ],
)
def test_normal_form(text: str, normal: str) -> None:
    assert str(parse_reference(text)) == normal


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("Nginx", "must be lower case"),
        ("owner/App:1", "must be lower case"),
        ("nginx:", "tag ''"),
        ("nginx:-1", "tag '-1'"),
        ("nginx:1:2", "tag '1:2'"),
        ("nginx:1 ", "tag '1 '"),
        ("nginx:" + "a" * 129, "tag"),
        ("a//b", "parts joined by '/'"),
        ("/nginx", "parts joined by '/'"),
        ("nginx/", "parts joined by '/'"),
        ("-nginx", "repository"),
        ("a___b", "repository"),
        ("ghcr.io/", "repository ''"),
        ("https://ghcr.io/a/b", "registry 'https:'"),
        ("host:port/app", "registry 'host:port'"),
        ("-host.io/app", "registry '-host.io'"),
        ("nginx@", "digest ''"),
        ("nginx@sha256:abc", "digest"),
        ("nginx@sha256:" + "A" * 64, "digest"),
        ("nginx@md5:" + "a" * 32, "digest"),
        ("nginx@sha512:" + "a" * 64, "digest"),
        (f"nginx@{DIGEST}@{DIGEST}", "digest"),
        ("a" * 64, "image ID"),
        ("ghcr.io/" + "a" * 256, "256 characters"),
        ("nginx:1\n", "tag"),
        ("ngïnx", "repository"),
    ],
)
def test_bad_reference_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse_reference(text)
    assert reason in caught.value.reason
    assert repr(text) in str(caught.value)


def test_a_digest_drops_the_tag_from_what_containerd_stores() -> None:
    reference = parse_reference(f"nginx:1.25@{DIGEST}")
    assert reference.stored_as == f"docker.io/library/nginx@{DIGEST}"
    assert parse_reference("nginx:1.25").stored_as == "docker.io/library/nginx:1.25"


def test_versions_of_an_image_share_their_name() -> None:
    names = {parse_reference(text).name for text in ("nginx", "docker.io/library/nginx:1.25")}
    assert names == {"docker.io/library/nginx"}


REGISTRIES = st.one_of(
    st.sampled_from(["docker.io", "localhost", "[::1]:5000"]),
    st.from_regex(r"[a-zA-Z0-9]{1,9}(\.[a-zA-Z0-9]{1,9}){1,3}(:[0-9]{1,5})?", fullmatch=True),
    st.from_regex(r"[a-z0-9]{1,9}:[0-9]{1,5}", fullmatch=True),
)
REPOSITORIES = st.from_regex(
    r"[a-z0-9]{1,9}((\.|_|__|-{1,3})[a-z0-9]{1,9}){0,2}(/[a-z0-9]{1,9}){0,3}", fullmatch=True
)
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)
DIGESTS = st.from_regex(r"sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}", fullmatch=True)


@given(REGISTRIES, REPOSITORIES, TAGS | st.none(), DIGESTS | st.none())
def test_what_is_printed_is_parsed_to_the_same(
    registry: str, repository: str, tag: str | None, digest: str | None
) -> None:
    if tag is None and digest is None:
        tag = "latest"
    if registry == "docker.io" and "/" not in repository:
        repository = f"library/{repository}"
    reference = Reference(registry, repository, tag, digest)
    assert parse_reference(str(reference)) == reference


@given(st.text() | st.text(alphabet="abAB01./:@-_ ", max_size=20))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        reference = parse_reference(text)
    except InvalidReference:
        return
    assert parse_reference(str(reference)) == reference
