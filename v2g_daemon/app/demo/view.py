"""The demo on a terminal: price, load, SoC, setpoint, reason, and the money so far."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from v2g_daemon.accounting.statement import Statement
from v2g_daemon.app.demo.figures import run_statement
from v2g_daemon.app.demo.run import Stage
from v2g_daemon.domain.decision import EvseDecision
from v2g_daemon.domain.interval import QUARTER_HOUR, quarter_hour_start
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.setpoint import Setpoint
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.step.house import Outcome

REFRESH_S = 0.25
MONEY_EVERY_S = 2.0
BARS = "▁▂▃▄▅▆▇█"
HOURS_SHOWN = 36
SOC_CELLS = 36
POWER_CELLS = 20
CHARGE = "blue"
DISCHARGE = "magenta"


async def live_view(stage: Stage) -> None:
    """Redraw until cancelled; the money is read from the ledger every two seconds."""
    loop = asyncio.get_running_loop()
    money: Statement | None = None
    money_at_s = 0.0
    with Live(refresh_per_second=8, transient=True) as live:
        while True:
            if loop.time() - money_at_s >= MONEY_EVERY_S:
                money = await asyncio.to_thread(_money_so_far, stage)
                money_at_s = loop.time()
            live.update(render(stage, money))
            await asyncio.sleep(REFRESH_S)


def render(stage: Stage, money: Statement | None) -> RenderableType:
    """One screen."""
    outcome = stage.ticks.newest
    if outcome is None:
        return Text("the simulated house is starting …")
    return Panel(
        screen(outcome, stage.parts.policy, money),
        title=_title(outcome.snapshot, stage.parts.policy, stage.run.speed),
        subtitle="Ctrl-C ends it",
        expand=True,
    )


def screen(outcome: Outcome, policy: Policy, money: Statement | None) -> Table:
    """What the house does, one row for each thing; the hours of price and plan stand in line."""
    snapshot, zone = outcome.snapshot, ZoneInfo(policy.timezone)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", min_width=8)
    table.add_column()
    if snapshot.prices is not None:
        table.add_row("hours", _axis(snapshot, zone))
        table.add_row("price", _price_bars(snapshot.prices, snapshot))
        for plan in snapshot.plans:
            table.add_row("plan", _planned(plan, snapshot))
        table.add_row("now", _price_now(snapshot.prices, snapshot, zone))
    table.add_row("house", _house(snapshot))
    for status, decided in zip(snapshot.evses, outcome.decision.evses, strict=True):
        table.add_row("car", _soc(decided, policy))
        trip = _trip(decided, snapshot, zone)
        if trip is not None:
            table.add_row("trip", trip)
        most_w = policy.evse(decided.evse_id).max_charge_w
        table.add_row("setpoint", _setpoint(decided, status.power_w, most_w))
        table.add_row("why", Text(decided.command.reason.detail, style="cyan"))
    table.add_row("money", _money(money))
    for fault in outcome.faults:
        table.add_row("fault", Text(fault.detail, style="red"))
    return table


def closing_text(found: dict[str, Any]) -> str:
    """What is said when the demo has ended."""
    currency = found["currency"]
    kwh = {name: found[f"{name}_wh"] / 1000.0 for name in ("charged", "discharged", "exported")}
    met = f"{found['departures_met']} of {found['departures']} departures met"
    same = "decided again identically" if found["replay_identical"] else "NOT replayed identically"
    return "\n".join(
        [
            f"{found['simulated_hours']:g} h simulated: {met}; SoC now {found['end_soc']:.0%}.",
            f"Charged {kwh['charged']:.1f}, discharged {kwh['discharged']:.1f} kWh at the EVSE;"
            f" exported {kwh['exported']:.1f} kWh; {_over_limit(found)}.",
            f"Net cost {_amount(found['net_cost'])} {currency}"
            f" (of it wear {_amount(found['wear_cost'])}); plain charging would have cost"
            f" {_amount(found['plain_charging_cost'])} {currency}. Both count the energy left in"
            f" the pack as {found['neutral_per_kwh']:.2f} per kWh.",
            f"{found['ticks']} ticks recorded and {same}.",
        ]
    )


def _over_limit(found: dict[str, Any]) -> str:
    """How long the car's discharge went past the export limit, and why a little is no fault."""
    seconds = found["seconds_over_export_limit"]
    if seconds == 0.0:
        return "0 s over the export limit"
    return (
        f"{seconds:.0f} s over the export limit, by at most"
        f" {found['worst_export_over_limit_w']:.0f} W and"
        f" {found['longest_over_export_limit_s']:.0f} s at a time (a load that falls is answered"
        f" at the next tick; here they are {found['tick_s']:.0f} s apart)"
    )


