"""The plan as people read it: at 80 columns, in the house's wall time, nothing left unsaid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import (
    NOW,
    a_memory,
    a_plan,
    a_policy,
    a_price_curve,
    a_snapshot,
    an_evse_status,
    decided,
)
from tests.unit.control.test_hints import AWAY, a_stay, course
from v2g_daemon.accounting.forecasting import ForecastError
from v2g_daemon.adapters.web.translate import plain_json, plan_json
from v2g_daemon.app.plan_text import plan_text
from v2g_daemon.control.prospect import prospects
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.snapshot import Snapshot

# 7.4 kW and 4.4 kW for a quarter hour, without losses, from 50 % of 60 kWh on.
IN = 0.5 + 1.85 / 60.0
OUT = IN - 1.1 / 60.0


def found(snapshot: Snapshot) -> dict[str, Any]:
    policy, memory = a_policy(), a_memory()
    decisions = (decided(snapshot, policy=policy, memory=memory),)
    return plan_json(
        snapshot,
        decisions,
        prospects(memory, snapshot, decisions, policy),
        currency="EUR",
        timezone=policy.timezone,
    )


def lines_of(snapshot: Snapshot, columns: int = 80) -> list[str]:
    return plan_text(found(snapshot), columns=columns).splitlines()


def evening() -> Plan:
    """An hour that charges, gives, rests and is away, of a kWh worth 0.20."""
    changes: tuple[dict[str, Any], ...] = (
        {"power_w": 7400.0, "soc": IN, "import_per_kwh": 0.10, "export_per_kwh": 0.05},
        {"power_w": -4400.0, "soc": OUT, "import_per_kwh": 0.90, "export_per_kwh": 0.80},
        {"soc": OUT, "price_is_forecast": True},
        {"soc": OUT, "plugged_in": False},
        {"soc": 0.40, "plugged_in": False},
    )
    slots = [replace(slot, **change) for slot, change in zip(a_plan().slots, changes, strict=False)]
    return a_plan(slots=tuple(slots))


def test_the_head_says_who_what_is_done_and_what_would_change_it() -> None:
    lines = lines_of(a_snapshot(plans=(evening(),)))
    assert lines[:3] == [
        "Wed 11 Dec 2024 19:00, prices in EUR per kWh",
        "",
        "carport   car, 50 %, planned 1 min ago",
    ]
    assert lines[3] == "plan      nothing is worth its while"
    assert lines[4] == "now       0 W: nothing is worth its while"
    assert lines[5:7] == [
        "          charges at an import price of 0.200 EUR/kWh or less; it is 0.300 now",
        "          discharges from an export price of 0.227 EUR/kWh on; it is 0.200 now",
    ]


def test_every_slot_has_a_line_and_hours_away_are_one() -> None:
    lines = lines_of(a_snapshot(plans=(evening(),)))
    table = lines[lines.index("") :]
    first = next(number for number, line in enumerate(table) if line.startswith("Wed 19:00"))
    assert [line.rstrip() for line in table[first : first + 6]] == [
        "Wed 19:00   0.100  0.050    7400   53%   0.200   0.200i   0.245e  idle +0.185",
        "          a kWh costs 0.100 in the pack and is worth 0.200",
        "    19:15   0.900  0.800   -4400   51%   0.200   0.203i   0.224e  idle +0.607",
        "    19:30   0.300~ 0.200       0   51%   0.200   0.200i   0.221e  give +0.008",
        "    19:45   0.300  0.200    away   51%",
        "          until Wed 20:15",
    ]


def test_the_terms_of_a_discharge_stand_in_a_table_of_their_own() -> None:
    lines = lines_of(a_snapshot(plans=(evening(),)))
    assert lines[-2:] == [
        "            price   earns  refill  losses    wear  margin budgets   gains",
        "Wed 19:15   0.811   0.811   0.200   0.000   0.040   0.020   0.000  +0.551",
    ]


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    plan = evening()
    long = replace(plan, summary="Charges 33.9 kWh between 02:00 and 05:00. " * 8)
    wide = max(len(line) for line in lines_of(a_snapshot(plans=(long,)), columns))
    assert wide <= max(columns, 80)


def test_the_chart_draws_the_hours() -> None:
    curve = a_price_curve([0.3] * 48)
    lines = lines_of(a_snapshot(plans=(a_plan(),), prices=curve))
    chart = {line[:10].strip(): line[10:] for line in lines if line[:6] in ("hours ", "plan  ")}
    assert chart["hours"].startswith("     00h   06h   12h   18h")
    assert chart["plan"].startswith("·" * 48)
    assert next(line for line in lines if line.startswith("import")).endswith("  0.30 to 0.30")


def test_no_car_is_said_and_hinted_at() -> None:
    plan = course("--pppp", a_stay(1.85, 1.90, 1.95))
    lines = lines_of(a_snapshot(evses=(AWAY,), plans=(plan,)))
    assert lines[2:] == [
        "carport   no car is plugged in",
        "now       hands off: no car is plugged in",
        "hint      plug in when back (about Wed 19:30): worth about 1.90 EUR until it",
        "          leaves",
    ]


def test_an_unknown_car_is_asked_about() -> None:
    lines = lines_of(a_snapshot(evses=(an_evse_status(identity=None),)))
    assert lines[2:4] == [
        "carport   nobody has said which car this is: car or a guest's; answer with: v2g",
        "          car carport car|guest",
    ]


def test_an_old_plan_is_shown_with_a_warning() -> None:
    lines = lines_of(a_snapshot(plans=(replace(evening(), made_at=NOW.later(-3.0 * 3600.0)),)))
    assert lines[2] == "carport   car, 50 %, the plan is 3.0 h old: none came since"


def test_a_car_without_soc_says_what_the_per_cent_are_of() -> None:
    blind = an_evse_status(soc=None, soc_observed_at=None)
    lines = lines_of(a_snapshot(evses=(blind,), plans=(evening(),)))
    assert "The car tells no SoC: it is the share of the energy wanted." in lines


def test_the_json_has_the_names_of_the_domain() -> None:
    document = found(a_snapshot(plans=(evening(),)))
    assert list(document) == ["at_utc", "timezone", "currency", "forecast_errors", "evses"]
    slots = document["evses"][0]["slots"]
    assert slots[0]["interval"] == {
        "start_utc": "2024-12-11T18:00:00.000Z",
        "end_utc": "2024-12-11T18:15:00.000Z",
    }
    assert [slot["move"] for slot in slots] == ["charge", "discharge", "idle", "away", "away"]
    assert set(slots[1]["terms"]) == {
        "price_per_kwh",
        "earns_per_kwh",
        "refill_per_kwh",
        "losses_per_kwh",
        "wear_per_kwh",
        "margin_per_kwh",
        "depth_per_kwh",
        "budget_per_kwh",
        "gains_per_kwh",
    }
    assert set(slots[0]["runner_up"]) == {"move", "power_w", "dearer_by_money"}
    assert set(slots[0]["turns"][0]) == {"move", "side", "threshold_per_kwh", "price_per_kwh"}
    assert document["evses"][0]["now"]["turns"][0]["side"] == "import"


def test_how_far_the_last_weeks_forecasts_were_off_is_one_line_at_the_top() -> None:
    errors = tuple(
        ForecastError(
            what=what,
            lead_h=lead_h,
            span_days=span_days,
            quarters_count=600,
            bias_w=-20.0,
            off_w=off_w,
            usual_w=usual_w,
            off_share=None if usual_w == 0.0 else off_w / usual_w,
        )
        for what, lead_h, span_days, off_w, usual_w in (
            ("net_load", 1, 7, 182.0, 600.0),
            ("net_load", 24, 7, 251.0, 600.0),
            ("pv", 1, 7, 90.0, 0.0),
            ("net_load", 1, 28, 999.0, 600.0),
        )
    )
    told = found(a_snapshot()) | {"forecast_errors": plain_json(errors)}
    assert plan_text(told, columns=120).splitlines()[1] == (
        "forecast  off in the last 7 days: net load by 182 W (30 %) 1 h ahead, 251 W (42 %) 24 h "
        "ahead; PV by 90 W 1 h ahead"
    )
    assert "forecast" not in plan_text(found(a_snapshot()), columns=120).splitlines()[1]
