"""docs/benchmarks.md from the measured figures; pure, so that it can be read without measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of a table; an empty aim is no promise."""

    name: str
    value: str
    aim: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the figures were measured on."""

    system: str
    processor: str
    cores: int
    memory_gib: float
    python: str
    version: str
    load_average: float
    date: str


INTRODUCTION = """\
# Benchmarks

Written by `make bench`, the peers at the end by `make bench-peers`; do not edit. No test asserts a
time: a slow machine is no broken one. The aims are those of the first version, for a small computer
such as a Raspberry Pi 4; the machine below is what they were measured on."""

TICK_METHOD = """\
`tests/benchmarks/tick_case.py` drives one `ControlLoop` with the demo's house, 28 days of
history, a plan, a meter that moves every second and a station that reports every five. Recorder,
encoder, trace file and ledger are the daemon's own; only sockets are missing. A tick ends when
the setpoint lies in the charger's mailbox; the record is written after it, off the tick. `decide`
alone is `tests/benchmarks/decide_case.py`."""

PROCESS_METHOD = """\
`tests/benchmarks/process_case.py` runs `v2g run` beside the simulators over loopback sockets: a
tick, a meter reading and a change of the house load every second, in an evening when the car
serves the house. After a minute of warm-up the kernel's counters of the process
(`/proc/PID/stat`, `io`, `status`) are taken over a window without the turn of a quarter hour,
then over one that holds it; a day is the first scaled, plus 96 turns. "To disk" counts the pages
sent to the block device, "written" the bytes of every write. The trace's part is the growth of
its file; the rest is the ledger. A recorded house without noise writes less."""

PLANNING_METHOD = """\
The planning child is timed from `exec` to its last byte, with the question that the house above
poses; its memory is the highest the kernel saw. The solver core is `tests/benchmarks/plan_case.py`
on fixed cases of 48 hours in quarter hours (in `basic48h_15m` the car is plugged in throughout), 30
runs each, in memory that is kept from run to run as a rehearsal's is: fetched anew each time, it
costs a millisecond more. Odd problems (`tests/unit/planning/odd_problems.py`: a target out of
reach, export above import, a day of 23 hours, a SoC that is no number …) are planned within all
bounds or refused by their field; `tests/benchmarks/odd_case.py` times the answer to each, as to one
never seen. Both are over in a second, and a shared machine has slow ones: they are taken at three
moments of a run, minutes apart, of which the middle one counts and all stand in brackets."""

OCPP_METHOD = """\
`tests/benchmarks/ocpp_case.py` serves stations that live in a process of their own, over loopback
WebSockets, every message checked by its schema both ways. The rate is four stations that each
send meter values as fast as they are answered, CPU is the central system's own. Latency is from
the command in the mailbox to the arrival of SetChargingProfile at the station, four commands a
second, while all stations send meter values (every 5 s with 2 stations, every 10 s otherwise)."""

METER_METHOD = """\
`tests/benchmarks/meter_case.py` reads a simulated meter in a process of its own over Modbus TCP,
two blocks a reading, and decides on each sample as it comes. The age of a sample is from its
request to the end of `decide`; in the daemon a sample also waits for its tick, up to a second.
After an outage of two seconds, in which the port is closed,
recovery is from the port's return to the next decision. Sockets left are the file descriptors
that are more than before."""

MILP_METHOD = """\
`tests/benchmarks/planner_vs_milp.py`: the fixed cases and seeded perturbations (prices × 0.8 to
1.2, load and PV × 0.7 to 1.3, start ± 6 kWh, targets ± 4 kWh; not of the sunny case, for which the
solver needs minutes), planned by the daemon's programme and by a mixed-integer programme, both
replayed by the same scorer. Both charge at once below the floor, as the house does. The share is
what the planner gives away of the gain over plain charging; below 0 it found the better plan. A
match passes if the share is at most 0.4 % (0.2 % in the linear case), no more kWh are missed than
by the MILP and the daily export depth is kept."""


PAIR_METHOD = """\
`tests/benchmarks/two_cars.py`: two cars in the houses of the fixed cases, in half hours, perturbed
as above. Each is planned beside the other's newest plan, in turn as the daemon asks, until no plan
is news; a mixed-integer programme of both packs behind one connection says what could be had. The
share is what the plans give away of the gain over plain charging, "alone" what they would if
neither knew of the other, with the energy beyond a limit of the connection that they then count on.
Where the solver did not end in 40 s, a better plan may lie as far below its own as the gap says. A
match passes if the share is at most 2 %, every limit is kept, no more kWh are missed than by the
optimum and nothing goes from one pack into the other."""


def page(
    machine: Machine,
    *,
    tick: dict[str, Any],
    decide: dict[str, Any],
    processes: dict[str, Any],
    cases: dict[str, dict[str, Any]],
    matches: Sequence[dict[str, Any]],
    pairs: Sequence[dict[str, Any]],
    ocpp: dict[str, Any],
    meter: dict[str, Any],
    odd: dict[str, Any],
) -> str:
    """The whole page but for the peers, which are measured by themselves."""
    parts = [
        INTRODUCTION,
        machine_table(machine),
        "## The tick\n\n" + TICK_METHOD,
        _table(_tick_figures(tick, decide)),
        "## The process\n\n" + PROCESS_METHOD,
        _table(_process_figures(processes["control"])),
        _seen(processes["control"]),
        "## The central system\n\n" + OCPP_METHOD,
        _table(_ocpp_figures(ocpp)),
        "## A meter\n\n" + METER_METHOD,
        _table(_meter_figures(meter)),
        "## Planning\n\n" + PLANNING_METHOD,
        _table([*_planning_figures(processes["planning"], cases), _odd_figure(odd)]),
        "## The planner against a MILP\n\n" + MILP_METHOD,
        _match_table(matches),
        "## Two cars against a MILP of both\n\n" + PAIR_METHOD,
        pair_table(pairs),
    ]
    return "\n\n".join(parts) + "\n"


def machine_table(machine: Machine) -> str:
    """What the figures were measured on."""
    return _table(
        [
            Figure(name="date", value=machine.date),
            Figure(name="v2g-daemon", value=machine.version),
            Figure(name="system", value=machine.system),
            Figure(name="processor", value=f"{machine.processor}, {machine.cores} cores"),
            Figure(name="memory", value=f"{machine.memory_gib:.1f} GiB"),
            Figure(name="Python", value=machine.python),
            Figure(name="load average at the start", value=f"{machine.load_average:.2f}"),
        ],
        head="machine",
    )


def _tick_figures(tick: dict[str, Any], decide: dict[str, Any]) -> list[Figure]:
    return [
        Figure(name="whole tick, median", value=f"{tick['tick_median_ms']:.2f} ms", aim="≤ 2 ms"),
        Figure(name="whole tick, 99th percentile", value=f"{tick['tick_p99_ms']:.2f} ms"),
        Figure(name="`decide`, median", value=f"{decide['median_us']:.0f} µs", aim="100 µs"),
        Figure(name="`decide`, 99th percentile", value=f"{decide['p99_us']:.0f} µs"),
        Figure(
            name="recording a tick (encode, compress, hand to the ledger), median",
            value=f"{tick['record_median_ms']:.2f} ms",
        ),
        Figure(name="recording a tick, 99th percentile", value=f"{tick['record_p99_ms']:.2f} ms"),
        Figure(name="of it the trace encoder, median", value=f"{tick['encode_median_ms']:.2f} ms"),
        Figure(
            name="trace, compressed", value=f"{tick['trace_bytes_per_tick']:.0f} bytes per tick"
        ),
        Figure(name="ticks measured", value=str(tick["ticks"])),
    ]


def _process_figures(control: dict[str, Any]) -> list[Figure]:
    return [
        Figure(
            name="resident memory of `v2g run`",
            value=f"{control['rss_mib']:.0f} MiB (highest {control['highest_rss_mib']:.0f})",
            aim="≤ 90 MB",
        ),
        Figure(name="CPU at one tick a second", value=f"{control['cpu_percent']:.1f} % of a core"),
        Figure(
            name="to disk per day",
            value=f"{control['to_disk_mib_a_day']:.1f} MiB",
            aim="≤ 25 MiB",
        ),
        Figure(name="written per day", value=f"{control['written_mib_a_day']:.1f} MiB"),
        Figure(name="of it the trace, compressed", value=f"{control['trace_mib_a_day']:.1f} MiB"),
        Figure(name="decisions recorded", value=f"{control['decisions_a_minute']:.1f} a minute"),
        Figure(name="window", value=f"{control['seconds']} s"),
    ]


def _seen(control: dict[str, Any]) -> str:
    status = control["status"]
    target = "hands off" if status["target_w"] is None else f"{status['target_w']:.0f} W"
    planned = "with a plan" if status["planned"] else "without a plan"
    faults = ", ".join(status["faults"]) or "none"
    return f"At the end of it: setpoint {target} (`{status['rule']}`), {planned}; faults: {faults}."


def _planning_figures(planning: dict[str, Any], cases: dict[str, dict[str, Any]]) -> list[Figure]:
    figures = [
        Figure(
            name="planning child, whole process",
            value=f"{planning['wall_median_ms']:.0f} ms"
            f" (slowest {planning['wall_highest_ms']:.0f})",
            aim="≤ 400 ms",
        ),
        Figure(
            name="planning child, resident memory",
            value=f"{planning['rss_mib']:.0f} MiB",
            aim="≤ 60 MB",
        ),
        Figure(
            name="question and plan on the pipe",
            value=f"{planning['question_bytes'] / 1024:.0f} and"
            f" {planning['plan_bytes'] / 1024:.0f} KiB",
        ),
    ]
    for name, case in cases.items():
        figures.append(
            Figure(
                name=f"solver core, `{name}`",
                value=f"{case['median_ms']:.1f} ms median {_apart(case)},"
                f" {case['p95_ms']:.1f} ms 95th percentile",
                aim="≤ 10 ms median",
            )
        )
    return figures


def _odd_figure(odd: dict[str, Any]) -> Figure:
    return Figure(
        name=f"slowest answer to {odd['planned']} odd problems and {odd['refused']} refused ones",
        value=f"{odd['slowest_ms']:.1f} ms {_apart(odd)}: {odd['slowest']}",
        aim="≤ 50 ms",
    )


def _apart(measured: dict[str, Any]) -> str:
    return f"({measured['lowest_ms']:.1f} to {measured['highest_ms']:.1f})"


def _ocpp_figures(ocpp: dict[str, Any]) -> list[Figure]:
    figures = [
        Figure(
            name=f"OCPP {one['version']}, {one['values']} sampled values",
            value=f"{one['per_s']:.0f} messages/s, {one['cpu_ms']:.2f} ms CPU each",
            aim="≥ 500/s",
        )
        for one in ocpp["rates"]
    ]
    for one in ocpp["homes"]:
        figures.append(
            Figure(
                name=f"{one['stations']} stations: CPU, highest memory so far",
                value=f"{one['cpu_percent']:.1f} % of a core, {one['rss_mib']:.0f} MiB",
            )
        )
        figures.append(
            Figure(
                name=f"{one['stations']} stations: setpoint latency",
                value=f"{one['latency_median_ms']:.1f} ms median,"
                f" {one['latency_p99_ms']:.1f} ms 99th percentile of {one['setpoints']}",
                aim="≤ 5 ms" if one["stations"] == 2 else "",
            )
        )
    return figures


def _meter_figures(meter: dict[str, Any]) -> list[Figure]:
    figures = []
    for one in meter["rates"]:
        figures.append(
            Figure(
                name=f"CPU at {one['hertz']:g} Hz",
                value=f"{one['cpu_percent']:.2f} % of a core",
            )
        )
        figures.append(
            Figure(
                name=f"sample to decision at {one['hertz']:g} Hz",
                value=f"{one['age_median_ms']:.1f} ms median,"
                f" {one['age_p99_ms']:.1f} ms 99th percentile of {one['samples']}",
            )
        )
    figures.append(
        Figure(
            name=f"recovery after an outage of {meter['outage_s']:g} s",
            value=f"{meter['recovery_s']:.1f} s",
            aim="≤ 5 s",
        )
    )
    figures.append(
        Figure(
            name=f"sockets left after {meter['reconnects']} reconnects",
            value=f"{meter['sockets_left']}",
            aim="0",
        )
    )
    return figures


def _match_table(matches: Sequence[dict[str, Any]]) -> str:
    """One row a case; shares in percent of the gain over plain charging."""
    lines = [
        "| case | matches | passed | median | worst | missed kWh | planner | MILP |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in sorted({match["case"] for match in matches}):
        group = [match for match in matches if match["case"] == name]
        shares = sorted(match["worse_share"] * 100.0 for match in group)
        missed = sum(max(m["missed_kwh"] - m["milp_missed_kwh"], 0.0) for m in group)
        lines.append(
            f"| `{name}` | {len(group)} | {sum(match['passed'] for match in group)} "
            f"| {shares[len(shares) // 2]:.3f} % | {shares[-1]:.3f} % | {missed:.1f} "
            f"| {_middle(group, 'planner_ms'):.0f} ms | {_middle(group, 'milp_ms'):.0f} ms |"
        )
    return "\n".join(lines)


def pair_table(matches: Sequence[dict[str, Any]]) -> str:
    """One row a house; shares in percent of the gain over plain charging."""
    lines = [
        "| house and cars | matches | passed | median | worst | gap | plans | alone | beyond |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in dict.fromkeys(match["case"] for match in matches):
        group = [match for match in matches if match["case"] == name]
        shares = sorted(match["worse_share"] * 100.0 for match in group)
        gap = max(match["gap_share"] * 100.0 for match in group)
        apart = max(match["alone_share"] * 100.0 for match in group)
        over_kwh = max(match["alone_over_kwh"] for match in group)
        lines.append(
            f"| {name} | {len(group)} | {sum(match['passed'] for match in group)} "
            f"| {shares[len(shares) // 2]:.2f} % | {shares[-1]:.2f} % | {gap:.2f} % "
            f"| {max(match['plans'] for match in group)} | {apart:.2f} % | {over_kwh:.1f} kWh |"
        )
    return "\n".join(lines)


def _middle(group: Sequence[dict[str, Any]], key: str) -> float:
    ordered = sorted(float(match[key]) for match in group)
    return ordered[len(ordered) // 2]


def _table(figures: Sequence[Figure], *, head: str = "what") -> str:
    """A third column only where something is aimed at."""
    if not any(figure.aim for figure in figures):
        rows = [f"| {figure.name} | {figure.value} |" for figure in figures]
        return "\n".join([f"| {head} | measured |", "| --- | --- |", *rows])
    rows = [f"| {figure.name} | {figure.value} | {figure.aim} |" for figure in figures]
    return "\n".join([f"| {head} | measured | aim |", "| --- | --- | --- |", *rows])
