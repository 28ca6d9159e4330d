"""[charger.modbus]: a charger that is commanded over Modbus, and where it is found."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from v2g_daemon.settings.section import Section

LONGEST_ALONE_S = 120  # the longest lease of a discharge


class ModbusSection(Section):
    """What is not given here comes from the profile.

    `watchdog_s`: so long the device holds a command without us; where it has no register for that,
    what its own menu is set to.
    """

    link: Annotated[str, Field(min_length=1)]
    profile: Annotated[str, Field(min_length=1)]
    unit_id: Annotated[int, Field(ge=0, le=255)] | None = None
    connector: Annotated[int, Field(ge=1, le=10)] | None = None
    watchdog_s: Annotated[int, Field(ge=10, le=LONGEST_ALONE_S)] | None = None
