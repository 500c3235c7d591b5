"""``headrace login``, ``headrace logout`` and ``headrace whoami``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import DEFAULT_ACCOUNT, DEFAULT_OUTPUT, Account, Output
from headrace.cli.console.result import Result
from headrace.cli.console.terminal import ask_secret, can_ask
from headrace.errors import ConfigurationError, did_you_mean

if TYPE_CHECKING:
    from headrace.credentials.profiles import Profile


async def login(
    url: str,
    /,
    *,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Store a token for a server.

    Asks for the token on a terminal; elsewhere, write it to standard input with --token -. The token is tried, then
    stored in a file that only you can read, and is sent to this server only.

    Args:
        url: The server's URL.
    """
    from headrace import connect
    from headrace.credentials.find import check_encrypted, checked_token, default_profile_name
    from headrace.credentials.profiles import Profile, profiles_path, store_profile
    from headrace.settings import load_settings
    from headrace.threads import in_thread

    address = _address(url)
    check_encrypted(address, load_settings())
    token = checked_token(account.api_token or await _asked(address), "standard input")
    async with connect(address, api_token=token, organization_name=account.organization) as client:
        username, organization = client.username, client.name
    name = account.profile or default_profile_name(address)
    stored = Profile(address=address, token=token, organization=account.organization)
    await in_thread(store_profile, name, stored)
    return Result(
        command="login",
        data={
            "profile": name,
            "address": address,
            "username": username,
            "organization": organization,
            "file": str(profiles_path()),
        },
        lines=[
            f"{address}: logged in as {username} (organization {organization}), profile {name}",
            f"The token is in {profiles_path()}",
        ],
        next=f"headrace ls {address}",
    )


async def logout(
    url: str | None = None,
    /,
    *,
    profile: str | None = None,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Forget a stored token. The token itself stays valid until it is revoked.

    Args:
        url: The server's URL. Default: that of the only profile.
        profile: The profile to forget, where a server has several.
    """
    from headrace.credentials.find import get_profile
    from headrace.credentials.profiles import load_profiles, remove_profile
    from headrace.threads import in_thread

    if profile is None:
        name = _only_profile(load_profiles(), None if url is None else _address(url))
    else:
        name = profile
    address = get_profile(name).address
    if url is not None and address != _address(url):
        raise ConfigurationError(f"profile {name!r} is for {address}, not for {_address(url)}")
    await in_thread(remove_profile, name)
    return Result(
        command="logout",
        data={"profile": name, "address": address},
        lines=[
            f"{address}: forgot the token of profile {name}. It stays valid until it is revoked"
        ],
    )


async def whoami(
    url: str | None = None,
    /,
    *,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Say who you are on a server and where the token comes from, or list what is stored.

    Args:
        url: The server's URL. Default: the server of --profile; without it, list the profiles.
    """
    from headrace import connect
    from headrace.credentials.find import find_credentials, get_profile
    from headrace.settings import load_settings

    profile = account.profile or (load_settings().profile if url is None else None)
    if url is None:
        if profile is None:
            return _profiles()
        url = get_profile(profile).address
    found = find_credentials(
        url, api_token=account.api_token, profile=profile, organization=account.organization
    )
    async with connect(
        url,
        api_token=account.api_token,
        organization_name=account.organization,
        profile=profile,
    ) as client:
        username, organization = client.username, client.name
    source = "standard input" if account.api_token else found.source
    return Result(
        command="whoami",
        data={
            "address": found.address,
            "username": username,
            "organization": organization,
            "source": source,
            "profile": found.profile,
        },
        lines=[f"{found.address}: {username}, organization {organization}, token from {source}"],
    )


def _profiles() -> Result:
    from headrace.credentials.profiles import load_profiles
    from headrace.settings import TOKEN_VARIABLE

    profiles = load_profiles()
    variable = bool(os.environ.get(TOKEN_VARIABLE, "").strip())
    width = max(map(len, profiles), default=0)
    lines = [
        f"{name:<{width}}  {one.address}" + (f"  {one.organization}" if one.organization else "")
        for name, one in sorted(profiles.items())
    ]
    if variable:
        lines.append(f"{TOKEN_VARIABLE} is set: it is used for every server that you name")
    elif not profiles:
        lines.append("not logged in")
    listed: list[dict[str, Any]] = [
        {"profile": name, "address": one.address, "organization": one.organization}
        for name, one in sorted(profiles.items())
    ]
    return Result(
        command="whoami",
        rows="profiles",
        data={"profiles": listed, "variable": TOKEN_VARIABLE if variable else None},
        lines=lines,
        next=None if profiles or variable else "headrace login URL",
    )


def _only_profile(profiles: dict[str, Profile], address: str | None) -> str:
    """Return the name of the only profile, of the server if one is named."""
    from headrace.credentials.find import default_profile_name

    fitting = sorted(name for name, one in profiles.items() if address in (None, one.address))
    if len(fitting) == 1:
        return fitting[0]
    if address is not None and default_profile_name(address) in fitting:
        return default_profile_name(address)
    if fitting:
        raise UsageError(
            "several tokens are stored", hint=f"choose one: --profile {' | '.join(fitting)}"
        )
    servers = sorted({one.address for one in profiles.values()})
    hint = (
        f"{did_you_mean(address or '', servers)}servers: {', '.join(servers)}" if servers else None
    )
    raise ConfigurationError(
        "no token is stored" + (f" for {address}" if address else ""), hint=hint
    )


def _address(url: str) -> str:
    from headrace.net.urls import origin, redact

    try:
        address = origin(url)
    except ValueError:
        # What cannot be read as a URL could contain a password only behind such a character.
        shown = redact(url) if {"@", "?", "#"} & {*url} else repr(url)
        raise UsageError(
            f"{shown} is not the address of a server",
            hint="write https://host or https://host:port",
        ) from None
    if not address.startswith(("http://", "https://")):
        raise UsageError(f"{redact(url)} is not the address of a server", hint="use https://host")
    return address


async def _asked(address: str) -> str:
    if not can_ask():
        raise UsageError(
            f"there is no terminal to ask for the token of {address}",
            hint="write it to standard input with --token -, or set HEADRACE_TOKEN and skip login",
        )
    return await ask_secret(f"Token for {address} (not shown): ")
