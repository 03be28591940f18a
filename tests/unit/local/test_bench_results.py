"""The benchmark's result: what it says first, for programs, and beside the last committed one."""

from __future__ import annotations

from pathlib import Path

from local.bench.results import CpuRatio, Figure, as_json, commit, compared, first_line

RESULT = as_json("Processor, 2 cores, Python 3.11", [0.1, 1.5], CpuRatio(3.0, 1.5), {"rate": Figure.of([3, 1, 2])})


def test_the_first_figure_is_the_ratio_of_cpu() -> None:
    line = first_line(CpuRatio(3.0, 1.5), 3)
    assert line == "Worker CPU per document : CPU of one bare httpx POST = 2.00 (3.00 ms : 1.50 ms, best of 3)"


def test_a_figure_is_the_median_with_its_spread() -> None:
    assert f"{Figure.of([3, 1, 2]):.1f}" == "2.0 (1.0 to 3.0)"
    assert f"{Figure.of([2]):.1f}" == "2.0"


def test_the_result_says_on_which_machine_and_how_busy_it_was() -> None:
    assert (RESULT["cpu_ratio"], RESULT["load_before"], RESULT["load_after"]) == (2.0, 0.1, 1.5)
    assert RESULT["figures"] == {"rate": {"median": 2, "lowest": 1, "highest": 3}}


def test_a_result_is_compared_with_the_last_one_of_the_same_class_of_machine(tmp_path: Path) -> None:
    committed = tmp_path / "bench.json"
    assert compared(RESULT, committed) == [
        "No result of this class of machine (Processor, 2 cores, Python 3.11) is committed."
    ]
    commit({**RESULT, "machine": "another"}, committed)
    commit({**RESULT, "cpu_ratio": 2.5}, committed)
    assert compared(RESULT, committed) == [
        "Last committed on this class of machine: CPU ratio 2.5, now 2.0.",
        "rate: 2 before, 2 now.",
    ]
