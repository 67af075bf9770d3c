"""How a registry says what it wants to see: the header `WWW-Authenticate`.

https://distribution.github.io/distribution/spec/auth/token/
"""

import re
from dataclasses import dataclass

_PARAMETER = r'[a-z_]+\s*=\s*(?:"[^"]*"|[^\s,"]*)'
_CHALLENGE = re.compile(
    rf"(?:^|,)\s*(bearer|basic)(?:\s+({_PARAMETER}(?:\s*,\s*{_PARAMETER})*))?", re.IGNORECASE
)
_NAME_AND_VALUE = re.compile(r'([a-z_]+)\s*=\s*(?:"([^"]*)"|([^\s,"]*))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What to authenticate with: a token of `realm` for `service`, or (no realm) a password."""

    realm: str = ""
    service: str = ""


def parse_challenge(header: str) -> Challenge | None:
    """Returns the challenge to answer, a token's before a password's; None where there is none."""
    challenges = {
        match.group(1).lower(): _parameters(match.group(2) or "")
        for match in _CHALLENGE.finditer(header)
    }
    bearer = challenges.get("bearer", {})
    if bearer.get("realm"):
        return Challenge(bearer["realm"], bearer.get("service", ""))
    return Challenge() if "basic" in challenges else None


def _parameters(text: str) -> dict[str, str]:
    return {name.lower(): quoted or plain for name, quoted, plain in _NAME_AND_VALUE.findall(text)}
