"""The peers' section: who was not run is told, and either command keeps what the other wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.cut_cases import CASES, CUTS, case_of
from tests.benchmarks.peers import __main__ as bench
from tests.benchmarks.peers.measured import main as measured
from tests.benchmarks.peers.programs import PROGRAMS, Program
from tests.benchmarks.peers.section import HEADING, Row, section, section_of, with_section
from tests.benchmarks.score_plan import simulate
from tests.unit.benchmarks.test_page import MACHINE

OURS = Row(
    program="v2g-daemon",
    version="0.1.0",
    cost=-1.23456,
    missed_kwh=0.004,
    not_followed_kwh=1.5,
    plan_cpu_ms=12.4,
    plan_wall_ms=30.6,
    rss_mib=41.2,
    import_cpu_s=0.126,
)


def test_a_row_holds_cost_missed_kwh_time_memory_and_import() -> None:
    text = section(MACHINE, {"winter": [OURS]}, runs=3)
    row = "| v2g-daemon 0.1.0 |  | -1.235 | 0.00 | 1.50 | 12 ms (31) | 41 MiB | 0.13 s |"
    assert row in text.splitlines()
    assert "### winter" in text
    assert "median of 3\nplans" in text


def test_who_was_not_run_stands_in_the_table() -> None:
    text = section(MACHINE, {"winter": [Row(program="EMHASS")]}, runs=3)
    assert "| EMHASS |  | not run |  |  |  |  |  |" in text.splitlines()


def test_every_program_is_said_to_be_driven_somehow_and_to_lack_something() -> None:
    text = section(MACHINE, {}, runs=3)
    for program in PROGRAMS:
        assert f"| {program.name} | {program.driven} | {program.cannot} |" in text


def test_the_section_takes_the_place_of_the_old_one_and_leaves_the_page() -> None:
    page = with_section("# Benchmarks\n\nfigures\n", f"{HEADING}\n\nold\n")
    assert page == f"# Benchmarks\n\nfigures\n\n{HEADING}\n\nold\n"
    assert with_section(page, f"{HEADING}\n\nnew\n") == page.replace("old", "new")


def test_a_new_page_keeps_the_section_of_the_old_one() -> None:
    old = f"# Benchmarks\n\nfigures\n\n{HEADING}\n\npeers\n"
    assert with_section("# Benchmarks\n\nbetter\n", section_of(old)) == old.replace(
        "figures", "better"
    )
    assert with_section("# Benchmarks\n", section_of("# Benchmarks\n")) == "# Benchmarks\n"


def test_a_peer_that_cannot_be_installed_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(bench, "failure", lambda command, timeout_s: "no matching distribution")
    peer = Program(
        name="Nobody",
        requirement="nobody==1",
        adapter="nobody_case.py",
        efficiencies=(0.9,),
        driven="",
        cannot="",
    )
    python = bench.interpreter(peer)
    assert isinstance(python, bench.Unable)
    assert bench.measured(peer, python, {}, 1) == Row(program="Nobody")
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "not run: Nobody could not be installed: no matching distribution"


def test_the_last_words_of_a_command_that_fails_are_its_reason() -> None:
    command = ["sh", "-c", "echo first >&2; echo last >&2; exit 3"]
    assert bench.failure(command, timeout_s=10.0) == "last"
    assert bench.failure(["sh", "-c", "exit 3"], timeout_s=10.0) == "status 3"
    assert bench.failure(["true"], timeout_s=10.0) is None
    assert bench.failure(["/nowhere/python"], timeout_s=10.0) is not None


def test_an_adapter_is_measured_by_what_it_plans(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    adapter = tmp_path / "half_case.py"
    adapter.write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "VERSION = '7'\n"
        "@dataclass\n"
        "class Kept:\n"
        "    case: dict\n"
        "def planner(case, efficiency):\n"
        "    return lambda: [efficiency * case['pc']] * 2\n"
    )
    given = tmp_path / "case.json"
    given.write_text('{"pc": 4.0}')
    with given.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        line = measured(adapter, 2, [0.5, 0.25])
    assert line["version"] == "7"
    plans = line["plans"]
    assert isinstance(plans, list)
    assert [plan["setpoints_kw"] for plan in plans] == [[2.0, 2.0], [1.0, 1.0]]


@pytest.mark.parametrize("name", CUTS)
def test_a_case_cut_from_a_year_is_what_its_script_writes(name: str) -> None:
    case = json.loads((CASES / f"{name}.json").read_text())
    assert case == case_of(name)
    assert case["name"] == name


def test_the_cut_cases_hold_what_they_were_cut_for() -> None:
    sunny, weekend = (case_of(name) for name in ("sunny48h_15m", "weekend48h_15m"))
    assert min(sunny["imp"]) == -0.112
    assert max(sunny["pv"]) == 5.088
    assert sunny["ev"]["targets"] == [[177, 42.0]]
    assert [step for step, kwh in enumerate(weekend["ev"]["trip"]) if kwh] == [
        45,
        87,
        109,
        154,
        183,
    ]
    idle = simulate(weekend, [0.0] * weekend["n"])
    assert idle.short > 5.0
