"""The page of figures: what stands where, from figures made up by hand."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.page import Machine, page

MACHINE = Machine(
    system="Linux 6.1, aarch64",
    processor="Raspberry Pi 4 Model B Rev 1.4",
    cores=4,
    memory_gib=3.71,
    python="3.11.2",
    version="0.1.0",
    load_average=0.123,
    date="2026-01-31",
)
APART = {"lowest_ms": 9.06, "highest_ms": 63.44}
TICK: dict[str, Any] = {
    "ticks": 3600,
    "tick_median_ms": 1.234,
    "tick_p99_ms": 2.5,
    "record_median_ms": 0.5,
    "record_p99_ms": 3.0,
    "encode_median_ms": 0.25,
    "trace_bytes_per_tick": 289.6,
}
CONTROL: dict[str, Any] = {
    "rss_mib": 88.4,
    "highest_rss_mib": 91.6,
    "cpu_percent": 0.62,
    "written_mib_a_day": 40.04,
    "to_disk_mib_a_day": 22.26,
    "trace_mib_a_day": 18.0,
    "decisions_a_minute": 2.0,
    "seconds": 180,
    "status": {"target_w": -2500.0, "rule": "plan_discharge", "planned": True, "faults": []},
}
PLANNING: dict[str, Any] = {
    "wall_median_ms": 410.4,
    "wall_highest_ms": 500.0,
    "rss_mib": 58.6,
    "question_bytes": 2048,
    "plan_bytes": 10240,
}


OCPP: dict[str, Any] = {
    "rates": [{"version": "1.6", "values": 5, "per_s": 812.4, "cpu_ms": 0.456}],
    "homes": [
        {
            "stations": 2,
            "cpu_percent": 1.26,
            "rss_mib": 50.4,
            "latency_median_ms": 1.04,
            "latency_p99_ms": 3.96,
            "setpoints": 96,
        }
    ],
}


METER: dict[str, Any] = {
    "rates": [
        {
            "hertz": 10.0,
            "samples": 200,
            "cpu_percent": 1.234,
            "age_median_ms": 2.04,
            "age_p99_ms": 4.96,
        }
    ],
    "outage_s": 2.0,
    "recovery_s": 1.94,
    "reconnects": 1000,
    "sockets_left": 0,
}


def match(worse_share: float, *, missed_kwh: float = 0.0) -> dict[str, Any]:
    return {
        "case": "winter",
        "worse_share": worse_share,
        "passed": worse_share <= 0.004,
        "missed_kwh": missed_kwh,
        "milp_missed_kwh": 0.0,
        "planner_ms": 12.0,
        "milp_ms": 900.0,
    }


def pair(worse_share: float, *, plans: int = 3, gap_share: float = 0.0) -> dict[str, Any]:
    return {
        "case": "winter two",
        "worse_share": worse_share,
        "gap_share": gap_share,
        "alone_share": 0.07,
        "alone_over_kwh": 22.5,
        "plans": plans,
        "passed": worse_share <= 0.02,
    }


def rendered(**changes: Any) -> str:
    figures: dict[str, Any] = {
        "tick": TICK,
        "decide": {"median_us": 101.6, "p99_us": 240.0},
        "processes": {"control": CONTROL, "planning": PLANNING},
        "cases": {"winter": {"median_ms": 11.11, "p95_ms": 14.5} | APART},
        "matches": [match(0.001)],
        "pairs": [pair(0.003)],
        "ocpp": OCPP,
        "meter": METER,
        "odd": {"planned": 70, "refused": 30, "slowest": "a step of a day", "slowest_ms": 41.26}
        | APART,
    }
    return page(MACHINE, **(figures | changes))


def test_each_aim_stands_beside_its_figure() -> None:
    lines = rendered().splitlines()
    assert "| whole tick, median | 1.23 ms | ≤ 2 ms |" in lines
    assert "| `decide`, median | 102 µs | 100 µs |" in lines
    assert "| resident memory of `v2g run` | 88 MiB (highest 92) | ≤ 90 MB |" in lines
    assert "| to disk per day | 22.3 MiB | ≤ 25 MiB |" in lines
    assert "| planning child, resident memory | 59 MiB | ≤ 60 MB |" in lines
    planned = "| solver core, `winter` | 11.1 ms median (9.1 to 63.4), 14.5 ms 95th percentile |"
    assert f"{planned} ≤ 10 ms median |" in lines
    asked = "| slowest answer to 70 odd problems and 30 refused ones |"
    assert f"{asked} 41.3 ms (9.1 to 63.4): a step of a day | ≤ 50 ms |" in lines


def test_a_table_without_aims_has_two_columns() -> None:
    assert "| machine | measured |\n| --- | --- |\n| date | 2026-01-31 |" in rendered()


def test_the_worst_match_and_the_number_within_the_aim_are_shown() -> None:
    shares = [match(-0.001), match(0.002), match(0.0061, missed_kwh=0.25)]
    row = "| `winter` | 3 | 2 | 0.200 % | 0.610 % | 0.2 | 12 ms | 900 ms |"
    assert row in rendered(matches=shares).splitlines()


def test_each_house_with_two_cars_shows_what_its_plans_give_away() -> None:
    pairs = [pair(-0.001), pair(0.004, plans=5), pair(0.021, gap_share=0.0123)]
    row = "| winter two | 3 | 2 | 0.40 % | 2.10 % | 1.23 % | 5 | 7.00 % | 22.5 kWh |"
    assert row in rendered(pairs=pairs).splitlines()


def test_what_the_house_did_meanwhile_is_told() -> None:
    told = "At the end of it: setpoint -2500 W (`plan_discharge`), with a plan; faults: none."
    assert told in rendered()
    idle = CONTROL | {
        "status": {"target_w": None, "rule": "no_car", "planned": False, "faults": ["meter_stale"]}
    }
    told = "At the end of it: setpoint hands off (`no_car`), without a plan; faults: meter_stale."
    assert told in rendered(processes={"control": idle, "planning": PLANNING})


def test_the_page_ends_with_one_line_end_and_has_no_long_lines_in_its_prose() -> None:
    text = rendered()
    assert text.endswith("|\n")
    prose = [line for line in text.splitlines() if not line.startswith("|")]
    assert max(len(line) for line in prose) <= 100


def test_the_central_system_is_told_by_version_and_by_number_of_stations() -> None:
    text = rendered()
    assert "| OCPP 1.6, 5 sampled values | 812 messages/s, 0.46 ms CPU each | ≥ 500/s |" in text
    assert "| 2 stations: CPU, highest memory so far | 1.3 % of a core, 50 MiB |" in text
    latency = "1.0 ms median, 4.0 ms 99th percentile of 96"
    assert f"| 2 stations: setpoint latency | {latency} | ≤ 5 ms |" in text


def test_a_meter_is_told_by_its_rate_its_outage_and_its_sockets() -> None:
    lines = rendered().splitlines()
    assert "| CPU at 10 Hz | 1.23 % of a core |  |" in lines
    ages = "2.0 ms median, 5.0 ms 99th percentile of 200"
    assert f"| sample to decision at 10 Hz | {ages} |  |" in lines
    assert "| recovery after an outage of 2 s | 1.9 s | ≤ 5 s |" in lines
    assert "| sockets left after 1000 reconnects | 0 | 0 |" in lines
