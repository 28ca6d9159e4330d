"""What the tables of a scenario have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

Positive = Annotated[FiniteFloat, Field(gt=0)]
NotNegative = Annotated[FiniteFloat, Field(ge=0)]
Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Table(BaseModel):
    """A table of the file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ElectronicsTable(Table):
    """What a charger can do between grid and car."""

    phases: int
    max_charge_w: Positive = 7400.0
    max_discharge_w: NotNegative = 7400.0
    min_power_w: NotNegative = 1400.0
    ramp_up_w_per_s: Positive = 500.0
    ramp_down_w_per_s: Positive = 3700.0
    loss_constant_w: NotNegative = 150.0
    loss_linear: NotNegative = 0.03
    loss_square_per_kw: NotNegative = 0.003
