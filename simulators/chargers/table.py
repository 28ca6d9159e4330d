"""`[[charger]]` of a scenario: a charger over Modbus, by its make."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from simulators.table import ElectronicsTable, NotNegative, Port

Make = Literal[
    "wallbox-quasar-1",
    "evtec-bidipro-10",
    "ambibox-ambicharge-home",
    "fermate-fe20",
    "sigenergy-evdc",
]
MAKES: tuple[Make, ...] = get_args(Make)
# What each make can do, where the table says nothing else.
RATINGS: dict[str, dict[str, float]] = {
    "wallbox-quasar-1": {"phases": 1, "min_power_w": 0.0},
    "evtec-bidipro-10": {
        "phases": 3, "max_charge_w": 10_000.0, "max_discharge_w": 10_000.0, "min_power_w": 500.0,
    },
    "ambibox-ambicharge-home": {"phases": 3, "max_charge_w": 11_000.0, "max_discharge_w": 11_000.0},
    "fermate-fe20": {
        "phases": 3, "max_charge_w": 20_000.0, "max_discharge_w": 20_000.0, "min_power_w": 500.0,
    },
    "sigenergy-evdc": {
        "phases": 3, "max_charge_w": 25_000.0, "max_discharge_w": 25_000.0, "min_power_w": 500.0,
    },
}  # fmt: skip


class ChargerTable(ElectronicsTable):
    """One charger; `own_timeout_s`: what its owner set in its menu, where it has no register."""

    id: Annotated[str, Field(min_length=1, max_length=48, pattern=r"^[^/:?#\s]+$")]
    make: Make
    phases: Literal[1, 3]
    port: Port = 0
    link: Literal["tcp", "rtu+tcp"] = "tcp"
    unit_id: Annotated[int, Field(ge=1, le=247)] = 1
    connector: Annotated[int, Field(ge=1, le=10)] = 1
    serial: Annotated[str, Field(max_length=20)] = "SIM-0001"
    discharge_permitted: bool = True
    own_timeout_s: NotNegative = 0.0

    @model_validator(mode="before")
    @classmethod
    def _rated_as_its_make(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {**RATINGS.get(str(data.get("make")), {"phases": 1}), **data}
