"""The status as people read it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

_CAR_STATES = {
    "timer_active": "the car waits for its own timer",
    "stopped_at_its_limit": "the car stopped at its own limit",
}


def status_text(status: dict[str, Any]) -> str:
    """A few lines: the grid, each EVSE with the sentence why, overrides and faults."""
    trust = "" if status["clock_trusted"] else "  clock not trusted"
    lines = [f"{_wall(status['at_utc'], '%a %d %b %Y %H:%M:%S')}{trust}"]
    lines.append(f"grid     {_grid(status)}")
    lines.append(f"price    {_price(status)}")
    if status["sun"] is not None:
        lines.append(f"sun      {_sun(status['sun'])}")
    for evse in status["evses"]:
        lines += _evse(evse, status["at_utc"])
    lines += [f"hint     {hint['evse_id']}: {hint['said']}" for hint in status["hints"]]
    lines += [f"told     {one['vehicle_id']}: {one['said']}" for one in status["departures"]]
    lines += [
        f"override {one['evse_id']}: {one['kind']} until {_wall(one['until_utc'])}"
        for one in status["overrides"]
    ]
    lines += [f"FAULT    {_where(fault)}{fault['detail']}" for fault in status["faults"]]
    return "\n".join(lines)


def cars_text(status: dict[str, Any]) -> str:
    """A line per EVSE: which car it is, or the question that is open."""
    return "\n".join(line for evse in status["evses"] for line in (_car_line(evse), *_open(evse)))


def _car_line(evse: dict[str, Any]) -> str:
    return f"{evse['evse_id']:8} {_car(evse)}"


def _car(evse: dict[str, Any]) -> str:
    return str(evse["vehicle_id"] or ("a guest" if evse["plugged_in"] else "no car"))


def _open(evse: dict[str, Any]) -> list[str]:
    """The question where nobody has said which car it is, and how to answer it."""
    if not evse["car_candidates"]:
        return []
    answers = "|".join((*evse["car_candidates"], "guest"))
    return [f"         which car is it? v2g car {evse['evse_id']} {answers}"]


def _grid(status: dict[str, Any]) -> str:
    meter = status["meter"]
    if meter is None:
        return "no meter value"
    way = "export" if meter["power_w"] < 0 else "import"
    return f"{abs(meter['power_w']):.0f} W {way}, {meter['age_s']:.0f} s ago"


def _price(status: dict[str, Any]) -> str:
    price = status["price"]
    if price is None:
        return "unknown"
    return (
        f"{price['import_per_kwh']:.3f} in, {price['export_per_kwh']:.3f} out"
        f" {price['currency']}/kWh, known until {_wall(price['known_until_utc'])}"
    )


def _sun(sun: dict[str, Any]) -> str:
    """Who told of the sun when, and whether plans go by it."""
    if sun["source"] is None:
        return "PV by the past days' share of a clear sky; no weather service is asked"
    if sun["told_utc"] is None:
        return f"{sun['source']} has told nothing yet; the past days alone tell of PV"
    said = f"{sun['source']}, told {sun['age_s'] / 3600.0:.1f} h ago"
    return said if sun["serves"] else f"{said}: ignored, the past days alone tell of PV"


def _evse(evse: dict[str, Any], at_utc: str) -> list[str]:
    soc = "SoC unknown" if evse["soc"] is None else f"{evse['soc'] * 100:.0f} %"
    station = "" if evse["connected"] else ", station away"
    power = "?" if evse["power_w"] is None else f"{evse['power_w']:.0f} W"
    target = "hands off" if evse["target_w"] is None else f"{evse['target_w']:.0f} W"
    lines = [
        f"{_car_line(evse)}, {soc}, stage {evse['stage'].upper()}{station}",
        f"         {target} (measured {power}{_following(evse)})",
        f"         why: {evse['reason']['detail']}",
        *_open(evse),
    ]
    goal = evse["next_goal"]
    if goal is not None:
        wanted = "" if goal["soc"] is None else f" with {goal['soc'] * 100:.0f} %"
        lines.append(f"         next: ready by {_wall(goal['ready_by_utc'])}{wanted}")
    if evse["readiness"] is not None:
        ready = evse["readiness"]
        lines.append(f"         ready: {ready['level']}, {ready['said']}")
    if evse["plan"] is not None:
        lines.append(f"         plan: {evse['plan']['summary']}")
    lines += [f"         {_budget(budget)}" for budget in evse["budgets"]]
    if evse["car_plans_w"] is not None:
        lines.append(f"         the car itself plans {evse['car_plans_w']:.0f} W")
    if evse["outlook"] is not None:
        lines.append(f"         if the Pi dies: {_outlook(evse['outlook'], at_utc)}")
    if evse["use"] is not None:
        lines.append(f"         used: {_use(evse['use'])}")
    return lines


def _budget(budget: dict[str, Any]) -> str:
    """How far a budget of discharge is used, beside what is open by now."""
    if budget["used_share"] is None:
        return f"{budget['name']}: its counter cannot be read"
    used, opened = budget["used_share"], budget["open_share"]
    return f"{budget['name']}: {used:.1%} used, {opened:.1%} allowed by now"


def _outlook(outlook: dict[str, Any], at_utc: str) -> str:
    """What the car does by itself: its next charge, or none."""
    steps = outlook["steps"]
    past = [step for step in steps if step["starts_at_utc"] <= at_utc]
    ahead = [*past[-1:], *(step for step in steps if step["starts_at_utc"] > at_utc)]
    for number, step in enumerate(ahead):
        if step["limit_w"] > 0.0:
            since = f" from {_wall(step['starts_at_utc'])}" if number >= len(past[-1:]) else ""
            until = [one["starts_at_utc"] for one in ahead[number + 1 :]]
            end = f" until {_wall(until[0])}" if until else ""
            return f"charges{since} at {step['limit_w'] / 1000.0:.1f} kW{end}"
    return "waits"


def _use(use: dict[str, Any]) -> str:
    """What the charger was bothered with today."""

    def of(budget: int | None) -> str:
        return "" if budget is None else f" of {budget}"

    return (
        f"writes {use['writes_today']}{of(use['writes_per_day'])} today,"
        f" closings {use['closings_today']}{of(use['closings_per_day'])}"
    )


def _following(evse: dict[str, Any]) -> str:
    """What is to be said where a command is not simply followed."""
    said = "" if evse["following"] in (None, "following") else evse["following"]
    said = _CAR_STATES.get(evse["car_state"], said.replace("_", " "))
    return f"; {said}" if said else ""


def _wall(stamp: str, form: str = "%a %H:%M") -> str:
    """Wall time of this machine, as `--until` takes it."""
    return datetime.fromisoformat(stamp).astimezone().strftime(form)


def _where(fault: dict[str, Any]) -> str:
    return "" if fault["evse_id"] is None else f"{fault['evse_id']}: "
