"""`v2g certs`: certificates for the stations' link."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption, SocketOption

app = typer.Typer(help="A local CA, what it issues, and what stations hold of it.")
issue_app = typer.Typer(help="Issue a certificate under the local CA.")
renew_app = typer.Typer(help="Renew a certificate: the same names, key and CA, a new end.")
app.add_typer(issue_app, name="issue")
app.add_typer(renew_app, name="renew")


class Key(StrEnum):
    """What kind of key is made."""

    EC = "ec"
    RSA = "rsa"


DirectoryOption = Annotated[
    Path | None,
    typer.Option("--directory", help="The local CA's folder; else certificates.directory."),
]
KeyOption = Annotated[Key, typer.Option("--key", help="RSA where an old station wants it.")]
StationArgument = Annotated[str, typer.Argument(help="The station's id.")]


@app.command("init")
def init(
    name: Annotated[str, typer.Option("--name", help="The CA's name.")] = "v2g-daemon local CA",
    key: KeyOption = Key.EC,
    directory: DirectoryOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Make the local CA; an existing one is never overwritten."""
    from v2g_daemon.app.certs import init as make

    print(make(_folder(directory, config), name=name, key=key))


@issue_app.command("server")
def issue_server(
    address: Annotated[
        list[str], typer.Option("--address", help="IP address or host name; may be repeated.")
    ],
    key: KeyOption = Key.EC,
    directory: DirectoryOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """A certificate for this daemon, under every address that stations are told."""
    from v2g_daemon.app.certs import issue_server as make

    print(make(_folder(directory, config), addresses=address, key=key))


@issue_app.command("station")
def issue_station(
    station: StationArgument,
    key: KeyOption = Key.EC,
    directory: DirectoryOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Key and certificate for a station that makes no request of its own."""
    from v2g_daemon.app.certs import issue_station as make

    print(make(_folder(directory, config), station_id=station, key=key))


@renew_app.command("server")
def renew_server(directory: DirectoryOption = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """This daemon's certificate."""
    from v2g_daemon.app.certs import renew

    print(renew(_folder(directory, config), station_id=None))


@renew_app.command("station")
def renew_station(
    station: StationArgument,
    directory: DirectoryOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """A station's certificate that was issued here."""
    from v2g_daemon.app.certs import renew

    print(renew(_folder(directory, config), station_id=station))


@app.command("show")
def show(directory: DirectoryOption = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List what lies in the folder, with its end and fingerprint."""
    from v2g_daemon.app.certs import show as listed

    print(listed(_folder(directory, config)))


@app.command("install")
def install(
    station: StationArgument, config: ConfigOption = DEFAULT_CONFIG, socket: SocketOption = None
) -> None:
    """Have a connected station load the local CA (InstallCertificate)."""
    _ask(config, socket, "POST", station, "/root")


@app.command("request")
def request(
    station: StationArgument, config: ConfigOption = DEFAULT_CONFIG, socket: SocketOption = None
) -> None:
    """Have a connected station ask for a new certificate of its own (SignCertificate)."""
    _ask(config, socket, "POST", station, "/request")


@app.command("installed")
def installed(
    station: StationArgument, config: ConfigOption = DEFAULT_CONFIG, socket: SocketOption = None
) -> None:
    """List the certificates that a connected station says it holds."""
    from v2g_daemon.app.client import ask, socket_of

    found = ask(socket_of(socket, config), "GET", _path(station), timeout_s=STATION_TIMEOUT_S)
    for one in found["certificates"]:
        ours = "  this daemon's CA" if one["ours"] else ""
        print(f"{one['serial']}  {one['use']}{ours}")
    if not found["certificates"]:
        print(f"{station} holds none")


@app.command("delete")
def delete(
    station: StationArgument,
    serial: Annotated[str, typer.Argument(help="As `v2g certs installed` lists it.")],
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
) -> None:
    """Have a connected station forget a certificate; never the CA it knows this daemon by."""
    _ask(config, socket, "DELETE", station, f"/{quote(serial, safe='')}")


STATION_TIMEOUT_S = 90.0  # two calls of a station that takes its time


def _ask(config: Path, socket: Path | None, method: str, station: str, below: str) -> None:
    from v2g_daemon.app.client import ask, socket_of

    path = f"{_path(station)}{below}"
    answer = ask(socket_of(socket, config), method, path, timeout_s=STATION_TIMEOUT_S)
    print(f"{station}: {answer['detail']}")


def _path(station: str) -> str:
    return f"/api/v1/stations/{quote(station, safe='')}/certificates"


def _folder(directory: Path | None, config: Path) -> Path:
    from v2g_daemon.settings import load_settings

    return load_settings(config).certificates.directory if directory is None else directory
