"""Registries elsewhere are asked over TLS, and only where their certificate is known."""

import datetime as dt
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from preloadctl.lock.registries.deadline import Deadline
from tests.preloadctl.lock.locking import failure, lock_one
from tests.preloadctl.lock.made_images import AMD64, INDEX, index, layer, manifest
from tests.preloadctl.lock.registry_server import RegistryServer, Response

HOST = "registry.example"
ON_AMD64 = manifest([layer("base")])
TOP = index((ON_AMD64, AMD64))


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of HOST and its key, in one file, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def image(registry: RegistryServer, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An image of a registry that is elsewhere by its name, and speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    registry.use_tls(context)
    registry.push("app", "1", TOP, ON_AMD64)
    monkeypatch.setattr(socket, "getaddrinfo", to_loopback(socket.getaddrinfo))
    return f"{HOST}:{registry.host.partition(':')[2]}/app:1"


def to_loopback(look_up: Callable[..., Any]) -> Callable[..., Any]:
    def answer(_: str, *rest: Any, **options: Any) -> Any:
        return look_up("127.0.0.1", *rest, **options)

    return answer


def test_a_certificate_that_nobody_knows_is_said_to_be(
    image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(*_: object) -> None:
        raise AssertionError("it will not be another one a moment later")

    monkeypatch.setattr(Deadline, "sleep", sleep)
    reason = failure(image, backoff_seconds=(5,))
    assert f"the certificate of {image.partition('/')[0]} is not trusted here" in reason
    assert "self-signed certificate" in reason
    assert "REQUESTS_CA_BUNDLE" in reason


def test_a_certificate_of_a_named_authority_is_trusted(
    image: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert lock_one(image).digest == TOP.digest


def test_a_registry_elsewhere_that_speaks_no_tls_is_not_asked_without(
    registry: RegistryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", to_loopback(socket.getaddrinfo))
    registry.push("app", "1", TOP, ON_AMD64)
    assert "it speaks no TLS" in failure(f"{HOST}:{registry.host.partition(':')[2]}/app:1")
    assert registry.requests == []


def test_a_tls_registry_that_drips_ends_with_the_time(
    registry: RegistryServer, image: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    drip = Response(body=TOP.body, headers={"Content-Type": INDEX}, drip_seconds=0.02)
    registry.always("/v2/app/manifests/1", drip)
    assert "gave no whole answer within 0.4 s" in failure(image, timeout_seconds=0.4)
