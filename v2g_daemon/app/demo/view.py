"""The demo on a terminal: price, load, SoC, setpoint, reason, and the money so far."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from v2g_daemon.accounting.statement import Statement
from v2g_daemon.app.demo.figures import run_statement
from v2g_daemon.app.demo.run import Stage
from v2g_daemon.domain.decision import EvseDecision
from v2g_daemon.domain.interval import QUARTER_HOUR, quarter_hour_start
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.setpoint import Setpoint
from v2g_daemon.domain.snapshot import Snapshot

REFRESH_S = 0.25
MONEY_EVERY_S = 2.0
BARS = "▁▂▃▄▅▆▇█"
HOURS_SHOWN = 36
SOC_CELLS = 40
POWER_CELLS = 20


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
        return Text("waiting for the first tick …")
    zone = ZoneInfo(stage.parts.policy.timezone)
    snapshot = outcome.snapshot
    now = snapshot.now.utc.astimezone(zone)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", min_width=9)
    table.add_column()
    if snapshot.prices is not None:
        table.add_row("price", _prices(snapshot.prices, snapshot, zone))
    table.add_row("house", _house(snapshot))
    for status, decided in zip(snapshot.evses, outcome.decision.evses, strict=True):
        table.add_row("car", _soc(decided, stage))
        table.add_row("setpoint", _setpoint(decided, status.power_w))
        table.add_row("why", Text(decided.command.reason.detail, style="cyan"))
    table.add_row("money", _money(money))
    for fault in outcome.faults:
        table.add_row("fault", Text(fault.detail, style="red"))
    title = f"v2g-daemon demo   {now:%a %d %b %Y %H:%M}   ×{stage.run.speed:g}"
    return Group(Panel(table, title=title, subtitle="Ctrl-C ends it", expand=True))


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
            f" exported {kwh['exported']:.1f} kWh;"
            f" {found['seconds_over_export_limit']:.0f} s over the export limit.",
            f"Net cost {_amount(found['net_cost'])} {currency}"
            f" (of it wear {_amount(found['wear_cost'])}); plain charging would have cost"
            f" {_amount(found['plain_charging_cost'])} {currency}.",
            f"{found['ticks']} ticks recorded and {same}.",
        ]
    )


def _amount(money: float | None) -> str:
    return "unknown" if money is None else f"{money:.2f}"


def _prices(curve: PriceCurve, snapshot: Snapshot, zone: ZoneInfo) -> Text:
    """A bar per hour from now on, the present price in words."""
    start = snapshot.now.utc.replace(minute=0, second=0, microsecond=0)
    hours = [curve.at(start + timedelta(hours=ahead)) for ahead in range(HOURS_SHOWN)]
    known = [slot.import_per_kwh for slot in hours if slot is not None]
    text = Text()
    if known:
        low, high = min(known), max(known)
        for slot in hours:
            if slot is None:
                text.append("·", style="dim")
                continue
            share = (slot.import_per_kwh - low) / max(high - low, 1e-9)
            style = "green" if share < 0.33 else "yellow" if share < 0.67 else "red"
            text.append(BARS[min(int(share * len(BARS)), len(BARS) - 1)], style=style)
        text.append(f"  {low:.2f}–{high:.2f}", style="dim")
    now = curve.at(snapshot.now.utc)
    if now is not None:
        text.append(
            f"   now {now.import_per_kwh:.3f} in, {now.export_per_kwh:.3f} out {curve.currency}/kWh"
        )
    known_until = curve.known_until(snapshot.now.utc).astimezone(zone)
    text.append(f"  known to {known_until:%a %H:%M}", style="dim")
    return text


def _house(snapshot: Snapshot) -> Text:
    meter = snapshot.meter
    if meter is None:
        return Text("no meter value yet")
    evse_w = 0.0
    for status in snapshot.evses:
        evse_w += status.power_w if status.power_w is not None else 0.0
    way = "importing" if meter.power_w >= 0.0 else "exporting"
    text = Text(f"draws {meter.power_w - evse_w:6.0f} W without the car, ")
    text.append(f"{way} {abs(meter.power_w):.0f} W")
    return text


def _soc(decided: EvseDecision, stage: Stage) -> Text:
    if decided.soc is None:
        return Text("SoC unknown" if decided.vehicle_id is not None else "away")
    filled = round(decided.soc * SOC_CELLS)
    floor = min(vehicle.soc_floor for vehicle in stage.parts.policy.vehicles)
    text = Text("█" * filled, style="green" if decided.soc >= floor else "red")
    text.append("░" * (SOC_CELLS - filled), style="dim")
    text.append(f" {decided.soc:.0%}", style="bold")
    text.append(f"   stage {decided.stage.name}", style="dim")
    return text


def _setpoint(decided: EvseDecision, power_w: float | None) -> Text:
    command = decided.command
    if not isinstance(command, Setpoint):
        return Text("hands off", style="dim")
    cells = min(round(abs(command.target_w) / 7400.0 * POWER_CELLS), POWER_CELLS)
    style = "blue" if command.target_w > 0.0 else "magenta"
    word = "charge" if command.target_w > 0.0 else "discharge"
    if command.target_w == 0.0:
        word = "idle"
    text = Text(f"{command.target_w:7.0f} W {word:9} ")
    text.append("▮" * cells, style=style)
    if power_w is not None:
        text.append(f"  measured {power_w:.0f} W", style="dim")
    return text


def _money(money: Statement | None) -> Text:
    if money is None or money.energy_cost is None:
        return Text("nothing booked yet", style="dim")
    return Text(
        f"{money.energy_cost:.2f} {money.currency} for energy so far,"
        f" wear {money.wear.default:.2f}; car charged {money.charge_milliwh / 1e6:.1f},"
        f" gave {money.discharge_milliwh / 1e6:.1f} kWh"
    )


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
