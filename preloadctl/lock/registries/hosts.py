"""Where a registry is asked, by the host that an image's reference names."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from preloader.images.reference import DEFAULT_REGISTRY

# The registry of docker.io has a name of its own:
# https://github.com/distribution/reference/blob/main/normalize.go
DOCKER_HUB_HOST = "registry-1.docker.io"
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
_ECR = re.compile(
    r"\d{12}\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)"
)


def registry_url(registry: str) -> str:
    """Returns the root of a registry's API: plain HTTP on this machine, otherwise TLS."""
    if registry == DEFAULT_REGISTRY:
        return f"https://{DOCKER_HUB_HOST}"
    scheme = "http" if is_loopback(registry) else "https"
    # As URLs have it once they are asked, and answers are compared with it.
    return f"{scheme}://{registry.lower()}"


def host_of(url: str) -> str:
    """Returns the host of a URL, with its port; the text itself where it is no URL."""
    try:
        return urlsplit(url).netloc or url
    except ValueError:
        return url


def is_loopback(host: str) -> bool:
    """Whether a host, with an optional port, is this machine by its name or address."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def ecr_region(registry: str) -> str | None:
    """Returns the region of a private registry of Amazon ECR; None for any other."""
    match = _ECR.fullmatch(registry)
    return match.group(1) if match else None


def same_origin(first: str, second: str) -> bool:
    """Whether two URLs are of one scheme, host and port."""
    return urlsplit(first)[:2] == urlsplit(second)[:2]
