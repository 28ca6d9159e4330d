"""The plan as people read it: what it does now and why, its hours drawn, a line for each slot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from textwrap import wrap
from typing import Any
from zoneinfo import ZoneInfo

BARS = "▁▂▃▄▅▆▇█"
MARKS = {"charge": "▲", "discharge": "▼", "idle": "·", "away": " "}
HOURS_SHOWN = 48
FEWEST_COLUMNS = 80
LABEL = 10
WEEK_DAYS = 7
HEAD = (
    "           import export       W   SoC   kWh is  charges    gives  instead",
    "              per kWh              end    worth    up to     from  costs more",
)
TERMS = ("price", "earns", "refill", "losses", "wear", "margin")
TERMS_HEAD = (
    "What a kWh out of the pack earns (price less losses) and what it costs:",
    "            price   earns  refill  losses    wear  margin budgets   gains",
)
LEGEND = (
    "~ is a forecast price; i an import, e an export price; the other moves along with it.",
    "Worth: what a kWh more in the pack adds. Instead: the best of the other moves.",
)


def plan_text(found: dict[str, Any], *, columns: int) -> str:
    """Everything at the width of the terminal, in the house's wall time."""
    columns = max(columns, FEWEST_COLUMNS)
    zone = ZoneInfo(found["timezone"])
    now = datetime.fromisoformat(found["at_utc"]).astimezone(zone)
    lines = [f"{now:%a %d %b %Y %H:%M}, prices in {found['currency']} per kWh"]
    off = _off(found["forecast_errors"])
    lines += [] if off is None else _said("forecast", off, columns)
    for evse in found["evses"]:
        lines += ["", *_evse(evse, found, zone, columns)]
    return "\n".join(lines)


def _off(errors: list[dict[str, Any]]) -> str | None:
    """How far load and PV were from what was foretold of them in the last week."""
    week = [one for one in errors if one["span_days"] == WEEK_DAYS]
    if not week:
        return None
    parts = []
    for what, name in (("net_load", "net load"), ("pv", "PV")):
        of = ", ".join(_off_by(one) for one in week if one["what"] == what)
        parts += [f"{name} by {of}"] if of else []
    return f"off in the last {WEEK_DAYS} days: {'; '.join(parts)}"


def _off_by(error: dict[str, Any]) -> str:
    share = "" if error["off_share"] is None else f" ({error['off_share'] * 100.0:.0f} %)"
    return f"{error['off_w']:.0f} W{share} {error['lead_h']} h ahead"


def _evse(
    evse: dict[str, Any], found: dict[str, Any], zone: ZoneInfo, columns: int
) -> Iterator[str]:
    yield from _said(evse["evse_id"], _standing(evse), columns)
    if evse["summary"] is not None:
        yield from _said("plan", evse["summary"], columns)
    yield from _said("now", _command(evse), columns)
    if evse["now"] is not None:
        for sentence in evse["now"]["said"]:
            yield from _said("", sentence, columns)
    ready = evse["readiness"]
    if ready is not None:
        yield from _said("ready", f"{ready['level']}: {ready['said']}", columns)
    for hint in evse["hints"]:
        yield from _said("hint", hint["said"], columns)
    if evse["slots"]:
        yield ""
        yield from _chart(evse, found, zone, columns)
        yield ""
        yield from _table(evse, zone, columns)
        yield from _discharges(evse, zone)


def _standing(evse: dict[str, Any]) -> str:
    who = evse["vehicle_id"]
    soc = "" if evse["soc"] is None else f", {evse['soc'] * 100.0:.0f} %"
    if evse["standing"] == "unknown_car" and evse["car_candidates"]:
        answers = "|".join((*evse["car_candidates"], "guest"))
        return f"{evse['said']}; answer with: v2g car {evse['evse_id']} {answers}"
    return evse["said"] if who is None else f"{who}{soc}, {evse['said']}"


def _command(evse: dict[str, Any]) -> str:
    target_w = evse["target_w"]
    what = "hands off" if target_w is None else f"{target_w:.0f} W"
    return f"{what}: {evse['command_reason']['detail']}"


def _said(label: str, sentence: str, columns: int) -> Iterator[str]:
    """A sentence behind its label, wrapped with a hanging indent."""
    head = f"{label:{LABEL - 1}} "
    for number, line in enumerate(wrap(sentence, columns - LABEL)):
        yield f"{head if number == 0 else ' ' * LABEL}{line}"


def _chart(
    evse: dict[str, Any], found: dict[str, Any], zone: ZoneInfo, columns: int
) -> Iterator[str]:
    """Prices, moves and SoC over the hours, each in a cell of its own."""
    hours = [_hour(evse["slots"], start) for start in _hours(found["at_utc"])]
    shown = [hour for hour in hours if hour]
    prices = [_mean(hour, "import_per_kwh") for hour in shown]
    low, high = min(prices), max(prices)
    span = f"{low:.2f} to {high:.2f}"
    moves = "".join(MARKS[_largest(hour)["move"]] if hour else " " for hour in hours)
    yield f"{'hours':{LABEL}}{_axis(found['at_utc'], zone)}"
    yield f"{'import':{LABEL}}{_bars(hours, 'import_per_kwh', low, high)}  {span}"
    yield f"{'plan':{LABEL}}{moves}  ▲ charges  ▼ gives".rstrip()
    yield f"{'SoC':{LABEL}}{_bars(hours, 'soc', 0.0, 1.0, _last)}  0 to 100 %"


