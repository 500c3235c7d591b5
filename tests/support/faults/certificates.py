"""A certificate for localhost that its own owner has signed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest


class Certificate(NamedTuple):
    """Two PEM files."""

    path: Path
    key: Path


def signed_by_itself(folder: Path) -> Certificate:
    """A fresh one; skips the test where there is no openssl."""
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    try:
        subprocess.run(
            [*command, "-keyout", made.key, "-out", made.path, *names],
            check=True,
            capture_output=True,
        )
    except OSError:
        pytest.skip("needs openssl")
    return made
