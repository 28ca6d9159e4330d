"""The composition root: the parts of one daemon, and a house that goes on where it ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.adapters.ocpp.authorities import made
from tests.builders import NOW, a_policy, a_vehicle, an_evse
from tests.unit.settings.files import SMALLEST, written
from tests.unit.step.news import played, some_news
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.adapters.system.clock import RealClock, ScaledClock
from v2g_daemon.app.composition import (
    EdgeTask,
    Listeners,
    clock_of,
    compose,
    restored_house,
)
from v2g_daemon.app.plans import PlanDesk
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import (
    DecisionRow,
    EvseInterval,
    LatchEvent,
    LedgerRow,
    OverrideEvent,
    PccInterval,
    SessionRow,
)
from v2g_daemon.domain.memory import DischargeLatch
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.setpoint import Authority
from v2g_daemon.settings import load_settings
from v2g_daemon.step.house import Outcome

QUARTER = timedelta(minutes=15)
WAIT_S = 20.0
POLICY = a_policy(evses=(an_evse(),), vehicles=(a_vehicle(),))
LATCH = DischargeLatch(
    evse_id="carport", rule="wrong_direction", detail="it charged", since_utc=NOW.utc - QUARTER
)
SESSION = SessionRow(
    session_id="s1",
    evse_id="carport",
    vehicle_id="car",
    transaction_id="t1",
    plugged_in_utc=NOW.utc - 2 * QUARTER,
    plugged_out_utc=None,
    start_soc=0.5,
    end_soc=None,
    charge_milliwh=0,
    discharge_milliwh=0,
)
PCC = PccInterval(
    interval=Interval(start_utc=NOW.utc - QUARTER, end_utc=NOW.utc),
    import_milliwh=100_000,
    export_milliwh=900_000,
    pv_milliwh=None,
    import_register_milliwh=5_000_000,
    export_register_milliwh=2_000_000,
    estimated=False,
    import_per_kwh=None,
    export_per_kwh=None,
    currency="EUR",
)
EVSE = EvseInterval(
    interval=PCC.interval,
    evse_id="carport",
    session_id="s1",
    vehicle_id="car",
    charge_milliwh=250_000,
    discharge_milliwh=1_000_000,
    exported_milliwh=800_000,
    discharging_s=600.0,
    wear_cost=Decimal("0.04"),
    end_soc=0.48,
    charge_register_milliwh=7_250_000,
    discharge_register_milliwh=3_000_000,
    estimated=False,
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[DatabaseLedger]:
    opened = DatabaseLedger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}", now_utc=NOW.utc)
    yield opened
    opened.close()


def stored(ledger: DatabaseLedger, *rows: LedgerRow, policy: Policy = POLICY):
    ledger.commit(rows).result(WAIT_S)
    return restored_house(ledger.reader(), policy, NOW.utc)


def test_an_empty_ledger_is_a_new_house(ledger: DatabaseLedger) -> None:
    house = restored_house(ledger.reader(), POLICY, NOW.utc)
    assert (house.memory.latches, house.memory.evses, house.past.history) == ((), (), ())
    _, (outcome,) = played([some_news()], policy=POLICY, house=house)
    assert outcome.snapshot.counters[0].exported_today_wh == 0.0


def test_a_restart_clears_no_latch(ledger: DatabaseLedger) -> None:
    event = LatchEvent(at_utc=LATCH.since_utc, latch=LATCH, cleared=False)
    house = stored(ledger, event)
    _, (outcome,) = played([some_news()], policy=POLICY, house=house)
    permitted = outcome.decision.evses[0].command.permitted
    assert permitted.lowest_w == 0.0
    assert not any(isinstance(row, LatchEvent) for row in outcome.rows)


def test_an_override_that_outlived_the_restart_is_not_recorded_twice(
    ledger: DatabaseLedger,
) -> None:
    stop = OverrideEvent(
        at_utc=NOW.utc - QUARTER,
        evse_id="carport",
        kind="stop",
        until_utc=NOW.utc + QUARTER,
        confirmed=True,
    )
    house = stored(ledger, stop)
    overrides = ledger.reader().overrides(now_utc=NOW.utc)
    assert [one.kind.value for one in overrides] == ["stop"]
    _, (outcome,) = played([some_news(overrides=overrides)], policy=POLICY, house=house)
    assert not any(isinstance(row, OverrideEvent) for row in outcome.rows)


def test_counters_go_on_where_they_stood(ledger: DatabaseLedger) -> None:
    house = stored(ledger, SESSION, PCC, EVSE)
    _, (outcome,) = played([some_news()], policy=POLICY, house=house)
    (counters,) = outcome.snapshot.counters
    assert counters.exported_today_wh == 800.0
    assert counters.discharged_life_wh == 1000.0
    assert counters.discharging_life_s == 600.0


def test_what_the_charger_was_told_today_counts_on(ledger: DatabaseLedger) -> None:
    rows = [
        DecisionRow(
            at_utc=NOW.utc - hours * timedelta(hours=1),
            evse_id="carport",
            target_w=target_w,
            authority=Authority.PLAN,
            rule="plan",
            detail="as planned",
            changes_count=changes_count,
        )
        for hours, target_w, changes_count in ((30, 0.0, 80), (3, 3000.0, 5), (2, 0.0, 1))
    ]
    house = stored(ledger, *rows)
    _, (outcome,) = played([some_news()], policy=POLICY, house=house)
    (counters,) = outcome.snapshot.command_counters
    assert (counters.changes_today, counters.closings_today) == (6, 1)


def test_a_running_session_goes_on_with_its_car_and_what_it_charged(
    ledger: DatabaseLedger,
) -> None:
    house = stored(ledger, SESSION, PCC, EVSE)
    (evse,) = house.memory.evses
    assert (evse.session_id, evse.vehicle_id) == ("s1", "car")
    # 250 Wh of it are charged: it began with the register at 7000 Wh.
    assert evse.session_base_milliwh == 7_000_000


def test_a_session_without_a_row_yet_goes_on_too(ledger: DatabaseLedger) -> None:
    (evse,) = stored(ledger, SESSION).memory.evses
    assert (evse.session_id, evse.session_base_milliwh) == ("s1", None)


def test_forecasts_go_on_from_the_stored_quarter_hours(ledger: DatabaseLedger) -> None:
    ((row,),) = stored(ledger, SESSION, PCC, EVSE).past.history
    # −800 Wh at the PCC, of which the car gave 750 Wh: −50 Wh in a quarter hour.
    assert (row.start_utc, row.net_load_w) == (NOW.utc - QUARTER, -200.0)


def test_a_car_of_the_ledger_that_is_no_longer_configured_is_left_out(
    ledger: DatabaseLedger,
) -> None:
    other = replace(POLICY, vehicles=(a_vehicle(vehicle_id="van", evccid="0200000000BB"),))
    house = stored(ledger, SESSION, PCC, EVSE, policy=other)
    _, (outcome,) = played([some_news()], policy=other, house=house)
    assert [one.vehicle_id for one in outcome.snapshot.counters] == ["van"]
    assert outcome.decision.evses[0].vehicle_id is None


def test_the_parts_of_a_house_run_under_their_names(
    ledger: DatabaseLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")
    meter = '[[meter]]\nrole = "grid"\nlink = "tcp://127.0.0.1"\nprofile = "sunspec"\n'
    text = SMALLEST + meter + f'[trace]\ndirectory = "{tmp_path}"\n'
    settings = load_settings(written(tmp_path, text))
    parts = compose(settings, clock=RealClock(), ledger=ledger)
    assert set(parts.edges) == {
        "ocpp",
        "planning",
        "recorder",
        "api",
        "prices",
        "nightly",
        "meter grid",
    }
    assert [evse.evse_id for evse in parts.policy.evses] == ["garage"]
    parts.trace.close()


async def test_a_certificate_that_ends_soon_is_a_fault_of_the_next_tick(
    ledger: DatabaseLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")
    age = timedelta(days=800)
    made(tmp_path / "ca", ca_age=age, server_age=age)
    tls = 'tls_certificate_file = "ca/server.pem"\ntls_key_file = "ca/server.key"\n'
    start = f"[clock]\nstart = {datetime.now(UTC).isoformat()}\n"
    text = f'{SMALLEST}[ocpp]\n{tls}{start}[trace]\ndirectory = "{tmp_path}"\n'
    settings = load_settings(written(tmp_path, text))
    outcomes: list[Outcome] = []
    parts = compose(settings, clock=clock_of(settings), ledger=ledger, on_tick=outcomes.append)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(_edge(parts.edges["certificates"]))
        await asyncio.sleep(0)
        parts.loop.tick()
        watching.cancel()
    parts.trace.close()
    told = [one.detail for one in outcomes[0].faults if one.code.value == "certificate_expiring"]
    assert len(told) == 1
    assert told[0].startswith(f"the server's certificate {tmp_path}/ca/server.pem expires on ")
    assert "days left); `v2g certs renew server`, then restart the daemon" in told[0]


async def _edge(task: EdgeTask) -> None:
    await task()


def test_a_simulated_clock_starts_where_the_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")
    assert isinstance(clock_of(load_settings(written(tmp_path))), RealClock)
    start = "[clock]\nstart = 2024-12-11T17:30:00+01:00\n"
    clock = clock_of(load_settings(written(tmp_path, SMALLEST + start)))
    assert isinstance(clock, ScaledClock)
    passed = clock.now().utc - datetime(2024, 12, 11, 16, 30, tzinfo=UTC)
    assert timedelta(0) <= passed < timedelta(minutes=1)


def test_daemon_and_simulators_share_an_anchor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")
    anchor_s = time.monotonic() - 10.0
    simulated = (
        "[clock]\nstart = 2024-12-11T17:30:00+01:00\nspeed = 360.0\n"
        f"anchor_monotonic_s = {anchor_s!r}\n"
    )
    clock = clock_of(load_settings(written(tmp_path, SMALLEST + simulated)))
    assert 3600.0 <= clock.now().monotonic_s < 3600.0 + 360.0 * 60.0


def test_each_tick_is_passed_on_and_is_the_status() -> None:
    heard: list[Outcome] = []
    desk = PlanDesk(policy=POLICY)
    listeners = Listeners(desk.see, heard.append)
    assert desk.status() is None
    _, outcomes = played([some_news(), some_news(NOW.later(1.0))])
    for outcome in outcomes:
        listeners(outcome)
    assert heard == outcomes
    status = desk.status()
    assert status is not None
    assert status["at_utc"] == "2024-12-11T18:00:01Z"
