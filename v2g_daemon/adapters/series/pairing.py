"""A pairing: one folder with a year of prices, load, PV and stays, and the plant they meet (pure).

`pairing.json` says plant, time zone, when prices are known and what energy left over is worth;
prices.csv.gz, load.csv.gz, sessions.csv.gz and, where there is PV, pv.csv.gz hold the series.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal

from v2g_daemon.adapters.series.sessions import RecordedSession, sessions_of
from v2g_daemon.adapters.series.translate import SeriesFile, series_of
from v2g_daemon.domain.errors import SeriesFileError
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.market.series import SeriesPrice
from v2g_daemon.rehearsal.plant import Plant

PAIRING, PRICES, LOAD, PV, SESSIONS = (
    "pairing.json", "prices.csv.gz", "load.csv.gz", "pv.csv.gz", "sessions.csv.gz",
)  # fmt: skip
W_PER_KW = 1000.0
REAL_TIME_S, TOLD_AFTER_S = (300, 900), (60,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """The folder as read; series keep their own steps. `published` None: prices always hold.

    `real_time_s`: instead, the interval of a market that tells and settles each price by itself,
    `told_after_s` after it began.
    """

    name: str
    interval: Interval
    timezone: str
    currency: str
    published: time | None
    plant: Plant
    start_wh: float
    wear_per_kwh: float
    end_per_kwh: Decimal
    miss_per_kwh: float
    import_prices: tuple[SeriesPrice, ...]
    export_prices: tuple[SeriesPrice, ...]
    load: SeriesFile
    pv: SeriesFile | None
    sessions: tuple[RecordedSession, ...]
    notes: tuple[str, ...]
    real_time_s: int | None = None
    told_after_s: int | None = None


def pairing_of(files: Mapping[str, bytes], *, name: str) -> Pairing:
    """The pairing of a folder's files by their names; SeriesFileError says what is wrong where."""
    facts = _Facts.of(files, name)
    plant = facts.below("plant")
    currency = facts.text("currency")
    prices = series_of(_file(files, name, PRICES), name=f"{name}/{PRICES}")
    sessions = sessions_of(_file(files, name, SESSIONS), name=f"{name}/{SESSIONS}")
    load = series_of(_file(files, name, LOAD), name=f"{name}/{LOAD}")
    pv = series_of(files[PV], name=f"{name}/{PV}") if PV in files else None
    known_hour = facts.number_or_none("prices_known_hour_local")
    return Pairing(
        name=facts.text("name"),
        interval=Interval(start_utc=facts.moment("start_utc"), end_utc=facts.moment("end_utc")),
        timezone=facts.text("timezone"),
        currency=currency.upper(),
        published=None if known_hour is None else time(int(known_hour)),
        plant=_plant(plant),
        start_wh=plant.number("soc_start_kwh") * 1000.0,
        wear_per_kwh=plant.number("wear_per_kwh_discharged"),
        end_per_kwh=Decimal(repr(facts.number("end_energy_price"))),
        miss_per_kwh=facts.number("miss_price_per_kwh"),
        import_prices=_column(prices, f"import_price_{currency}_per_kwh"),
        export_prices=_column(prices, f"export_price_{currency}_per_kwh"),
        load=load,
        pv=pv,
        sessions=sessions.sessions,
        notes=(*prices.notes, *load.notes, *(() if pv is None else pv.notes), *sessions.notes),
        real_time_s=_interval_s(facts, "real_time_s", REAL_TIME_S),
        told_after_s=_interval_s(facts, "told_after_s", TOLD_AFTER_S),
    )


def _interval_s(facts: _Facts, key: str, known: tuple[int, ...]) -> int | None:
    interval_s = facts.number_or_none(key)
    if interval_s is None:
        return None
    if interval_s not in known:
        rather = " or ".join(str(one) for one in known)
        raise SeriesFileError(f"{facts.place}{key} is {interval_s:g}; write {rather}, or nothing")
    return int(interval_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """A JSON object and how its keys are called in messages."""

    place: str
    values: Mapping[str, object]

    @classmethod
    def of(cls, files: Mapping[str, bytes], name: str) -> _Facts:
        place = f"{name}/{PAIRING}"
        try:
            values = json.loads(_file(files, name, PAIRING))
        except ValueError as error:
            raise SeriesFileError(f"{place}: not JSON ({error})") from error
        if not isinstance(values, dict):
            raise SeriesFileError(f"{place}: no JSON object; write one with name, plant, …")
        return cls(place=f"{place}: ", values=values)

    def below(self, key: str) -> _Facts:
        value = self.values.get(key)
        if not isinstance(value, dict):
            raise SeriesFileError(f"{self.place}{key} is {value!r}; write an object")
        return _Facts(place=f"{self.place}{key}.", values=value)

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value:
            raise SeriesFileError(f"{self.place}{key} is {value!r}; write a text")
        return value

    def number(self, key: str) -> float:
        value = self.number_or_none(key)
        if value is None:
            raise SeriesFileError(f"{self.place}{key} is missing; write a number")
        return value

    def number_or_none(self, key: str) -> float | None:
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            raise SeriesFileError(f"{self.place}{key} is {value!r}; write a number of 0 or more")
        return float(value)

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        value = self.values.get(key)
        if not isinstance(value, list) or len(value) != count:
            raise SeriesFileError(
                f"{self.place}{key} is {value!r}; write a list of {count} numbers"
            )
        each = _Facts(
            place=f"{self.place}{key}", values={f"[{at}]": one for at, one in enumerate(value)}
        )
        return tuple(each.number(f"[{at}]") for at in range(count))

    def moment(self, key: str) -> datetime:
        text = self.text(key)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            problem = f"{self.place}{key} is {text!r}; write it as 2024-01-01T23:00:00Z"
            raise SeriesFileError(problem) from error
        if moment.tzinfo is None:
            raise SeriesFileError(f"{self.place}{key} tells no offset; end it in Z")
        return moment.astimezone(UTC).replace(tzinfo=UTC)


def _plant(facts: _Facts) -> Plant:
    """kW and kWh as W and Wh; the loss in kW of a power in kW as the loss curve counts it."""
    constant_kw, linear, quadratic_per_kw = facts.numbers("loss_kw", 3)
    pack_wh = facts.number("pack_kwh") * 1000.0
    least_w = facts.number("power_min_kw") * W_PER_KW
    return Plant(
        pack_wh=pack_wh,
        floor_wh=facts.number("soc_floor_kwh") * 1000.0,
        ceiling_wh=facts.number("soc_ceiling_kwh") * 1000.0,
        taper_above_wh=pack_wh,
        max_charge_w=facts.number("charge_max_kw") * W_PER_KW,
        max_discharge_w=facts.number("discharge_max_kw") * W_PER_KW,
        min_charge_w=least_w,
        min_discharge_w=least_w,
        loss=LossCurve(
            constant_w=constant_kw * W_PER_KW,
            linear=linear,
            quadratic_per_w=quadratic_per_kw / W_PER_KW,
        ),
        import_limit_w=facts.number("import_limit_kw") * W_PER_KW,
        export_limit_w=facts.number("export_limit_kw") * W_PER_KW,
        curtails=True,
    )


def _column(prices: SeriesFile, column: str) -> tuple[SeriesPrice, ...]:
    if column not in prices.prices:
        raise SeriesFileError(f"{prices.name}: there is no column {column}")
    return prices.price_series(column)


def _file(files: Mapping[str, bytes], folder: str, name: str) -> bytes:
    if name not in files:
        raise SeriesFileError(f"{folder}: there is no {name}; see docs/backtest.md for its columns")
    return files[name]
