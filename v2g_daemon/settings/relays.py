"""[[ocpp.relay]] judged as a whole: whose back end, over which line, with which password."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from v2g_daemon.settings.access_sections import Relay
from v2g_daemon.settings.complaint import Complaint
from v2g_daemon.settings.secret_files import secret_in
from v2g_daemon.settings.sections import Settings


def relay_contradictions(settings: Settings) -> Iterator[Complaint]:
    """What cannot hold together in the relays."""
    seen: set[str] = set()
    for number, relay in enumerate(settings.ocpp.relay):
        key = f"ocpp.relay[{number}]"
        yield from _station(key, relay, settings)
        yield from _line(key, relay)
        if relay.station_id in seen:
            yield Complaint(
                key=f"{key}.station_id",
                value=repr(relay.station_id),
                problem="this station is relayed already",
                fix="leave one of them out",
            )
        seen.add(relay.station_id)


def _station(key: str, relay: Relay, settings: Settings) -> Iterator[Complaint]:
    chargers = [one for one in settings.stations if one.station_id == relay.station_id]
    if not chargers:
        known = ", ".join(dict.fromkeys(one.station_id for one in settings.stations))
        yield Complaint(
            key=f"{key}.station_id",
            value=repr(relay.station_id),
            problem="no charger belongs to this station",
            fix=f"name one of {known}",
        )
    elif relay.version is not None and relay.version not in chargers[0].ocpp_versions:
        yield Complaint(
            key=f"{key}.version",
            value=repr(relay.version),
            problem="the station is not offered this version",
            fix="add it to the charger's ocpp_versions, or leave it out",
        )


def _line(key: str, relay: Relay) -> Iterator[Complaint]:
    """Plain only where the configuration says so, and the address proves to be of this network."""
    plain = urlsplit(relay.url).scheme == "ws"
    if plain and not relay.plain_text_on_private_network:
        yield Complaint(
            key=f"{key}.url",
            value=repr(relay.url),
            problem="sends everything unencrypted",
            fix="write wss://, or plain_text_on_private_network = true for a back end in the house",
        )
    elif plain and not _is_private(urlsplit(relay.url).hostname or ""):
        yield Complaint(
            key=f"{key}.url",
            value=repr(relay.url),
            problem="is plain, and its host is no address of a private network",
            fix="write wss://, or the address such as ws://192.168.1.20:9000/ocpp",
        )
    elif plain and relay.ca_file is not None:
        yield Complaint(
            key=f"{key}.ca_file",
            value=None,
            problem="says nothing where the line is plain",
            fix="write wss://, or remove it",
        )


def _is_private(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_private and not address.is_unspecified


def with_relay_files(settings: Settings, path: Path) -> Settings:
    """The relays with their passwords read, and their files beside the configuration."""
    relays = tuple(
        relay.model_copy(
            update={
                "password": _password(relay, number, path),
                "ca_file": None if relay.ca_file is None else path.parent / relay.ca_file,
            }
        )
        for number, relay in enumerate(settings.ocpp.relay)
    )
    return settings.model_copy(update={"ocpp": settings.ocpp.model_copy(update={"relay": relays})})


def _password(relay: Relay, number: int, path: Path) -> SecretStr | None:
    if relay.password_file is None:
        return None
    where = f"ocpp.relay[{number}].password_file"
    return secret_in(relay.password_file, where=where, what="the back end's password", config=path)
