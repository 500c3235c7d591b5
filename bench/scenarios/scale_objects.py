"""Files of a platform over PostgreSQL and S3: uploads, signatures, and a lake that moves there."""

import os
import re
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
from apsw import sqlite_extra

from bench.blobs import FileSet, ensure_files, manifest, warm_page_cache
from bench.builds import TODAY
from bench.catalogs import create, variables
from bench.lakes import copy_lake
from bench.nginx import free_port
from bench.postgres import postgres
from bench.s3 import s3
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.scenarios.scale import PACKAGES
from bench.scenarios.transfer import MEMORY
from bench.server import serve

LOADS = {"T": FileSet(200, 20_000), "S": FileSet(2_000, 20_000), "M": FileSet(10_000, 20_000)}
URLS = 10_000
FILE_BYTES = re.compile(
    r'^headrace_(?:received|sent)_bytes_total\{operation="(?:read_file|upload_form|upload_bytes)"\} (\S+)$',
    re.MULTILINE,
)
WORK = MEMORY / "headrace-bench" if MEMORY.is_dir() else None

ON_S3 = Contender("postgres-s3", "transfer_upload.py", packages=(*PACKAGES, "obstore"))
MOVER = Contender("postgres", "migrate.py", packages=PACKAGES)
SIGNER = Contender("signer", "sign_urls.py", packages=("headrace",))


def prepare(setting: Setting) -> None:
    """Create the files, and read them into the page cache."""
    warm_page_cache(ensure_files(setting.cache, load_of(setting)))


def load_of(setting: Setting) -> FileSet:
    """Return the files of a scale."""
    return LOADS.get(setting.scale, LOADS["M"])


def data(setting: Setting) -> dict[str, int]:
    """Describe the files, for the result."""
    load = load_of(setting)
    return {"files": load.files, "bytes_each": load.size}


def bytes_through(port: int) -> float:
    """Return how many bytes of files a server has received and sent, as its metrics say."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return sum(map(float, FILE_BYTES.findall(text)))


@contextmanager
def with_s3(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """Set up an empty platform over PostgreSQL and S3, with a server."""
    del contender
    load = load_of(setting)
    source = ensure_files(setting.cache, load)
    paths = folder / "paths.txt"
    paths.write_text("".join(f"{source / name}\n" for name, _, _ in manifest(setting.cache, load)))
    metrics = free_port()
    with (
        postgres(setting.cache) as database,
        s3(folder / "s3") as store,
        database.copy("template0", "run") as dsn,
    ):
        names = variables(dsn, store.url) | store.variables()
        create(folder, names)
        options = ("--metrics", str(metrics))
        with serve("postgresql://", folder, options=options, variables=names) as server:

            def readings() -> dict[str, float]:
                return {
                    **database.readings(),
                    **store.readings(),
                    "through_bytes": bytes_through(metrics),
                }

            yield RunSetup(
                {"target": server.address, "token": server.token, "paths": str(paths)},
                server_pid=server.pid,
                readings=readings,
                files=load.files,
                bytes=load.files * load.size,
                items=load.files,
            )
    shutil.rmtree(folder / "s3", ignore_errors=True)


@contextmanager
def with_signer(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """Set up nothing but the number of URLs."""
    del setting, contender, folder
    yield RunSetup({"urls": URLS}, items=URLS)


def forget_sizes(lake: Path) -> None:
    """Clear the sizes of the data, so that the command asks for no file."""
    # The extension keeps the checksums of pages.
    sqlite_extra.load(apsw.Connection(":memory:"), "cksumvfs")
    database = apsw.Connection(str(lake / "headrace.db"))
    database.execute("update data set size = null")
    database.execute("pragma wal_checkpoint(truncate)")
    database.close()
    # So that the run does not pay for writing the copy.
    os.sync()


@contextmanager
def with_lake(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """Set up a copy of the annotated lake without its files, and an empty database."""
    del contender
    made = TODAY.annotated_lake(setting.cache, setting.spec)
    lake = copy_lake(made, folder / "lake", objects=False)
    forget_sizes(lake)

    def verify() -> dict[str, int]:
        tables = ("asset", "annotation", "data")
        counts = (database.run(f"select count(*) from {each}", database="run") for each in tables)
        return {table: rows[0][0] for table, rows in zip(tables, counts, strict=True)}

    with postgres(setting.cache) as database, database.copy("template0", "run") as dsn:
        names = variables(dsn, str(folder / "objects"))
        yield RunSetup(
            {"lake": str(lake), "variables": names},
            readings=database.readings,
            verify=verify,
            items=setting.spec.images,
        )
    shutil.rmtree(lake)


def nothing(setting: Setting) -> None:
    """Prepare nothing."""


def urls(setting: Setting) -> dict[str, int]:
    """Describe the work, for the result."""
    del setting
    return {"urls": URLS}


SCALE_OBJECTS = (
    Scenario(
        "scale/upload",
        "upload files of 20 kB to a platform over PostgreSQL and S3",
        (ON_S3,),
        (),
        prepare,
        with_s3,
        data=data,
        coco=False,
        measures=("server_us_each", "job_cpu_s", "job_wall_s"),
        work=WORK,
    ),
    Scenario(
        "scale/migrate",
        "move a lake into PostgreSQL, without the files",
        (MOVER,),
        (),
        nothing,
        with_lake,
        measures=("postgres_us_each", "job_cpu_s", "job_wall_s"),
    ),
    Scenario(
        "scale/sign",
        "sign URLs of S3",
        (SIGNER,),
        (),
        nothing,
        with_signer,
        data=urls,
        coco=False,
        measures=("sign_us_each",),
    ),
)
