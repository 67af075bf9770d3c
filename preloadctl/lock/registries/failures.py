"""What went wrong with a registry, said so that a person can put it right."""

from collections.abc import Callable
from http import HTTPStatus

import requests
from urllib3.exceptions import NameResolutionError

from preloadctl.lock.registries.credentials import Credentials
from preloadctl.lock.registries.deadline import Deadline
from preloadctl.lock.registries.errors import NotLocked
from preloadctl.lock.registries.hosts import ecr_region, host_of, registry_url
from preloadctl.lock.registries.transport import BODY_MAX_BYTES, Answer, PlainHttp, TooLarge
from preloader.images import Reference

MIB = 1024 * 1024
# These may be answered otherwise a moment later.
TRANSIENT_STATUSES = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


def is_transient(error: requests.RequestException) -> bool:
    """Whether the same request may get an answer a moment later."""
    dropped = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
    lasting = (requests.exceptions.SSLError, requests.exceptions.ProxyError)
    return isinstance(error, dropped) and not isinstance(error, lasting) and not _no_name(error)


def connection_failure(error: requests.RequestException, url: str, deadline: Deadline) -> NotLocked:
    """Returns what to say of a request that got no whole answer."""
    host = host_of(url)
    if deadline.is_over:
        return deadline.exceeded(host)
    if _no_name(error):
        return NotLocked(
            f"the name {host} is not known here; correct the reference, or look to DNS and proxy"
        )
    for kind, describe in _CONNECTION_FAILURES:
        if isinstance(error, kind):
            return NotLocked(describe(host, error))
    return NotLocked(f"{host} cannot be asked ({type(error).__name__})")


def status_failure(
    answer: Answer, reference: Reference, path: str = "", credentials: Credentials | None = None
) -> NotLocked:
    """Returns what to say of an answer that is not the wanted one, and not to be tried again.

    `path` is what was asked for in the repository; `credentials` are those that were looked for, or
    None where the registry asked for none.
    """
    registry, asked = reference.registry, host_of(answer.url)
    if asked != host_of(registry_url(registry)):
        return NotLocked(f"{registry} sends on to {asked}, which answers {answer.status}")
    match answer.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return refusal(answer.status, reference, credentials)
        case HTTPStatus.NOT_FOUND:
            name = path.rpartition("/")[2]
            what = name if ":" in name else f"tag {name}"
            return NotLocked(
                f"{registry} has no {what} of {reference.repository}; "
                "correct the reference, or push the image"
            )
        case HTTPStatus.TOO_MANY_REQUESTS:
            return NotLocked(
                f"{registry} still answers 429, too many requests; wait, lower --concurrency, "
                f"or use an account with a higher limit: {login_advice(registry)}"
            )
        case status if status in TRANSIENT_STATUSES:
            return NotLocked(f"{registry} still answers {status}; try again later")
        case status:
            return NotLocked(f"{registry} answers {status}; look whether it is a registry")


def refusal(status: int, reference: Reference, credentials: Credentials | None) -> NotLocked:
    """Returns what to say where a registry lets nobody, or not this user, pull."""
    registry, repository = reference.registry, reference.repository
    if credentials and credentials.known:
        return NotLocked(
            f"{registry} answers {status}: these credentials may not pull {repository}, or there "
            f"is no such image; ask for access, or log in anew: {login_advice(registry)}"
        )
    trouble = f" ({credentials.trouble})" if credentials and credentials.trouble else ""
    return NotLocked(
        f"{registry} answers {status} without credentials: {repository} is private, or there is "
        f"no such image; log in: {login_advice(registry)}{trouble}"
    )


def pause_failure(host: str, pause_seconds: float, deadline: Deadline) -> NotLocked:
    """Returns what to say where a registry asks for more patience than an image has."""
    return NotLocked(
        f"{host} asks to wait {pause_seconds:.0f} s, which is more than is left of the "
        f"{deadline.timeout_seconds:g} s for an image; try again then, or raise --timeout-seconds"
    )


def login_advice(registry: str) -> str:
    """How to give this command credentials for a registry."""
    region = ecr_region(registry)
    if region is None:
        return f"`docker login {registry}`"
    return (
        f"put the AWS CLI on PATH with credentials for {region}, or name ecr-login for {registry} "
        "in credHelpers of Docker's config file"
    )


def _no_name(error: BaseException) -> bool:
    reasons = [getattr(argument, "reason", None) for argument in error.args]
    return any(isinstance(reason, NameResolutionError) for reason in reasons)


def _certificate(host: str, error: requests.RequestException) -> str:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    text = str(reason or error).removeprefix("SSLError(").partition(" (_ssl.c")[0]
    return (
        f"the certificate of {host} is not trusted here, or it speaks no TLS ({text}); "
        "name the file of its CA in REQUESTS_CA_BUNDLE"
    )


_Describe = Callable[[str, requests.RequestException], str]
# The first that fits is said, so the more special ones come first.
_CONNECTION_FAILURES: tuple[tuple[type[requests.RequestException], _Describe], ...] = (
    (TooLarge, lambda host, _: f"{host} answers with more than {BODY_MAX_BYTES // MIB} MiB"),
    (
        PlainHttp,
        lambda host, _: (
            f"{host} was to be asked over plain HTTP, which this command does with this machine "
            "alone; serve it with TLS"
        ),
    ),
    (requests.exceptions.SSLError, _certificate),
    (
        requests.exceptions.ProxyError,
        lambda host, _: f"the proxy on the way to {host} does not answer; look to HTTPS_PROXY",
    ),
    (
        requests.exceptions.InvalidURL,
        lambda host, _: f"{host} is no host, or sends on to none; correct the reference",
    ),
    (
        requests.Timeout,
        lambda host, _: f"{host} does not answer; look to the network, or try again",
    ),
    (
        requests.TooManyRedirects,
        lambda host, _: f"{host} redirects in circles; correct the reference",
    ),
    (
        requests.exceptions.ChunkedEncodingError,
        lambda host, _: f"{host} breaks its answers off; try again",
    ),
    (
        requests.ConnectionError,
        lambda host, _: f"{host} accepts no connection, or drops it; look to registry and network",
    ),
)
