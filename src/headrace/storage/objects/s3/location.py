"""Where objects on S3 are, and with which key they are reached: a URL, the variables of AWS, and the files of AWS.

A URL is ``s3://bucket/prefix?endpoint=https://…``. It never holds a key: URLs stand in command lines and settings.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

from headrace.errors import ConfigurationError
from headrace.model.names import safe_parts
from headrace.storage.objects.s3.sigv4 import SigningKey

DEFAULT_REGION = "us-east-1"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_USUAL_PORTS = {"http": 80, "https": 443}
_OPTIONS = ("endpoint", "region", "public", "addressing")
_HOW = "write s3://BUCKET/PREFIX, for another S3 than that of AWS with ?endpoint=https://HOST"


class S3Location(Struct, frozen=True):
    """A folder of a bucket.

    Attributes:
        bucket: The bucket.
        prefix: What the keys of its objects begin with: empty, or with a slash at the end.
        region: The region of the bucket.
        endpoint: Scheme and host of the server, without a slash at the end.
        public: The same as clients reach it.
        in_path: Whether URLs name the bucket in their path, not in their host.
    """

    bucket: str
    prefix: str
    region: str
    endpoint: str
    public: str
    in_path: bool

    @property
    def name(self) -> str:
        """The folder as people write it, without options."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def outer_prefixes(self) -> list[str]:
        """The prefixes of the folders in which this one lies, that of the whole bucket first."""
        parts = self.prefix.split("/")[:-1]
        return ["".join(f"{part}/" for part in parts[:count]) for count in range(len(parts))]

    def base(self, address: str) -> str:
        """Return scheme and host of URLs of objects; ``address`` is :attr:`endpoint` or :attr:`public`."""
        if self.in_path:
            return address
        scheme, _, host = address.partition("://")
        return f"{scheme}://{self.bucket}.{host}"

    def path(self, key: str = "") -> str:
        """Return the path of the URL of a key of the bucket, or of the bucket itself; it is not quoted."""
        root = f"/{self.bucket}" if self.in_path else ""
        return f"{root}/{key}" if key else root or "/"


def parse_location(url: str, environment: Mapping[str, str] = os.environ) -> S3Location:
    """Parse the URL of a folder on S3; what it does not say comes from the variables and files of AWS.

    Raises:
        ConfigurationError: It is not such a URL. The message does not repeat what may be a key.
    """
    parts = urlsplit(url)
    if parts.scheme != "s3":
        raise ConfigurationError("the address of the objects is no URL of S3", hint=_HOW)
    if "@" in parts.netloc:
        raise ConfigurationError(
            "the address of the objects holds a key",
            hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its place",
        )
    bucket = parts.netloc
    if not _BUCKET.fullmatch(bucket):
        raise ConfigurationError(f"{bucket!r} cannot name a bucket of S3", hint=_HOW)
    folder = unquote(parts.path).strip("/")
    if folder:
        safe_parts(folder)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options:
        if name not in _OPTIONS:
            raise ConfigurationError(
                f"s3://{bucket} has an unknown option {name[:40]!r}",
                hint=f"there are {', '.join(_OPTIONS)}; keys come from the environment",
            )
    profile = _profile(environment)
    region = (
        options.get("region")
        or environment.get("AWS_REGION")
        or environment.get("AWS_DEFAULT_REGION")
        or profile.get("region")
        or DEFAULT_REGION
    )
    if not _REGION.fullmatch(region):
        raise ConfigurationError(f"{region!r} is no region", hint="write it as in eu-west-3")
    given = (
        options.get("endpoint")
        or environment.get("AWS_ENDPOINT_URL_S3")
        or environment.get("AWS_ENDPOINT_URL")
        or profile.get("endpoint_url")
    )
    endpoint = _address(given, "endpoint") if given else f"https://s3.{region}.amazonaws.com"
    public = _address(options["public"], "public") if options.get("public") else endpoint
    addressing = options.get("addressing") or ("path" if given or "." in bucket else "virtual")
    if addressing not in ("path", "virtual"):
        raise ConfigurationError(
            f"{addressing!r} is no way to address a bucket", hint="addressing is path or virtual"
        )
    return S3Location(
        bucket=bucket,
        prefix=f"{folder}/" if folder else "",
        region=region,
        endpoint=endpoint,
        public=public,
        in_path=addressing == "path",
    )


def find_key(location: S3Location, environment: Mapping[str, str] = os.environ) -> SigningKey:
    """Find the key of the account: in the variables of AWS, else in its files.

    Raises:
        ConfigurationError: There is none.
    """
    profile = _profile(environment)
    for found in (environment, {name.upper(): value for name, value in profile.items()}):
        name, secret = found.get("AWS_ACCESS_KEY_ID"), found.get("AWS_SECRET_ACCESS_KEY")
        if name and secret:
            return SigningKey(name, secret, found.get("AWS_SESSION_TOKEN", ""))
    raise ConfigurationError(
        f"there is no key for {location.name}",
        hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them into ~/.aws/credentials",
    )


def _address(text: str, option: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ConfigurationError(
            f"the {option} of the objects is no address", hint="write it as in https://host:9000"
        )
    if parts.path.strip("/") or parts.query:
        raise ConfigurationError(
            f"the {option} of the objects has a path", hint="the bucket stands in s3://BUCKET"
        )
    # Clients leave the usual port out of the host that they name, and the signature covers it.
    usual = f":{_USUAL_PORTS[parts.scheme]}"
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(usual)}"


def _profile(environment: Mapping[str, str]) -> dict[str, str]:
    """Read a profile of the files of AWS; empty where there is none."""
    name = environment.get("AWS_PROFILE") or "default"
    home = Path(environment.get("HOME") or Path.home()) / ".aws"
    found: dict[str, str] = {}
    for variable, path, section in (
        ("AWS_CONFIG_FILE", "config", name if name == "default" else f"profile {name}"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials", name),
    ):
        parser = configparser.RawConfigParser()
        try:
            parser.read(environment.get(variable) or home / path, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            # The text of the error may repeat a line with a key.
            raise ConfigurationError(f"the file {path} of AWS cannot be read") from None
        if parser.has_section(section):
            found |= dict(parser.items(section))
    return found
