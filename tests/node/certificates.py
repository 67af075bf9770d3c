"""The certificates and kubeconfigs of one cluster, made by openssl."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

VALID_DAYS = "30"


@dataclass(frozen=True)
class Identity:
    """A certificate and its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """The folder of a certificate authority, and what it signs."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """The certificate that everyone in the cluster trusts."""
        return self.folder / "ca.crt"

    def issue(self, user: str, *, group: str = "", addresses: tuple[str, ...] = ()) -> Identity:
        """A certificate for a user (a member of `group`), or for a server at these addresses."""
        stem = self.folder / user.replace(":", "-")
        identity = Identity(stem.with_suffix(".crt"), stem.with_suffix(".key"))
        subject = f"/O={group}/CN={user}" if group else f"/CN={user}"
        names = ",".join(f"IP:{address}" for address in addresses)
        extension = ["-addext", f"subjectAltName={names}"] if names else []
        request = stem.with_suffix(".csr")
        openssl("req", *new_key(identity.key), "-subj", subject, *extension, "-out", request)
        signer = ("-CA", self.certificate, "-CAkey", self.folder / "ca.key", "-CAcreateserial")
        signed = ("-in", request, "-out", identity.certificate, "-days", VALID_DAYS)
        openssl("x509", "-req", *signer, *signed, "-copy_extensions", "copy")
        return identity

    def kubeconfig(self, server: str, user: str, *, group: str = "") -> Path:
        """A kubeconfig with a new certificate for a user; JSON, which is YAML too."""
        identity = self.issue(user, group=group)
        path = identity.certificate.with_suffix(".kubeconfig")
        cluster = {"server": server, "certificate-authority": str(self.certificate)}
        credentials = {
            "client-certificate": str(identity.certificate),
            "client-key": str(identity.key),
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": user, "user": credentials}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
            "current-context": "test",
        }
        path.write_text(json.dumps(config, indent=2))
        return path


def new_authority(folder: Path) -> Authority:
    """A certificate authority, and beside it the key that signs service account tokens."""
    folder.mkdir()
    options = ("-subj", "/CN=test-authority", "-days", VALID_DAYS)
    openssl("req", "-x509", *new_key(folder / "ca.key"), *options, "-out", folder / "ca.crt")
    openssl("genpkey", "-algorithm", "RSA", "-out", folder / "service-accounts.key")
    return Authority(folder)


def new_key(path: Path) -> tuple[str | Path, ...]:
    """The options that make openssl write a new, unencrypted key to a file."""
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", path)


def openssl(*arguments: str | Path) -> None:
    """Runs openssl, and fails with what it said."""
    command = ["openssl", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)}: {result.stderr.strip()}")
