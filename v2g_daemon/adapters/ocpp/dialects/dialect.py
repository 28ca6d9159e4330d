"""Dialects: what is known of how a make of charger speaks, as data; docs/adding-a-charger.md."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from v2g_daemon.adapters.ocpp.config import OcppVersion, VendorPower
from v2g_daemon.adapters.ocpp.dialects.lessons import Make
from v2g_daemon.domain.vendor_command import whole_command

LEAST_CHARGE_A = 6.0  # IEC 61851-1: below it no car charges


class Table(BaseModel):
    """A table of a dialect; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_as_number(cls, value: object, info: ValidationInfo) -> object:
        numbers = ("float", "int")
        annotation = str(cls.model_fields[info.field_name or ""].annotation)
        if isinstance(value, bool) and any(one in annotation for one in numbers):
            raise ValueError("true and false are no values for this key")
        return value


class VendorWords(Table):
    """A signed power over DataTransfer; `data` is filled in for each command."""

    vendor_id: Annotated[str, Field(min_length=1, max_length=255)]
    data: Annotated[str, AfterValidator(whole_command)]
    message_id: Annotated[str, Field(min_length=1, max_length=50)] | None = None

    def words(self) -> VendorPower:
        """As the profiles' configuration has it."""
        return VendorPower(vendor_id=self.vendor_id, data=self.data, message_id=self.message_id)


class Quirks(Table):
    """The keys of a dialect; None: nothing is known. What they mean stands in the page."""

    # of the station
    prefers_version: OcppVersion | None = None
    ping_interval_s: Annotated[float, Field(ge=0.0)] | None = None
    ping_timeout_s: Annotated[float, Field(gt=0.0)] | None = None
    boot_pending: bool | None = None
    trigger_boot: bool | None = None
    remote_start: bool | None = None
    drops_link: bool | None = None
    measurands: Annotated[str, Field(min_length=1)] | None = None
    configuration_keys: dict[str, str] | None = None
    unknown_fields: Literal["tolerate", "refuse"] | None = None
    # of its profiles
    rate_unit: Literal["A", "W"] | None = None
    phases_said: bool | None = None
    default_kind: Literal["Absolute", "Relative"] | None = None
    lease_purpose: Literal["TxProfile", "TxDefaultProfile"] | None = None
    lease_level: Annotated[int, Field(ge=0)] | None = None
    least_limit_a: Annotated[float, Field(gt=0.0, lt=LEAST_CHARGE_A)] | None = None
    wears_flash: bool | None = None
    pulls: bool | None = None
    setpoint_bounds: bool | None = None
    negative_limit: bool | None = None
    vendor_power: VendorWords | None = None
    # of the house
    fail_state: Literal["charges", "idles", "unknown"] | None = None
    soc_needs_power: bool | None = None


# They discharge, or loosen what the house makes sure of: no device gets them by its own name.
ONLY_WHEN_NAMED = frozenset({"negative_limit", "vendor_power", "fail_state", "soc_needs_power"})


class Fact(Table):
    """One thing that is known, and from where; without `key` it is for people alone.

    `verified`: its maker says so, or a released program for it relies on it.
    """

    key: str | None = None
    value: Any = None
    note: Annotated[str, Field(min_length=1)] | None = None
    source: Annotated[str, Field(min_length=1)]
    verified: bool

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.key is None) != (self.value is None):
            raise ValueError("key and value belong together; give both or none")
        if self.key is None and self.note is None:
            raise ValueError("says nothing; add key and value, or a note")
        return self


class Dialect(Table):
    """One make, by shell patterns, without letter case, of what its BootNotification says."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    name: Annotated[str, Field(min_length=1)]
    vendors: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    firmwares: tuple[str, ...] = ()
    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]

    def quirks(self, *, named: bool) -> Quirks:
        """What is to be done; only the installer who names a dialect vouches for all of it."""
        return Quirks(
            **{
                fact.key: fact.value
                for fact in self.facts
                if fact.key is not None
                and (named or (fact.verified and fact.key not in ONLY_WHEN_NAMED))
            }
        )

    def closeness(self, make: Make) -> tuple[int, ...] | None:
        """How exactly it speaks of a make, to be compared; None: not of this one.

        Without vendors it speaks of none: it can only be named.
        """
        if not self.vendors:
            return None
        told = (
            (self.firmwares, make.firmware),
            (self.models, make.model),
            (self.vendors, make.vendor),
        )
        found = [_fit(patterns, word or "") for patterns, word in told]
        return None if None in found else tuple(one for one in found if one is not None)


def _fit(patterns: tuple[str, ...], word: str) -> int | None:
    """1 + the letters that the best pattern names; 0 where any word will do; None: no match."""
    if not patterns:
        return 0
    fitting = [one for one in patterns if fnmatchcase(word.casefold(), one.casefold())]
    return max((1 + len(one.replace("*", "")) for one in fitting), default=None)
