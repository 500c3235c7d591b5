"""``headrace serve``: its options reach the server, as options and as variables."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from headrace.blocking import connect
from headrace.errors import RequestTooLargeError
from tests.support.data.images import draw_images
from tests.support.lakes import servers
from tests.support.lakes.templates import finished
from tests.support.processes.cli import headrace, running

OPTIONS = {
    "--public-url": "https://data.example.com/lake",
    "--url-ttl": "90",
    "--max-body": "4000",
    "--query-seconds": "20.5",
    "--stop-seconds": "2.5",
}


@pytest.mark.parametrize("as_variables", [False, True])
def test_the_options_of_a_server(tmp_path: Path, as_variables: bool) -> None:
    lake, token = finished(servers.new_lake(tmp_path / "lake"))
    draw_images(tmp_path / "images", 1)
    assert headrace("push", lake, "d/v", tmp_path / "images").status == 0
    arguments: list[str] = []
    variables: dict[str, str] = {}
    for option, value in OPTIONS.items():
        if as_variables:
            variables["HEADRACE_" + option[2:].replace("-", "_").upper()] = value
        else:
            arguments += [option, value]
    with running("serve", lake, "--port", "0", "--json", *arguments, **variables) as command:
        address = json.loads(command.first_line())["url"]
        with connect(address, api_token=token) as client:
            (data,) = client.get_datalake().list_data()
            url = urlsplit(data.record.presigned_url)
            assert (url.scheme, url.netloc) == ("https", "data.example.com")
            assert url.path.startswith("/lake/files/")
            assert 0 < int(parse_qs(url.query)["expires"][0]) - time.time() <= 90
            data.update_metadata({"note": "x" * 3000})
            with pytest.raises(RequestTooLargeError):
                data.update_metadata({"note": "x" * 5000})
        command.process.send_signal(signal.SIGINT)
        assert command.outcome().status == 0
