"""[charger.profiles]: how a charger wants its power told, where it is not as the standard says."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from v2g_daemon.domain.vendor_command import whole_command
from v2g_daemon.settings.section import NotNegative, Section


class FrequencyPointSection(Section):
    """One point of [charger.profiles] local_frequency: charge +, discharge −, around the target."""

    frequency_hz: Annotated[float, Field(ge=45.0, le=65.0)]
    power_w: float


class LoadBalancingSection(Section):
    """[charger.profiles.local_load_balancing]: thresholds at the charger's own grid meter."""

    upper_threshold_w: float
    lower_threshold_w: float
    upper_offset_w: float = 0.0
    lower_offset_w: float = 0.0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.upper_threshold_w <= self.lower_threshold_w:
            raise ValueError("upper_threshold_w is not above lower_threshold_w; exchange them")
        return self


class VendorPowerSection(Section):
    """[charger.profiles.vendor_power]: a signed power in a vendor's own words (DataTransfer)."""

    vendor_id: Annotated[str, Field(min_length=1, max_length=255)]
    data: Annotated[str, AfterValidator(whole_command)]
    message_id: Annotated[str, Field(min_length=1, max_length=50)] | None = None


class ChargerProfiles(Section):
    """[charger.profiles]: the defaults are the standard's, and safe everywhere."""

    negative_limit: bool = False
    pulls: bool = False
    setpoint_bounds: bool = False
    wears_flash: Literal["as_reported", "yes", "no"] = "as_reported"
    outlook_offline_s: Annotated[int, Field(ge=0, le=86_400)] = 14_400
    idle_after_s: NotNegative = 1800.0
    evse_sleep: bool = False
    local_frequency: tuple[FrequencyPointSection, ...] | None = None
    local_load_balancing: LoadBalancingSection | None = None
    vendor_power: VendorPowerSection | None = None

    @field_validator("local_frequency")
    @classmethod
    def _rising(
        cls, points: tuple[FrequencyPointSection, ...] | None
    ) -> tuple[FrequencyPointSection, ...] | None:
        found_hz = [point.frequency_hz for point in points or ()]
        if points is not None and len(points) < 2:
            raise ValueError("a curve of less than two points; give at least two")
        if any(one >= other for one, other in pairwise(found_hz)):
            raise ValueError("the frequencies do not rise; give the lowest first, each once")
        return points

    @model_validator(mode="after")
    def _one_local_mode(self) -> Self:
        if self.local_frequency is not None and self.local_load_balancing is not None:
            raise ValueError(
                "local_frequency and local_load_balancing exclude each other; leave one out"
            )
        return self
