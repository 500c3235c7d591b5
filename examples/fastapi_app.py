"""A FastAPI service over a lake: list versions, search assets, download annotations.

    LAKE=demo-out/lake uvicorn examples.fastapi_app:app

``LAKE`` is a lake's folder, or the address of a headrace server with its token in ``HEADRACE_TOKEN``.
"""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import FileResponse, JSONResponse
from starlette.background import BackgroundTask

import headrace
from headrace.errors import APIError


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the client when the service starts and close it when the service stops."""
    async with headrace.connect(os.environ["LAKE"]) as client:
        app.state.client = client
        yield


app = FastAPI(title="Lake browser", lifespan=lifespan)


def the_client(request: Request) -> headrace.Client:
    """Return the client that all requests share."""
    client: headrace.Client = request.app.state.client
    return client


async def the_version(
    dataset: str, version: str, client: Annotated[headrace.Client, Depends(the_client)]
) -> headrace.DatasetVersion:
    """Return the version that the path names."""
    return await client.version(f"{dataset}/{version}")


Client = Annotated[headrace.Client, Depends(the_client)]
Version = Annotated[headrace.DatasetVersion, Depends(the_version)]


@app.exception_handler(APIError)
async def on_error(_: Request, error: APIError) -> JSONResponse:
    """Answer with the status, the message and the cure of the error."""
    body = {"message": error.message, "hint": error.hint}
    return JSONResponse(body, status_code=error.status)


@app.get("/versions")
async def list_versions(client: Client) -> list[str]:
    """List all versions as dataset/version."""
    return [
        f"{version.name}/{version.version}"
        async for dataset in client.list_datasets()
        async for version in dataset.list_versions()
    ]


@app.get("/versions/{dataset}/{version}")
async def count(found: Version) -> dict[str, Any]:
    """Count the annotations and shapes of a version."""
    stats = await found.retrieve_stats()
    return {"shapes": stats.nb_objects, "labels": stats.label_repartition}


@app.get("/versions/{dataset}/{version}/assets")
async def list_assets(
    found: Version, q: str | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[str]:
    """List the file names of the assets that a query selects."""
    return [asset.filename async for asset in found.list_assets(q=q, limit=limit)]


@app.get("/versions/{dataset}/{version}/coco.json")
async def download_coco(found: Version) -> FileResponse:
    """Write the annotations as COCO and send the file."""
    folder = Path(tempfile.mkdtemp())
    remove = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    try:
        await found.export(folder / "coco.json", "coco")
    except BaseException:
        await remove()
        raise
    return FileResponse(folder / "coco.json", background=remove)