def _hours(at_utc: str) -> list[datetime]:
    first = datetime.fromisoformat(at_utc).replace(minute=0, second=0, microsecond=0)
    return [first + timedelta(hours=number) for number in range(HOURS_SHOWN)]


def _hour(slots: list[dict[str, Any]], start: datetime) -> list[dict[str, Any]]:
    """The slots that touch the hour."""
    end = start + timedelta(hours=1)
    return [slot for slot in slots if _starts(slot) < end and _ends(slot) > start]


def _starts(slot: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(slot["interval"]["start_utc"])


def _ends(slot: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(slot["interval"]["end_utc"])


def _mean(hour: list[dict[str, Any]], name: str) -> float:
    return float(sum(slot[name] for slot in hour)) / len(hour)


def _last(hour: list[dict[str, Any]], name: str) -> float:
    return float(hour[-1][name])


def _largest(hour: list[dict[str, Any]]) -> dict[str, Any]:
    return max(hour, key=lambda slot: abs(float(slot["power_w"])))


def _bars(
    hours: list[list[dict[str, Any]]],
    name: str,
    low: float,
    high: float,
    of: Callable[[list[dict[str, Any]], str], float] = _mean,
) -> str:
    cells = ""
    for hour in hours:
        if not hour:
            cells += " "
            continue
        share = (of(hour, name) - low) / max(high - low, 1e-9)
        cells += BARS[min(max(int(share * len(BARS)), 0), len(BARS) - 1)]
    return cells


def _axis(at_utc: str, zone: ZoneInfo) -> str:
    """The local hour every six hours, above its own cell."""
    cells = ""
    for number, hour in enumerate(_hours(at_utc)):
        local = hour.astimezone(zone)
        if local.hour % 6 == 0 and len(cells) <= number:
            cells = f"{cells:{number}}{local:%H}h"
    return cells


def _table(evse: dict[str, Any], zone: ZoneInfo, columns: int) -> Iterator[str]:
    """A line for each slot, and the reason where another stretch begins; hours away are one."""
    yield from HEAD
    day = ""
    for move, slots in _stretches(evse["slots"]):
        for number, slot in enumerate(slots[:1] if move == "away" else slots):
            starts = _starts(slot).astimezone(zone)
            name = f"{starts:%a}"
            yield _slot(slot, f"{name if name != day else '   '} {starts:%H:%M}")
            day = name
            if number == 0:
                besides = _besides(move, slots, zone)
                yield from (f"{' ' * LABEL}{part}" for part in wrap(besides, columns - LABEL))
    yield from (line for text in LEGEND for line in wrap(text, columns))
    if evse["soc_of_energy_wanted"]:
        yield "The car tells no SoC: it is the share of the energy wanted."


def _besides(move: str, slots: list[dict[str, Any]], zone: ZoneInfo) -> str:
    """What the columns do not say of a stretch; the terms of a discharge have their own table."""
    if move == "away":
        return f"until {_ends(slots[-1]).astimezone(zone):%a %H:%M}"
    told = move == "charge" or (move == "idle" and not slots[0]["turns"])
    return str(slots[0]["reason"]) if told else ""


def _stretches(slots: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Neighbouring slots of the same move."""
    for move, group in groupby(slots, key=lambda slot: str(slot["move"])):
        yield move, list(group)


def _slot(slot: dict[str, Any], at: str) -> str:
    mark = "~" if slot["price_is_forecast"] else " "
    power = "away" if slot["move"] == "away" else f"{slot['power_w']:.0f}"
    worth = "" if slot["worth_per_kwh"] is None else f"{slot['worth_per_kwh']:.3f}"
    return (
        f"{at} {slot['import_per_kwh']:7.3f}{mark}{slot['export_per_kwh']:6.3f} {power:>7}"
        f" {slot['soc'] * 100.0:4.0f}%{worth:>8} {_turn(slot, 'charge')} {_turn(slot, 'discharge')}"
        f"  {_instead(slot)}"
    ).rstrip()


def _turn(slot: dict[str, Any], move: str) -> str:
    """At which price the move would be made: eight columns."""
    turn = next((one for one in slot["turns"] if one["move"] == move), None)
    return " " * 8 if turn is None else f"{turn['threshold_per_kwh']:7.3f}{turn['side'][0]}"


def _instead(slot: dict[str, Any]) -> str:
    rival = slot["runner_up"]
    if rival is None:
        return ""
    move = "give" if rival["move"] == "discharge" else rival["move"]
    return f"{move} {rival['dearer_by_money']:+.3f}"


def _discharges(evse: dict[str, Any], zone: ZoneInfo) -> Iterator[str]:
    """What a kWh out of the pack earns and costs, a line for each slot that discharges."""
    slots = [slot for slot in evse["slots"] if slot["terms"] is not None]
    if not slots:
        return
    yield ""
    yield from TERMS_HEAD
    for slot in slots:
        terms, starts = slot["terms"], _starts(slot).astimezone(zone)
        figures = " ".join(f"{terms[f'{name}_per_kwh']:7.3f}" for name in TERMS)
        budgets = terms["depth_per_kwh"] + terms["budget_per_kwh"]
        gains = terms["gains_per_kwh"]
        yield f"{starts:%a %H:%M} {figures} {budgets:7.3f} {gains:+7.3f}"
