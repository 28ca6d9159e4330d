"""The tables of who may charge, and of which back end hears a station."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from v2g_daemon.settings.secret_files import OnlyInAFile
from v2g_daemon.settings.section import Name, Section

Token = Annotated[str, Field(min_length=1, max_length=36, pattern=r"^[!-~]+$")]


class ChargeKey(Section):
    """[[charge_key]]: a badge that charges here, also while the daemon is away."""

    name: Annotated[str, Field(min_length=1, max_length=50)]
    id_token: Token
    vehicle: Name | None = None
    kind: Literal["ISO14443", "ISO15693", "eMAID", "KeyCode", "Local", "MacAddress", "Central"] = (
        "ISO14443"
    )


class Relay(Section):
    """[[ocpp.relay]]: a back end that hears a station, read-only; the id is added to the URL."""

    station_id: Name
    url: Annotated[str, Field(pattern=r"^wss?://[^@?#\s]+$")]
    version: Literal["ocpp2.1", "ocpp2.0.1", "ocpp1.6"] | None = None
    user: Annotated[str, Field(min_length=1, pattern="^[!-9;-~]+$")] | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    plain_text_on_private_network: bool = False
    password: OnlyInAFile = None
