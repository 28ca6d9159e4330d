"""The demo on a terminal: every line is there, on a wide one and on a narrow one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from tests.builders import (
    NOW,
    a_meter,
    a_plan,
    a_price_curve,
    ago,
    an_evse_status,
    commissioning,
)
from tests.unit.step.news import a_commuters_policy, played, some_news
from v2g_daemon.accounting.statement import PlainTarget, Statement, statement
from v2g_daemon.app.demo.view import closing_text, screen
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import PccInterval
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.policy import Stage
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.step.house import Outcome
from v2g_daemon.step.news import News

# From 18:00 UTC: six cheap hours, six dear ones, twelve between, and then unknown.
PRICES = a_price_curve([0.10] * 6 + [0.70] * 6 + [0.40] * 12)


def planned() -> Plan:
    """Charges in the hour from 20:00 UTC, discharges in the one from 01:00."""
    plan = a_plan()
    slots = [
        replace(slot, power_w=7400.0 if 8 <= n < 12 else -3000.0 if 28 <= n < 32 else 0.0)
        for n, slot in enumerate(plan.slots)
    ]
    return replace(plan, slots=tuple(slots))


def a_tick(**changes: object) -> Outcome:
    news: News = replace(some_news(prices=PRICES, plans=(planned(),)), **changes)  # type: ignore[arg-type]
    return played([news], policy=a_commuters_policy())[1][0]


def drawn(outcome: Outcome, money: Statement | None = None, *, width: int = 100) -> dict[str, str]:
    """The rows by their names; what wraps is joined again."""
    console = Console(width=width, file=StringIO(), record=True)
    console.print(screen(outcome, a_commuters_policy(), money))
    rows: dict[str, str] = {}
    name = ""
    for line in console.export_text().splitlines():
        name = line[:8].strip() or name
        rows[name] = f"{rows.get(name, '')} {line[10:].strip()}".strip()
    return rows


def earned(import_milliwh: int, export_milliwh: int) -> Statement:
    """A quarter hour at 0.30 in and 0.90 out."""
    interval = Interval(start_utc=ago(900.0).utc, end_utc=NOW.utc)
    row = PccInterval(
        interval=interval,
        import_milliwh=import_milliwh,
        export_milliwh=export_milliwh,
        pv_milliwh=None,
        import_register_milliwh=None,
        export_register_milliwh=None,
        estimated=False,
        import_per_kwh=Decimal("0.30"),
        export_per_kwh=Decimal("0.90"),
        currency="EUR",
    )
    return statement(
        interval,
        pcc_rows=(row,),
        evse_rows=(),
        sessions=(),
        policy=a_commuters_policy(),
        target=PlainTarget.SOC_REACHED,
        neutral_per_kwh=Decimal("0.20"),
    )


def test_prices_plan_and_hours_stand_in_line() -> None:
    # It is 19:00 in Amsterdam: midnight is the sixth cell.
    console = Console(width=100, file=StringIO(), record=True)
    console.print(screen(a_tick(), a_commuters_policy(), None))
    hours, price, plan = (line[10:] for line in console.export_text().splitlines()[:3])
    assert hours.rstrip() == "     00h   06h   12h   18h   00h   06h"
    assert price.startswith("▁▁▁▁▁▁██████▅▅▅▅▅▅▅▅▅▅▅▅············  0.10 to 0.70 EUR/kWh")
    assert plan.startswith("··▲····▼····························  ▲ charge  ▼ discharge")


def test_the_price_of_now_and_until_when_prices_are_known() -> None:
    assert drawn(a_tick())["now"] == ("import 0.100, export 0.000 EUR/kWh, known to Thu 19:00")


def test_a_house_without_prices_says_nothing_of_them() -> None:
    rows = drawn(a_tick(prices=None, plans=()))
    assert not {"hours", "price", "plan", "now"} & rows.keys()
    later = a_price_curve([0.1], start_utc=NOW.utc + timedelta(hours=1))
    assert drawn(a_tick(prices=later))["now"] == "no price is known for now"
    gone = a_price_curve([0.1], start_utc=NOW.utc - timedelta(hours=5))
    assert drawn(a_tick(prices=gone))["price"] == "unknown"


def test_load_sun_and_grid_are_told_apart_from_the_car() -> None:
    charging = an_evse_status(power_w=3000.0)
    outcome = a_tick(evses=(charging,), meter=a_meter(2500.0), pv_power_w=1200.4)
    # 2500 W from the grid and 1200 W of sun, less the car's 3000 W.
    assert drawn(outcome)["house"] == "draws 700 W, sun 1200 W; importing 2500 W"
    selling = a_tick(meter=a_meter(-800.0), pv_power_w=-0.3)
    assert drawn(selling)["house"] == "draws -800 W, sun 0 W; exporting 800 W"
    assert drawn(a_tick(meter=None))["house"] == "no meter value yet"


def test_the_car_its_trip_and_its_setpoint() -> None:
    rows = drawn(a_tick(evses=(an_evse_status(soc=0.12, power_w=-0.2),)))
    assert rows["car"] == "████" + "░" * 32 + " 12%  floor 30%, stage V2G"
    assert rows["trip"] == "ready by Thu 07:30 with 60%"
    assert rows["setpoint"].startswith("charge 7400 W ")
    assert rows["setpoint"].endswith("▮" * 20 + "  measured 0 W")
    assert rows["why"]


@pytest.mark.parametrize(
    ("status", "car"),
    [
        (an_evse_status(plugged_in=False), "away"),
        (an_evse_status(soc=None, soc_observed_at=None), "SoC unknown"),
        (EvseStatus(evse_id="carport", connected=False), "away"),
    ],
)
def test_a_car_that_is_away_or_does_not_tell(status: EvseStatus, car: str) -> None:
    assert drawn(a_tick(evses=(status,)))["car"] == car


def test_an_empty_outlet_has_no_trip_and_is_left_alone() -> None:
    rows = drawn(a_tick(evses=(an_evse_status(plugged_in=False),)))
    assert "trip" not in rows
    assert rows["setpoint"] == "hands off"


def test_money_is_earned_or_paid_never_a_minus() -> None:
    assert drawn(a_tick())["money"] == "nothing booked yet"
    paid = drawn(a_tick(), earned(1_000_000, 0))["money"]
    assert paid == "0.30 EUR paid for energy, wear 0.00; car charged 0.0, gave 0.0 kWh"
    got = drawn(a_tick(), earned(0, 1_000_000))["money"]
    assert got.startswith("0.90 EUR earned for energy")


def test_faults_are_shown() -> None:
    outcome = a_tick(meter=None)
    assert drawn(outcome)["fault"] == "the grid meter gives no value"


@pytest.mark.parametrize("width", [48, 62, 100, 200])
def test_every_row_is_there_however_wide_the_terminal(width: int) -> None:
    console = Console(width=width, file=StringIO(), record=True)
    console.print(screen(a_tick(), a_commuters_policy(), earned(0, 1_000_000)))
    text = console.export_text()
    for name in ("hours", "price", "plan", "now", "house", "car", "trip", "setpoint", "why"):
        assert f"\n{name}" in f"\n{text}"
    assert max(map(len, text.splitlines())) <= width


def test_the_stage_shown_is_the_one_decided() -> None:
    outcome = a_tick(commissioning=commissioning("OTHER-1"))
    assert outcome.decision.evses[0].stage is Stage.V1G
    assert drawn(outcome)["car"].endswith("stage V1G")


def test_the_closing_words_say_what_counts() -> None:
    text = closing_text(
        {
            "currency": "EUR",
            "charged_wh": 21_400.0,
            "discharged_wh": 22_060.0,
            "exported_wh": 30_000.0,
            "departures": 2,
            "departures_met": 2,
            "replay_identical": True,
            "simulated_hours": 48.0,
            "end_soc": 0.512,
            "seconds_over_export_limit": 41.2,
            "worst_export_over_limit_w": 230.0,
            "longest_over_export_limit_s": 36.2,
            "tick_s": 36.0,
            "net_cost": 19.9567,
            "wear_cost": 0.9,
            "plain_charging_cost": None,
            "neutral_per_kwh": 0.2,
            "ticks": 4800,
        }
    )
    assert text.splitlines() == [
        "48 h simulated: 2 of 2 departures met; SoC now 51%.",
        "Charged 21.4, discharged 22.1 kWh at the EVSE; exported 30.0 kWh;"
        " 41 s over the export limit, by at most 230 W and 36 s at a time (a load that falls is"
        " answered at the next tick; here they are 36 s apart).",
        "Net cost 19.96 EUR (of it wear 0.90); plain charging would have cost unknown EUR."
        " Both count the energy left in the pack as 0.20 per kWh.",
        "4800 ticks recorded and decided again identically.",
    ]