def _amount(money: float | None) -> str:
    return "unknown" if money is None else f"{money:.2f}"


def _title(snapshot: Snapshot, policy: Policy, speed: float) -> str:
    now = snapshot.now.utc.astimezone(ZoneInfo(policy.timezone))
    return f"v2g-daemon demo   {now:%a %d %b %Y %H:%M}   ×{speed:g}"


def _hours(snapshot: Snapshot) -> list[datetime]:
    """The hours shown, from the running one on."""
    start = snapshot.now.utc.replace(minute=0, second=0, microsecond=0)
    return [start + timedelta(hours=ahead) for ahead in range(HOURS_SHOWN)]


def _axis(snapshot: Snapshot, zone: ZoneInfo) -> Text:
    """The local hour every six hours, above its own cell."""
    cells = ""
    for number, hour_utc in enumerate(_hours(snapshot)):
        local = hour_utc.astimezone(zone)
        if local.hour % 6 == 0 and len(cells) <= number:
            cells = f"{cells:{number}}{local:%H}h"
    return Text(cells, style="dim")


def _price_bars(curve: PriceCurve, snapshot: Snapshot) -> Text:
    """A bar per hour from now on."""
    hours = [curve.at(hour_utc) for hour_utc in _hours(snapshot)]
    known = [slot.import_per_kwh for slot in hours if slot is not None]
    if not known:
        return Text("unknown", style="dim")
    low, high = min(known), max(known)
    text = Text()
    for slot in hours:
        if slot is None:
            text.append("·", style="dim")
            continue
        share = (slot.import_per_kwh - low) / max(high - low, 1e-9)
        style = "green" if share < 0.33 else "yellow" if share < 0.67 else "red"
        text.append(BARS[min(int(share * len(BARS)), len(BARS) - 1)], style=style)
    text.append(f"  {low:.2f} to {high:.2f} {curve.currency}/kWh", style="dim")
    return text


def _planned(plan: Plan, snapshot: Snapshot) -> Text:
    """What the plan expects of each hour: its largest power, and what that is."""
    text = Text()
    for hour_utc in _hours(snapshot):
        end_utc = hour_utc + timedelta(hours=1)
        powers_w = [
            slot.power_w for slot in plan.slots if hour_utc <= slot.interval.start_utc < end_utc
        ]
        power_w = max(powers_w, key=abs, default=0.0)
        if power_w > 0.0:
            text.append("▲", style=CHARGE)
        elif power_w < 0.0:
            text.append("▼", style=DISCHARGE)
        else:
            text.append("·", style="dim")
    text.append("  ▲ charge", style=CHARGE)
    text.append("  ▼ discharge", style=DISCHARGE)
    return text


def _price_now(curve: PriceCurve, snapshot: Snapshot, zone: ZoneInfo) -> Text:
    now = curve.at(snapshot.now.utc)
    if now is None:
        return Text("no price is known for now", style="red")
    known_until = curve.known_until(snapshot.now.utc).astimezone(zone)
    text = Text(f"import {now.import_per_kwh:.3f}, export {now.export_per_kwh:.3f}")
    text.append(f" {curve.currency}/kWh, known to {known_until:%a %H:%M}", style="dim")
    return text


