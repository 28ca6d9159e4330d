"""At what price another move would be made: the answer to "why not now".

Both prices of the slot are moved by the same amount, as they move with the market, and all later
ones stay. Then what an action gains is a straight line over that amount, as steep as what it draws
at the PCC, and where the lines cross the decision turns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

from v2g_daemon.control.dispatch import gains
from v2g_daemon.control.pricing import Ahead, Moment, at_pcc_w
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.prospect import Move, PriceSide, RunnerUp, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """An action with its gain over idling, and what it draws at the PCC beyond idling (kWh).

    The draw is `imports_kwh` bought more and `exports_kwh` sold less.
    """

    power_w: float
    gain_money: float
    imports_kwh: float
    exports_kwh: float

    @property
    def move(self) -> Move:
        """Which way it goes."""
        return move_of(self.power_w)

    @property
    def draws_kwh(self) -> float:
        """By how much it gains less for each unit that both prices rise."""
        return self.imports_kwh + self.exports_kwh


def move_of(power_w: float) -> Move:
    """The move of a signed power."""
    if power_w == 0.0:
        return Move.IDLE
    return Move.CHARGE if power_w > 0.0 else Move.DISCHARGE


def weighed(plan: Plan, moment: Moment, ahead: Ahead) -> tuple[Weighed, ...]:
    """Idling, and every other action that is possible."""
    return (
        Weighed(power_w=0.0, gain_money=0.0, imports_kwh=0.0, exports_kwh=0.0),
        *(
            weighed_action(power_w, gain_money, moment, ahead)
            for power_w, gain_money in gains(plan, moment, ahead)
            if isfinite(gain_money)
        ),
    )


def weighed_action(power_w: float, gain_money: float, moment: Moment, ahead: Ahead) -> Weighed:
    """One action with what it draws."""
    idle_import_w, idle_export_w = at_pcc_w(0.0, moment)
    import_w, export_w = at_pcc_w(power_w, moment)
    return Weighed(
        power_w=power_w,
        gain_money=gain_money,
        imports_kwh=(import_w - idle_import_w) * ahead.hours_h / 1000.0,
        exports_kwh=(idle_export_w - export_w) * ahead.hours_h / 1000.0,
    )


def best_of(actions: Iterable[Weighed]) -> Weighed | None:
    """The action that gains most; the first of equals."""
    return max(actions, key=lambda action: action.gain_money, default=None)


def runner_up(actions: tuple[Weighed, ...], made: Weighed) -> RunnerUp | None:
    """The best action of any other move; None where there is none."""
    best = best_of(action for action in actions if action.move is not made.move)
    if best is None:
        return None
    return RunnerUp(
        move=best.move,
        power_w=best.power_w,
        dearer_by_money=made.gain_money - best.gain_money,
    )


def turns(actions: tuple[Weighed, ...], moment: Moment) -> tuple[Turn, ...]:
    """The price up to which it charges and that from which it discharges, as far as it can."""
    found = (_turn(move, actions, moment) for move in (Move.CHARGE, Move.DISCHARGE))
    return tuple(turn for turn in found if turn is not None)


def _turn(move: Move, actions: tuple[Weighed, ...], moment: Moment) -> Turn | None:
    """Where the first action of the move overtakes all that are none of it."""
    others = [action for action in actions if action.move is not move]
    best: tuple[float, Weighed] | None = None
    for action in actions:
        if action.move is not move:
            continue
        overtakes = _overtakes(action, others, move)
        if overtakes is not None and (best is None or _sooner(overtakes, best[0], move)):
            best = overtakes, action
    if best is None:
        return None
    moved_per_kwh, action = best
    side = PriceSide.IMPORT
    if abs(action.exports_kwh) > abs(action.imports_kwh):
        side = PriceSide.EXPORT
    price_per_kwh = moment.import_per_kwh if side is PriceSide.IMPORT else moment.export_per_kwh
    return Turn(
        move=move,
        side=side,
        threshold_per_kwh=price_per_kwh + moved_per_kwh,
        price_per_kwh=price_per_kwh,
    )


def _overtakes(action: Weighed, others: list[Weighed], move: Move) -> float | None:
    """By how much both prices must move for it to gain as much as every other."""
    crossings: list[float] = []
    for other in others:
        steeper_kwh = other.draws_kwh - action.draws_kwh
        falls = steeper_kwh > 0.0 if move is Move.DISCHARGE else steeper_kwh < 0.0
        if falls:
            crossings.append((other.gain_money - action.gain_money) / steeper_kwh)
        elif other.gain_money > action.gain_money:
            return None  # no price moves it past this one
    if not crossings:
        return None
    return max(crossings) if move is Move.DISCHARGE else min(crossings)


def _sooner(one: float, other: float, move: Move) -> bool:
    return one < other if move is Move.DISCHARGE else one > other
