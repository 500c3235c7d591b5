"""Where files may be: never nearer to this machine than the server that names them (S11)."""

from __future__ import annotations

import pytest
from yarl import URL

from headrace.errors import TransferError
from headrace.net.ssrf import policy_for
from headrace.net.storage_session import StorageSession

OPEN, PRIVATE, OWN = "https://hub.example", "http://10.1.2.3:8430", "http://127.0.0.1:8430"
METADATA = [
    "http://169.254.169.254/latest",
    "http://[fd00:ec2::254]/x",
    "http://[::ffff:169.254.169.254]/x",
    "http://metadata.google.internal/x",
]


@pytest.mark.parametrize(
    ("api", "file"),
    [
        (OPEN, "https://bucket.example/a"),
        (PRIVATE, "http://bucket.example/a"),
        (PRIVATE, "http://192.168.7.8/a"),
        (OWN, "http://localhost:9000/a"),
        (OWN, "http://10.1.1.1/a"),
    ],
)
def test_s11_where_files_may_be(api: str, file: str) -> None:
    policy_for(api, trusted=False).check(URL(file))


@pytest.mark.parametrize(
    ("api", "file"),
    [
        (OPEN, "http://bucket.example/a"),
        (OPEN, "https://10.1.1.1/a"),
        (OPEN, "https://localhost/a"),
        (OPEN, "https://[::1]/a"),
        (PRIVATE, "http://127.0.0.1:9000/a"),
        (PRIVATE, "http://x.localhost./a"),
    ],
)
def test_s11_where_they_may_be_only_if_it_is_said(api: str, file: str) -> None:
    with pytest.raises(TransferError, match="as the storage, which") as caught:
        policy_for(api, trusted=False).check(URL(file + "?secret"))
    assert "HEADRACE_TRUST_STORAGE" in str(caught.value.hint)
    assert "secret" not in str(caught.value)
    policy_for(api, trusted=True).check(URL(file))


@pytest.mark.parametrize("file", METADATA)
@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("api", [OPEN, PRIVATE, OWN])
def test_s11_never_where_a_cloud_keeps_its_secrets(api: str, trusted: bool, file: str) -> None:
    with pytest.raises(TransferError):
        policy_for(api, trusted=trusted).check(URL(file))


@pytest.mark.parametrize("fast_path", [False, True])
async def test_s11_nothing_is_asked_and_nothing_sent(fast_path: bool) -> None:
    reach = policy_for(OPEN, trusted=False)
    session = StorageSession(user_agent="test", fast_path=fast_path, url_policy=reach)
    try:
        with pytest.raises(TransferError, match="as the storage, which"):
            await session.get("http://127.0.0.1:1/a")
        with pytest.raises(TransferError, match="as the storage, which"):
            await session.send("PUT", "https://127.0.0.1:1/a", data=b"")
    finally:
        await session.aclose()
