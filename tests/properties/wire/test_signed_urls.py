"""The URLs of a long listing are those of single files, for any name, key and organization."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headrace.platform.accounts.signing_keys import SigningKey
from headrace.server.signing import UrlSigner

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(
    names=st.lists(NAMES | st.from_regex(r"[a-z0-9-]{8}/[a-z]{1,9}\.jpg", fullmatch=True)),
    secret=st.binary(min_size=1, max_size=100),
    organization=st.integers(1, 2**31),
    now=st.integers(0, 2**33),
)
def test_urls_of_a_listing(names: list[str], secret: bytes, organization: int, now: int) -> None:
    signer = UrlSigner(
        "https://hub.example", SigningKey(7, secret), life=60, clock=lambda: float(now)
    )
    url = signer.downloads(organization)
    assert [url(name) for name in names] == [signer.download(organization, name) for name in names]
