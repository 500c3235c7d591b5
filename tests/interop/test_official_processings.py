"""The official client launches processings against a headrace server in a process of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from headrace.model.enums import ProcessingTargetType
from headrace.platform.processings.programs import Program
from tests.support.lakes.servers import new_lake
from tests.support.processes.official import CLIENTS, drive, hosted
from tests.support.processes.programs import PYTHON, register

SCRIPT = Path(__file__).with_name("official_processings.py")


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
async def test_processings(tmp_path: Path, client: str) -> None:
    lake, token = await new_lake(tmp_path / "lake")
    (tmp_path / "own_processings.py").write_text(PYTHON)
    own = {name: Program(callable=f"own_processings:{name}") for name in ("names", "fails")}
    await register(lake, "names", own["names"], parameters={"a": 1})
    await register(lake, "data", "print('looked')", target=ProcessingTargetType.DATALAKE)
    await register(lake, "fails", own["fails"])
    folder = tmp_path / "work"
    folder.mkdir()
    Image.new("RGB", (64, 48), "red").save(folder / "a.png")
    shutil.copy(folder / "a.png", folder / "b.png")
    async with hosted(client, lake) as server:
        seen = await drive(SCRIPT, server.address, token, folder, client=client)
        assert await server.stop() == 0
    assert seen["listed"] == [
        ["find-duplicates", "DATASET_VERSION", "AUTO_TAGGING"],
        ["names", "DATASET_VERSION", None],
        ["data", "DATALAKE", None],
        ["fails", "DATASET_VERSION", None],
    ]
    assert seen["shipped"] == ["find-duplicates", ":"]
    assert seen["found"][0] == "SUCCEEDED"
    assert len(seen["found"][1]) == 1
    assert seen["some"] == ["SUCCEEDED", "SUCCEEDED"]
    assert (seen["on_lake"], seen["failing"]) == ("SUCCEEDED", "FAILED")
    refusals = seen["refusals"]
    own = {"ForbiddenError": "PermissionDeniedError", "ResourceNotFoundError": "NotFoundError"}
    official = {ours: theirs for theirs, ours in own.items()}
    assert {name: official.get(kind, kind) for name, (kind, _) in refusals.items()} == {
        "create": "ForbiddenError",
        "update": "ForbiddenError",
        "delete": "ForbiddenError",
        "missing": "ResourceNotFoundError",
        "parameter": "BadRequestError",
        "cpu": "InsufficientResourcesError",
        "inputs": "BadRequestError",
    }
    assert "headrace processing add LAKE x" in refusals["create"][1]
    assert "'b'" in refusals["parameter"][1]
