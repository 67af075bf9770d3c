"""The reading side of registries' API, with what it takes to be let in.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull and, for tokens,
https://distribution.github.io/distribution/spec/auth/
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from preloadctl.lock.registries.challenge import Challenge, parse_challenge
from preloadctl.lock.registries.credentials import Credentials, find_credentials
from preloadctl.lock.registries.deadline import Deadline
from preloadctl.lock.registries.errors import NotLocked
from preloadctl.lock.registries.failures import refusal, status_failure
from preloadctl.lock.registries.hosts import host_of, is_loopback, registry_url, same_origin
from preloadctl.lock.registries.once import OncePerKey
from preloadctl.lock.registries.patience import Patience
from preloadctl.lock.registries.transport import Answer, Transport
from preloader.images import Reference
from preloader.plain import is_map

CLIENT_ID = "preloadctl"


@dataclass(frozen=True, slots=True)
class Asker:
    """One image's way to its registry: the thread's connections and the image's time."""

    transport: Transport
    deadline: Deadline
    reference: Reference

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Asks once; raises RequestException and NotLocked."""
        return self.transport.get(url, headers, self.deadline, is_local=self.is_local)

    def post(self, url: str, form: Mapping[str, str]) -> Answer:
        """Sends a form once; raises as `get` does."""
        return self.transport.post(url, form, self.deadline, is_local=self.is_local)

    @property
    def is_local(self) -> bool:
        """Whether the reference itself names this machine as the registry."""
        return is_loopback(self.reference.registry)


@dataclass(frozen=True, slots=True)
class Access:
    """What a registry wants to see, and what there is to show; neither where it is open."""

    challenge: Challenge | None = None
    credentials: Credentials | None = None


class Registries:
    """All registries of a run. Each is asked once how it lets users in, before anything else.

    That a registry cannot be reached is found out once as well, whatever its number of images.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._accesses: OncePerKey[str, Access] = OncePerKey()
        self._tokens: OncePerKey[tuple[str, str], str] = OncePerKey()

    def get(self, asker: Asker, path: str, accept: str) -> Answer:
        """Returns the answer for a path of the image's repository; raises NotLocked."""
        reference = asker.reference
        url = f"{registry_url(reference.registry)}/v2/{reference.repository}/{path}"
        access = self._access(asker)
        token = self._token(asker, access)
        answer = self._ask(asker, url, {"Accept": accept, **_authorization(access, token)})
        if answer.status == HTTPStatus.UNAUTHORIZED and same_origin(answer.url, url):
            # A token has run out, or the registry is open at its root alone.
            access = self._renewed(asker, access, token, answer)
            token = self._token(asker, access)
            answer = self._ask(asker, url, {"Accept": accept, **_authorization(access, token)})
        if answer.status != HTTPStatus.OK:
            raise status_failure(answer, reference, path, access.credentials)
        return answer

    def _access(self, asker: Asker) -> Access:
        registry = asker.reference.registry

        def learn() -> Access:
            url = f"{registry_url(registry)}/v2/"
            answer = self._ask(asker, url, {})
            if answer.status >= HTTPStatus.TOO_MANY_REQUESTS:
                raise status_failure(answer, asker.reference)
            # What a redirect leads to is open, or does not want the credentials of this registry.
            challenge = _challenge(answer) if same_origin(answer.url, url) else None
            return _access(challenge, asker) if challenge else Access()

        return self._accesses.get(registry, learn, asker.deadline)

    def _token(self, asker: Asker, access: Access) -> str:
        """Returns the token for the image's repository; none where the registry takes none."""
        challenge, credentials = access.challenge, access.credentials
        if challenge is None or credentials is None or not challenge.realm:
            return ""
        key = (asker.reference.registry, asker.reference.repository)
        return self._tokens.get(
            key, lambda: self._new_token(asker, challenge, credentials), asker.deadline
        )

    def _new_token(self, asker: Asker, challenge: Challenge, credentials: Credentials) -> str:
        query = {"scope": f"repository:{asker.reference.repository}:pull"}
        if challenge.service:
            query["service"] = challenge.service
        if credentials.identity_token:
            form = {
                **query,
                "grant_type": "refresh_token",
                "refresh_token": credentials.identity_token,
                "client_id": CLIENT_ID,
            }
            url = challenge.realm
            answer = self._patience.ask(url, asker.deadline, lambda: asker.post(url, form))
        else:
            joint = "&" if "?" in challenge.realm else "?"
            url = f"{challenge.realm}{joint}{urlencode(query)}"
            answer = self._ask(asker, url, _basic(credentials))
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise refusal(answer.status, asker.reference, credentials)
        token = _token_in(answer) if answer.status == HTTPStatus.OK else None
        if token is None:
            raise NotLocked(
                f"{host_of(url)}, which lets users into {asker.reference.registry}, "
                f"answers {answer.status} without a token; try again later"
            )
        return token

    def _renewed(self, asker: Asker, access: Access, token: str, answer: Answer) -> Access:
        registry, repository = asker.reference.registry, asker.reference.repository
        if token:
            self._tokens.forget((registry, repository), token)
            return access
        challenge = _challenge(answer)
        if challenge is None or access.challenge:
            raise refusal(answer.status, asker.reference, access.credentials)
        self._accesses.forget(registry, access)
        return self._accesses.get(registry, lambda: _access(challenge, asker), asker.deadline)

    def _ask(self, asker: Asker, url: str, headers: Mapping[str, str]) -> Answer:
        return self._patience.ask(url, asker.deadline, lambda: asker.get(url, headers))


def _challenge(answer: Answer) -> Challenge | None:
    if answer.status != HTTPStatus.UNAUTHORIZED:
        return None
    return parse_challenge(answer.headers.get("www-authenticate", ""))


def _access(challenge: Challenge, asker: Asker) -> Access:
    return Access(challenge, find_credentials(asker.reference.registry, asker.deadline))


def _authorization(access: Access, token: str) -> dict[str, str]:
    if token:
        return {"Authorization": f"Bearer {token}"}
    return _basic(access.credentials) if access.credentials else {}


def _basic(credentials: Credentials) -> dict[str, str]:
    if not credentials.password:
        return {}
    pair = base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _token_in(answer: Answer) -> str | None:
    try:
        content: object = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    token: object = (content.get("token") or content.get("access_token")) if is_map(content) else ""
    return token if isinstance(token, str) and token else None