def _house(snapshot: Snapshot) -> Text:
    meter = snapshot.meter
    if meter is None:
        return Text("no meter value yet")
    net_load_w = meter.power_w
    for status in snapshot.evses:
        net_load_w -= status.power_w if status.power_w is not None else 0.0
    pv_w = snapshot.pv_power_w
    draws_w = net_load_w if pv_w is None else net_load_w + pv_w
    sun = "" if pv_w is None else f", sun {round(pv_w)} W"
    way = "importing" if meter.power_w >= 0.0 else "exporting"
    text = Text(f"draws {round(draws_w)} W{sun}; ")
    text.append(f"{way} {round(abs(meter.power_w))} W", style="bold")
    return text


def _soc(decided: EvseDecision, policy: Policy) -> Text:
    if decided.vehicle_id is None or decided.soc is None:
        return Text("SoC unknown" if decided.vehicle_id is not None else "away")
    filled = round(decided.soc * SOC_CELLS)
    floor = policy.vehicle(decided.vehicle_id).soc_floor
    text = Text("█" * filled, style="green" if decided.soc >= floor else "red")
    text.append("░" * (SOC_CELLS - filled), style="dim")
    text.append(f" {decided.soc:.0%}", style="bold")
    text.append(f"  floor {floor:.0%}, stage {decided.stage.name}", style="dim")
    return text


def _trip(decided: EvseDecision, snapshot: Snapshot, zone: ZoneInfo) -> Text | None:
    """The next departure of the car that is here."""
    goals = [
        goal
        for entry in snapshot.goals
        if entry.vehicle_id == decided.vehicle_id
        for goal in entry.goals
        if goal.ready_by_utc > snapshot.now.utc
    ]
    if decided.vehicle_id is None or not goals:
        return None
    goal = goals[0]
    wanted = "" if goal.soc is None else f" with {goal.soc:.0%}"
    return Text(f"ready by {goal.ready_by_utc.astimezone(zone):%a %H:%M}{wanted}")


def _setpoint(decided: EvseDecision, power_w: float | None, most_w: float) -> Text:
    command = decided.command
    if not isinstance(command, Setpoint):
        return Text("hands off", style="dim")
    word, style = "idle", "dim"
    if command.target_w != 0.0:
        word, style = ("charge", CHARGE) if command.target_w > 0.0 else ("discharge", DISCHARGE)
    cells = min(round(abs(command.target_w) / most_w * POWER_CELLS), POWER_CELLS)
    text = Text(word, style=f"bold {style}")
    if command.target_w != 0.0:
        text.append(f" {round(abs(command.target_w))} W ")
    text.append("▮" * cells, style=style)
    if power_w is not None:
        text.append(f"  measured {round(power_w)} W", style="dim")
    return text


def _money(money: Statement | None) -> Text:
    if money is None or money.energy_cost is None:
        return Text("nothing booked yet", style="dim")
    earned = money.energy_cost < 0
    text = Text(
        f"{abs(money.energy_cost):.2f} {money.currency} {'earned' if earned else 'paid'}",
        style="green" if earned else "default",
    )
    text.append(
        f" for energy, wear {money.wear.default:.2f}; car charged"
        f" {money.charge_milliwh / 1e6:.1f}, gave {money.discharge_milliwh / 1e6:.1f} kWh",
        style="default",
    )
    return text


def _money_so_far(stage: Stage) -> Statement | None:
    now_utc = quarter_hour_start(stage.parts.clock.now().utc)
    if now_utc < stage.run.start_utc + QUARTER_HOUR:
        return None
    return run_statement(
        stage.settings.database.url,
        start_utc=stage.run.start_utc,
        end_utc=now_utc,
        policy=stage.parts.policy,
        end_wh=0.0,
    )
