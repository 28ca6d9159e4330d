"""`v2g station …`: what an installer needs to see of a charging station, and to ask of it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption, SocketOption

if TYPE_CHECKING:
    from v2g_daemon.app.station_tools import StationTools

app = typer.Typer(help="See the charging stations as they are, and ask them.", no_args_is_help=True)

StationArgument = Annotated[str, typer.Argument(help="The station's id.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]
EvseOption = Annotated[
    int | None, typer.Option("--evse", min=0, help="The station's own number of the EVSE.")
]


class Log(StrEnum):
    """Which log is uploaded."""

    DIAGNOSTICS = "diagnostics"
    SECURITY = "security"


@app.command("list")
def list_(
    config: ConfigOption = DEFAULT_CONFIG, socket: SocketOption = None, as_json: JsonOption = False
) -> None:
    """Every configured station: connected or not, what it says it is, and its EVSEs."""
    from v2g_daemon.app.station_text import list_rows, table_text

    found = _tools(socket, config).stations()
    if as_json:
        print(json.dumps(found, indent=2))
        return
    titles = ("station", "model", "firmware", "serial", "link", "EVSE", "state")
    print(table_text(titles, list_rows(found)))


@app.command("show")
def show(
    station: StationArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """One station in full: what it offers, what stands in it, what it refused, its last events."""
    from v2g_daemon.app.station_text import details_text

    found = _tools(socket, config).station(station)
    print(json.dumps(found, indent=2) if as_json else details_text(found))


@app.command("log")
def log(
    station: StationArgument,
    newest: Annotated[int, typer.Option("-n", min=0, max=1000, help="How many frames.")] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """The frames of its link, oldest first; tokens are shortened and secrets left out."""
    tools = _tools(socket, config)
    notes = tools.follow(station, newest) if follow else tools.frames(station, newest)
    try:
        _print_frames(notes, as_json=as_json)
    except KeyboardInterrupt:
        return
    except BrokenPipeError:  # whoever read this has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@app.command("vars")
def vars_(
    station: StationArgument,
    name: Annotated[
        str | None,
        typer.Argument(help="Component, Component.Variable, Component@1.Variable\\[instance]."),
    ] = None,
    setting: Annotated[
        str | None, typer.Option("--set", help="Write a variable: Component.Variable=value.")
    ] = None,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """Its device model (1.6: configuration keys): a variable, a component, or everything."""
    from v2g_daemon.app.station_text import table_text, variable_rows

    tools = _tools(socket, config)
    if setting is None:
        found = tools.variables(station, name)
        if as_json:
            print(json.dumps(found, indent=2))
        else:
            print(table_text(("variable", "may be", "value"), variable_rows(found)))
        return
    variable, equals, value = setting.partition("=")
    if name is not None or not equals or not variable:
        raise typer.BadParameter("write one variable as --set Component.Variable=value")
    _confirm(f"Set {variable} of {station} to {value!r}?", yes=yes)
    _say(tools, station, "variables", {"name": variable, "value": value}, as_json=as_json)


@app.command("reset")
def reset(
    station: StationArgument,
    immediate: Annotated[
        bool, typer.Option("--immediate", help="At once, whatever charges (1.6: a hard reset).")
    ] = False,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reboot it once nobody charges (1.6: softly, which ends a running transaction first)."""
    when = "at once, whatever charges" if immediate else "once idle (1.6: ending transactions)"
    _confirm(f"Reset {station} {when}?", yes=yes)
    body = {"immediate": immediate}
    _say(_tools(socket, config), station, "reset", body, as_json=as_json)


@app.command("unlock")
def unlock(
    station: StationArgument,
    evse: EvseOption = 1,
    connector: Annotated[int, typer.Option("--connector", min=0)] = 1,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """Unlock a connector, for a cable that is stuck; 1.6 ends a running transaction with it."""
    _confirm(f"Unlock connector {connector} of EVSE {evse} at {station}?", yes=yes)
    body = {"evse_number": evse, "connector": connector}
    _say(_tools(socket, config), station, "unlock", body, as_json=as_json)


@app.command("trigger")
def trigger(
    station: StationArgument,
    message: Annotated[str, typer.Argument(help="Such as MeterValues or StatusNotification.")],
    evse: EvseOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have it send a message; `v2g station log` shows it coming."""
    body = {"message": message, "evse_number": evse}
    _say(_tools(socket, config), station, "trigger", body, as_json=as_json)


@app.command("get-log")
def get_log(
    station: StationArgument,
    to: Annotated[str, typer.Option("--to", help="Where to: a URL that the station can reach.")],
    kind: Annotated[Log, typer.Option("--kind", help="Which log.")] = Log.DIAGNOSTICS,
    since: Annotated[datetime | None, typer.Option("--since", help="Local time.")] = None,
    until: Annotated[datetime | None, typer.Option("--until", help="Local time.")] = None,
    wait_s: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to watch the upload for.")
    ] = 300.0,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
) -> None:
    """Have it upload its log to a server of yours, and watch the upload."""
    tools = _tools(socket, config)
    body = {"url": to, "kind": kind.value, "since": _aware(since), "until": _aware(until)}
    print(tools.command(station, "log-upload", body))
    status = ""
    for status in tools.upload_progress(station, longest_s=wait_s) if wait_s > 0.0 else ():
        print(status, flush=True)
    if wait_s > 0.0 and status != "Uploaded":
        raise typer.Exit(1)


@app.command("keys")
def keys(
    station: StationArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """The charge keys it holds for when the daemon is away, and keys shown that are on no list."""
    from v2g_daemon.app.station_text import keys_text

    found = _tools(socket, config).keys(station)
    print(json.dumps(found, indent=2) if as_json else keys_text(found))


def _tools(socket: Path | None, config: Path) -> StationTools:
    from v2g_daemon.app.client import socket_of
    from v2g_daemon.app.station_tools import StationTools

    return StationTools(socket_of(socket, config))


def _confirm(question: str, *, yes: bool) -> None:
    """Ask a person; without one only --yes will do."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("this needs --yes where nobody can be asked")
    typer.confirm(question, abort=True)


def _say(
    tools: StationTools, station: str, what: str, body: dict[str, Any], *, as_json: bool
) -> None:
    detail = tools.command(station, what, body)
    print(json.dumps({"station_id": station, "detail": detail}) if as_json else detail)


def _print_frames(notes: Iterable[dict[str, Any]], *, as_json: bool) -> None:
    from v2g_daemon.app.station_text import frame_line

    for note in notes:
        print(json.dumps(note) if as_json else frame_line(note), flush=True)


def _aware(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone().isoformat()
