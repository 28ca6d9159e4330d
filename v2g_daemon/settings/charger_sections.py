"""What a charger loses, and how often it may be bothered."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from v2g_daemon.settings.section import NotNegative, Positive, Section


class Loss(Section):
    """[charger.loss]: constant + linear·P + quadratic·P² in W, while P is not 0."""

    constant_w: NotNegative = 150.0
    linear: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.03
    quadratic_per_w: NotNegative = 0.000003


class ChargerCadence(Section):
    """[charger.cadence]: how often this charger may be bothered; budgets are for a local day."""

    smallest_change_w: NotNegative = 100.0
    smallest_change_a: NotNegative = 0.5
    between_increases_s: NotNegative = 30.0
    dwell_on_s: NotNegative = 600.0
    dwell_off_s: NotNegative = 300.0
    ramp_up_w_per_s: Positive = 500.0
    closings_per_day: Annotated[int, Field(ge=1)] = 12
    writes_per_day: Annotated[int, Field(ge=1)] = 300
    writes_wear_flash: bool = False
    rests_closed: bool = False
