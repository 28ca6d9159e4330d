"""`v2g replay`: exit status 0 only for a trace that is decided again to the last bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import NOW, a_policy, an_evse_status
from tests.unit.cli.conftest import V2g
from tests.unit.runtime.surroundings import HandClock
from tests.unit.step.news import played, some_news
from v2g_daemon.adapters.system.trace_files import TraceFiles, trace_paths
from v2g_daemon.trace.codec import TraceEncoder


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Twenty seconds of a car below its floor, as plain lines."""
    clock = HandClock()
    encoder = TraceEncoder(versions={"v2g-daemon": "test"})
    lines: list[bytes] = []
    ticks = []
    for second in range(20):
        now = NOW.later(float(second))
        car = an_evse_status(
            soc=0.12, soc_observed_at=now, power_observed_at=now, registers_observed_at=now
        )
        ticks.append(some_news(now, evses=(car,)))
    with TraceFiles(tmp_path / "trace", clock=clock) as files:
        for outcome in played(ticks)[1]:
            for line in encoder.lines(
                outcome.snapshot,
                outcome.decision,
                policy=a_policy(),
                memory=outcome.memory_before,
                memory_after=outcome.memory_after,
            ):
                files.append(line)
                lines.append(line)
    path = tmp_path / "plain.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_an_untouched_trace_is_decided_again_identically(v2g: V2g, trace: Path) -> None:
    said = v2g("replay", trace)
    assert (said.status, said.out) == (0, "20 ticks decided again, all identical\n")


def test_a_compressed_trace_and_several_of_them_replay_too(v2g: V2g, trace: Path) -> None:
    (compressed,) = trace_paths(trace.parent / "trace")
    assert v2g("replay", compressed).status == 0
    assert v2g("replay", compressed, trace).out == "40 ticks decided again, all identical\n"


def test_an_altered_setpoint_is_found_and_named(v2g: V2g, trace: Path) -> None:
    lines = trace.read_bytes().split(b"\n")
    numbers = [n for n, line in enumerate(lines) if line.startswith(b'{"snapshot"')]
    altered = lines[numbers[7]]
    before, after = altered.rsplit(b'"target_w":7400.0', 1)
    lines[numbers[7]] = before + b'"target_w":7399.0' + after
    trace.write_bytes(b"\n".join(lines))
    said = v2g("replay", trace)
    assert said.status == 1
    assert said.out.startswith("differs at tick 8: 2024-12-11T18:00:07+00:00 decision.evses[0].")
    assert said.out.endswith("recorded 7399.0, decided again 7400.0\n")


def test_a_broken_trace_names_the_line(v2g: V2g, trace: Path) -> None:
    lines = trace.read_bytes().split(b"\n")
    lines[4] = lines[4][:50]
    trace.write_bytes(b"\n".join(lines))
    said = v2g("replay", trace)
    assert said.status == 1
    assert said.err.startswith("v2g: line 5: ")


def test_a_file_that_is_no_trace_is_refused(v2g: V2g, tmp_path: Path) -> None:
    path = tmp_path / "shopping.txt"
    path.write_text("milk\n")
    said = v2g("replay", path)
    assert said.status == 1
    assert said.err.startswith("v2g: line 1: ")


def test_an_empty_trace_proves_nothing(v2g: V2g, tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_bytes(b"")
    said = v2g("replay", path)
    assert (said.status, said.out) == (1, "the trace holds no tick\n")


def test_a_missing_trace_is_named(v2g: V2g, tmp_path: Path) -> None:
    said = v2g("replay", tmp_path / "nothing.jsonl")
    assert said.status != 0
    assert str(tmp_path / "nothing.jsonl") in said.err
