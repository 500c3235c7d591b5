"""``headrace version digest``."""

from __future__ import annotations

from headrace.cli.console.options import DEFAULT_ACCOUNT, DEFAULT_OUTPUT, Account, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version, split_digest
from headrace.cli.console.wording import plural


async def digest(
    target: str,
    version: str,
    /,
    *,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Print the digest of a version's content: its files, its shapes and its labels.

    The same content has the same digest in every lake, on every server and platform. With a digest after the name (dataset/version@sha256:…) the version is compared with it; the exit status is 1 if it has another one. pull, export and copy take such a name too. A platform that does not tell the SHA-256 of its files has all of them fetched.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version or dataset/version@sha256:….
    """
    name, expected = split_digest(version)
    async with connected(target, account) as client:
        found = await find_version(client, name)
        result = await found.digest(expected_digest=expected, progress=output.reporter)
    counts = [
        plural(result.assets, "asset"),
        plural(result.annotations, "annotation"),
        plural(result.shapes, "shape"),
        plural(result.labels, "label"),
    ]
    if result.fetched:
        counts.append(f"{plural(result.fetched, 'file')} fetched to hash them")
    return Result(
        command="version.digest",
        data={
            "version": name,
            "digest": str(result),
            "assets": result.assets,
            "annotations": result.annotations,
            "shapes": result.shapes,
            "labels": result.labels,
            "fetched": result.fetched,
        },
        lines=[f"{name}@{result}", ", ".join(counts)],
    )
