"""300 seeded faults in a lake: each is found by a check, or changes no answer; what can be mended is mended."""

from __future__ import annotations

from pathlib import Path

import pytest

import headrace
from headrace.errors import CorruptionError
from tests.support.lakes.faults import answers, copy_varied, do_damage, varied_answers
from tests.support.tiers import slow

SEEDS = [seed if seed % 10 == 0 else slow(seed) for seed in range(300)]


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_fault_is_found_or_changes_no_answer(tmp_path: Path, seed: int) -> None:
    lake = copy_varied(tmp_path / "lake")
    fault = do_damage(lake, seed)
    report = await headrace.check_lake(lake, read_data=True)
    if report.ok:
        assert await answers(lake) == varied_answers(), fault.what
        return
    if fault.mendable:
        mended = await headrace.check_lake(lake, read_data=True, repair=True)
        assert mended.ok, (fault.what, mended)
        assert mended.repaired
        after = await headrace.check_lake(lake, read_data=True)
        assert not after.faults, (fault.what, after)
        assert await answers(lake) == varied_answers(), fault.what


@pytest.mark.parametrize(
    "offset", [offset if offset % 9 == 0 else slow(offset) for offset in range(100)]
)
async def test_a_flipped_byte_of_the_header_is_found_or_changes_no_answer(
    tmp_path: Path, offset: int
) -> None:
    lake = copy_varied(tmp_path / "lake")
    file = lake / "headrace.db"
    content = bytearray(file.read_bytes())
    content[offset] ^= 0x11
    file.write_bytes(content)
    report = await headrace.check_lake(lake)
    if report.ok:
        assert await answers(lake) == varied_answers()


async def test_nothing_is_found_in_a_clean_lake(tmp_path: Path) -> None:
    lake = copy_varied(tmp_path / "lake")
    for repair in (False, True):
        report = await headrace.check_lake(lake, read_data=True, repair=repair)
        assert (report.faults, report.notes, report.repaired) == ({}, {}, [])
        assert report.ok
        assert report.checksums == "verified"
        assert report.checked["versions"] == 3
        assert report.checked["files"] == 30
    assert await answers(lake) == varied_answers()


async def test_no_answer_is_shorter_where_a_page_is_damaged(tmp_path: Path) -> None:
    """Every page in turn: what is answered is complete, or an error that names the damage."""
    lake = copy_varied(tmp_path / "lake")
    file = lake / "headrace.db"
    content = file.read_bytes()
    pages = len(content) // 8192
    met = 0
    for page in range(2, pages + 1, max(1, pages // 12)):
        damaged = bytearray(content)
        start = (page - 1) * 8192 + 4000
        damaged[start : start + 512] = bytes(each ^ 0xA5 for each in damaged[start : start + 512])
        file.write_bytes(damaged)
        try:
            found = await answers(lake)
        except CorruptionError:
            met += 1
        else:
            assert found == varied_answers()
    assert met > 3
