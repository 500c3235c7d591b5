"""Find the token for a server, and say where it comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from yarl import URL

from headrace.credentials.profiles import Profile, load_profiles
from headrace.errors import AuthenticationError, ConfigurationError, did_you_mean
from headrace.net.ssrf import is_loopback
from headrace.net.urls import origin, redact
from headrace.settings import TOKEN_VARIABLE, Settings, load_settings

_NAMED = (TOKEN_VARIABLE,)


class Credentials(NamedTuple):
    """A token and the one server that gets it.

    Attributes:
        address: The server, as scheme, host and port.
        token: The token.
        source: Where the token comes from, for messages: ``api_token=``, ``HEADRACE_TOKEN``, ``profile 'work'``.
        profile: The name of the profile that it comes from, if it is one.
        organization: The name of the organization that calls are made for. Default: that of the token.
    """

    address: str
    token: str
    source: str
    profile: str | None = None
    organization: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.address!r}, {self.source!r})"

    def refused(self, error: AuthenticationError) -> AuthenticationError:
        """Return the error for a server that refused this token, with the source of the token and the cure."""
        request = f", request {error.request_id}" if error.request_id else ""
        said = f": {error.message}" if error.message else ""
        first = f"{error.hint}; then" if error.hint else "it may be revoked or expired:"
        return AuthenticationError(
            f"{default_profile_name(self.address)} refused the token from {self.source}"
            f" ({error.status}{request}){said}",
            detail=error.detail,
            request_id=error.request_id,
            hint=f"{first} {self._cure()}",
        )

    def _cure(self) -> str:
        login = login_command(self.address, self.profile)
        if not self.source.isupper():
            return login
        # The variable would win over what is stored.
        return f"correct {self.source}, or unset it and run: {login}"


def find_credentials(
    address: str,
    *,
    api_token: str | None = None,
    profile: str | None = None,
    organization: str | None = None,
    variables: Sequence[str] = _NAMED,
    settings: Settings | None = None,
    environment: Mapping[str, str] | None = None,
) -> Credentials:
    """Find the token for a server.

    The first of these that exists: ``api_token``, ``profile``, a variable of the environment, the profile that the
    settings name, the only profile for the server. A profile never serves another server than its own.

    Args:
        address: The URL of the server.
        api_token: The token that the caller gave.
        profile: The name of the profile that the caller chose.
        organization: The organization that the caller chose.
        variables: The environment variables that may hold the token, in their order. ``HEADRACE_TOKEN`` is for servers
            that a person named; leave it out for a default address.
        settings: The settings in effect. Default: they are loaded.
        environment: The environment variables. Default: those of the process.

    Returns:
        The token, its source, and the organization.

    Raises:
        ConfigurationError: There is no token, or it must not be sent to this server; the hint says what to do.
    """
    settings = settings or load_settings()
    variables_set = os.environ if environment is None else environment
    try:
        where = origin(address)
    except ValueError:
        raise ConfigurationError(f"{redact(address)} is not the address of a server") from None
    check_encrypted(where, settings)
    if api_token is not None and profile is not None:
        raise ConfigurationError(
            "a token and a profile exclude each other", hint="omit api_token= or profile="
        )
    organization = organization or settings.organization
    if api_token is not None:
        found = Credentials(where, api_token, "api_token=", None, organization)
    else:
        name = profile
        if name is None:
            for variable in variables:
                if token := variables_set.get(variable, "").strip():
                    found = Credentials(where, token, variable, None, organization)
                    return _checked(found)
            name = settings.profile
        chosen, stored = _profile(where, name)
        found = Credentials(
            where, stored.token, f"profile {chosen!r}", chosen, organization or stored.organization
        )
    return _checked(found)


def login_command(address: str, profile: str | None = None) -> str:
    """Return the command that stores a token for a server."""
    return f"headrace login {address}" + (f" --profile {profile}" if profile else "")


def default_profile_name(address: str) -> str:
    """Return the name of a profile that was stored without one: host of its server, and port if it has one."""
    return address.partition("://")[2]


def get_profile(name: str) -> Profile:
    """Return the profile of this name. Raises ConfigurationError with the nearest names if there is none."""
    profiles = load_profiles()
    if name not in profiles:
        known = sorted(profiles)
        hint = f"{did_you_mean(name, known)}profiles: {', '.join(known)}" if known else None
        raise ConfigurationError(
            f"there is no profile {name!r}",
            hint=hint or "headrace login URL --profile NAME makes one",
        )
    return profiles[name]


def check_encrypted(address: str, settings: Settings) -> None:
    """Raise ConfigurationError for a server that would get the token over the network without encryption."""
    url = URL(address)
    if url.scheme != "https" and not is_loopback(url) and not settings.allow_http:
        raise ConfigurationError(
            f"{origin(url)} is not encrypted: everybody on the way could read the token",
            hint="use https://, or set HEADRACE_ALLOW_HTTP=1 on a network that you trust",
        )


def _profile(address: str, name: str | None) -> tuple[str, Profile]:
    """Return the profile of a name, or the one for a server, with its name."""
    if name is not None:
        profile = get_profile(name)
        if profile.address != address:
            raise ConfigurationError(
                f"profile {name!r} is for {profile.address}, and its token is not sent to {address}",
                hint=login_command(address),
            )
        return name, profile
    fitting = {name: one for name, one in load_profiles().items() if one.address == address}
    default = default_profile_name(address)
    if default in fitting:
        return default, fitting[default]
    if len(fitting) > 1:
        raise ConfigurationError(
            f"several profiles are for {address}: {', '.join(sorted(fitting))}",
            hint="choose one: profile=",
        )
    for name, one in fitting.items():
        return name, one
    raise ConfigurationError(
        f"{address} needs a token",
        hint=f"pass api_token=, set {TOKEN_VARIABLE}, or run: {login_command(address)}",
    )


def _checked(found: Credentials) -> Credentials:
    """Return credentials whose token may be sent."""
    return found._replace(token=checked_token(found.token, found.source))


def checked_token(token: str, source: str) -> str:
    """Return a token without white space around it. Raises ConfigurationError if it cannot be one."""
    token = token.strip()
    if not token:
        raise ConfigurationError(f"the token from {source} is empty", hint="copy it again")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError(
            f"the token from {source} contains characters that are not valid in a token",
            hint="copy it again",
        )
    return token
