"""Print a result as text."""

import statistics
from collections.abc import Mapping
from typing import Any

COLUMNS = {
    "wall_s": "wall s",
    "job_wall_s": "job s",
    "cpu_s": "CPU s",
    "job_cpu_s": "job CPU s",
    "server_cpu_s": "server CPU s",
    "postgres_cpu_s": "db CPU s",
    "s3_cpu_s": "S3 CPU s",
    "total_us_each": "all us/item",
    "job_us_each": "job us/item",
    "server_us_each": "server us/item",
    "postgres_us_each": "db us/item",
    "platform_us_each": "both us/item",
    "log_bytes_each": "log B/item",
    "lock_wait_share": "lock wait/wall",
    "foreign_wait_share": "for others/wall",
    "sign_us_each": "us/signature",
    "through_bytes": "bytes through",
    "first_page_ms": "ms 1st page",
    "last_page_ms": "ms last page",
    "stats_ms": "ms stats",
    "export_postgres_us": "export db us",
    "load_postgres_us": "load db us",
    "fork_postgres_us": "fork db us",
    "delete_postgres_us": "delete db us",
    "page_cpu_ms": "ms CPU/page",
    "bytes_each": "bytes/shape",
    "blob_bytes_each": "blob bytes/shape",
    "peak_mib": "peak MiB",
    "server_peak_mib": "server MiB",
    "ping_p50_ms": "ping p50 ms",
    "ping_p99_ms": "ping p99 ms",
    "ping_max_ms": "ping max ms",
    "files_per_cpu_s": "files/CPU s",
    "mb_per_cpu_s": "MB/CPU s",
    "files_per_s": "files/s",
    "mb_per_s": "MB/s",
    "stall_p99_ms": "p99 stall ms",
    "stall_max_ms": "max stall ms",
}

WORDS = {
    "wall_s": "wall time",
    "job_wall_s": "wall time of the job alone",
    "cpu_s": "CPU time",
    "job_cpu_s": "CPU time of the job alone",
    "total_cpu_s": "CPU time with the server's",
    "job_total_cpu_s": "CPU of the job and the server",
    "job_us_each": "CPU of the job an item",
    "server_us_each": "CPU of the server an item",
    "server_cpu_s": "CPU time of the server",
    "postgres_cpu_s": "CPU time of the database",
    "postgres_us_each": "CPU of the database an item",
    "platform_us_each": "CPU of both an item",
    "lock_wait_share": "waits for locks by wall",
    "foreign_wait_share": "waits for others by wall",
    "through_bytes": "bytes through the server",
    "sign_us_each": "CPU of a signature",
    "first_page_ms": "CPU of the first page",
    "last_page_ms": "CPU of the last page",
    "stats_ms": "CPU of the statistics",
    "export_postgres_us": "database CPU of an export",
    "load_postgres_us": "database CPU of a load",
    "fork_postgres_us": "database CPU of a fork",
    "delete_postgres_us": "database CPU of a deletion",
    "page_cpu_ms": "CPU time of a page",
    "bytes_each": "bytes of a shape",
    "blob_bytes_each": "bytes of a shape in its blob",
    "peak_mib": "peak memory",
}


def text(result: Mapping[str, Any]) -> str:
    """Return the medians of each contender, and the ratios with their spread."""
    data = result["data"]
    lines = [
        f"{result['scenario']} at scale {result['scale']}: {describe_data(data)}",
        "",
        *table(result),
    ]
    if result["ratios"]:
        lines += ["", "peer / ours, pair by pair: median (min to max); above 1, ours took less"]
        lines += [ratio_line(each) for each in result["ratios"] if is_shown(each, result)]
    if not result["same_outcome"]:
        lines += ["", "THE OUTCOMES DIFFER, so the ratios are meaningless:"]
        lines += [f"  {run['round']} {run['contender']}: {run['counts']}" for run in result["runs"]]
    lines += [f"\nFAILED {message}" for message in result["failures"].values()]
    return "\n".join(lines)


def describe_data(data: Mapping[str, Any]) -> str:
    """Describe the data in a few words."""
    if "annotations" in data:
        return (
            f"{data['images']:,} images, {data['annotations']:,} annotations, "
            f"{data['bytes'] / 1e6:,.1f} MB of COCO JSON"
        )
    return ", ".join(f"{key} {value}" for key, value in data.items())


def table(result: Mapping[str, Any]) -> list[str]:
    """Return one line for each contender: the median of each figure over the measured rounds."""
    rows = {}
    for name in result["contenders"]:
        counted = [run for run in result["runs"] if run["contender"] == name and run["round"]]
        if counted:
            rows[name] = medians([run["figures"] for run in counted])
    used = [key for key in COLUMNS if any(key in row for row in rows.values())]
    width = max([len(name) for name in rows] + [9])
    lines = ["median".ljust(width) + "".join(COLUMNS[key].rjust(16) for key in used)]
    for name, row in rows.items():
        cells = (f"{row[key]:,.2f}" if key in row else "-" for key in used)
        lines.append(name.ljust(width) + "".join(cell.rjust(16) for cell in cells))
    return lines


def medians(figures: list[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of each figure."""
    return {key: statistics.median(each[key] for each in figures) for key in figures[0]}


def is_shown(ratio: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    """Return whether to print a ratio: without a server, both CPU times are the same."""
    if ratio["measure"] not in ("total_cpu_s", "job_total_cpu_s"):
        return True
    return any("server_cpu_s" in run["figures"] for run in result["runs"])


def ratio_line(ratio: Mapping[str, Any]) -> str:
    """Return one line with a ratio and its spread."""
    pair = f"{ratio['peer']} / {ratio['ours']}"
    return (
        f"  {pair:<32} {WORDS[ratio['measure']]:<28} {ratio['median']:8.2f} "
        f"({ratio['min']:.2f} to {ratio['max']:.2f})"
    )
