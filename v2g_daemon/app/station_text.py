"""Charging stations as people read them; the tables are plain text, whatever a station says."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 2_000  # what is read by a program is not folded
_ARROWS = {"station": "<-", "daemon": "->", "link": "--"}


def table_text(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table without markup; in a terminal its last column wraps."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    names = list(titles)
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name != names[-1])
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else WIDE, markup=False, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def list_rows(stations: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """A line for each EVSE."""
    for one in stations:
        about = one["about"]
        what = " ".join(filter(None, (about["vendor"], about["model"]))) or "?"
        link = "away"
        if one["connected"]:
            link = f"{one['version']} from {one['address']} since {wall(one['since_utc'])}"
        for evse in one["evses"]:
            yield (
                one["station_id"],
                what,
                about["firmware"] or "?",
                about["serial"] or "?",
                link,
                f"{evse['evse_id']} ({evse['evse_number']})",
                evse_state(evse),
            )


def evse_state(evse: dict[str, Any]) -> str:
    """What an EVSE is doing."""
    parts = [evse["connector_status"] or ("plugged in" if evse["plugged_in"] else "not told")]
    if evse["transaction_id"] is not None:
        parts.append("in a transaction")
    if evse["power_w"] is not None:
        parts.append(f"{evse['power_w']:.0f} W")
    return ", ".join(parts)


def details_text(found: dict[str, Any]) -> str:
    """Everything of one station."""
    station = found["station"]
    about = ", ".join(f"{name} {told or '?'}" for name, told in station["about"].items())
    lines = [f"{station['station_id']}: {about}", f"  {_link(station)}"]
    lines.append(f"  dialect: {found['dialect'] or 'none that we know'}")
    for view, evse in zip(station["evses"], found["evses"], strict=True):
        lines += [f"  EVSE {evse['evse_id']} ({view['evse_number']}): {evse_state(view)}"]
        lines += [f"    {line}" for line in _evse_lines(view, evse)]
    lines += [f"  {line}" for line in _setting_lines(found["settings"])]
    lines += [f"  {line}" for line in _relay_lines(found["relay"])]
    upload = found["log_upload"]
    if upload is not None:
        lines.append(f"  log upload {upload['request_id']}: {upload['status']}")
    lines += [
        f"  security {wall(one['at_utc'])}: {one['name']} ({one['detail']})"
        for one in found["security"]
    ]
    return "\n".join(lines)


def _link(station: dict[str, Any]) -> str:
    if not station["connected"]:
        return "not connected"
    return (
        f"OCPP {station['version']} from {station['address']}, since {wall(station['since_utc'])}"
    )


def _evse_lines(view: dict[str, Any], evse: dict[str, Any]) -> Iterator[str]:
    if evse["control"] is not None:
        yield f"told as {evse['control']}, {evse['lowest_w']:.0f} to {evse['highest_w']:.0f} W"
    yield "offers " + ", ".join(f"{name} {value}" for name, value in evse["abilities"].items())
    yield f"default profile: {'installed' if evse['default_installed'] else 'NOT installed'}"
    yield from (f"refused: {one}" for one in evse["refused"])
    if view["transaction_id"] is not None:
        adopted = ", from before the daemon's start" if evse["transaction_adopted"] else ""
        since = evse["transaction_since_utc"]
        told = "" if since is None else f", since {wall(since)}"
        yield f"transaction {view['transaction_id']}{told}{adopted}"
    if evse["evccid"] is not None or evse["id_token"] is not None:
        yield f"car: EVCCID {evse['evccid'] or '?'}, token {evse['id_token'] or '?'}"
    outcome = evse["outcome"]
    if outcome is not None:
        detail = f": {outcome['detail']}" if outcome["detail"] else ""
        at = wall(outcome["answered_utc"])
        yield f"last command {outcome['target_w']:.0f} W at {at}: {outcome['kind']}{detail}"


def _setting_lines(settings: list[dict[str, Any]]) -> Iterator[str]:
    """Those that are not as wanted; the others are counted."""
    if not settings:
        return
    well = [one for one in settings if one["state"] in ("fits", "written")]
    yield f"settings: {len(well)} of {len(settings)} as wanted"
    for one in settings:
        if one not in well:
            yield f"  {one['name']} = {one['value']}, wanted {one['wanted']} ({one['state']})"


def _relay_lines(relay: dict[str, Any] | None) -> Iterator[str]:
    if relay is None:
        return
    state = "connected" if relay["connected"] else "not connected"
    if relay["connected"] and not relay["accepted"]:
        state = "connected, not accepted yet"
    yield (
        f"relay to {relay['url']}: {state}, {relay['forwarded_count']} forwarded, "
        f"{relay['waiting_count']} waiting, {relay['dropped_count']} dropped"
    )
    if relay["last_error"] is not None:
        yield f"relay: {relay['last_error']}"
    yield from (f"relay: the back end's {one} was refused" for one in relay["refused"])


def frame_line(note: dict[str, Any]) -> str:
    """One line of the frame log."""
    if "reason" in note:
        return f"-- {note['reason']}"
    at = datetime.fromisoformat(note["at_utc"]).astimezone()
    stamp = f"{at:%H:%M:%S}.{at.microsecond // 1000:03} {_ARROWS[note['side']]}"
    if note["side"] == "link":
        return f"{stamp} {note['text']}"
    kind = "" if note["kind"] == "call" else f" ({note['kind']})"
    took = "" if note["took_s"] is None else f" after {note['took_s'] * 1000.0:.0f} ms"
    what = f"{note['action'] or '-'}{kind}{took}"
    return f"{stamp} {what}, {note['size_bytes']} B {note['text']}"


def variable_rows(variables: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """A line for each variable."""
    for one in variables:
        value = one["value"]
        if value is None:
            value = "(not told)" if one["status"] == "Accepted" else f"({one['status']})"
        yield one["name"], one["mutability"] or "", value


def keys_text(found: dict[str, Any]) -> str:
    """What the station holds, as far as anybody can say."""
    held = found["held_version"]
    lines = ["no local list, or it does not say" if held is None else f"local list version {held}"]
    if found["sent_version"] is not None:
        step = "in step" if found["in_step"] else "NOT in step: it is sent again at the next boot"
        lines.append(f"sent: version {found['sent_version']} at {wall(found['sent_utc'])}, {step}")
    elif found["keys"]:
        lines.append("nothing sent yet")
    lines += [f"  {key['name']}: {key['id_token']}" for key in found["keys"]]
    unknown = "may charge" if found["accept_unknown_keys"] else "are refused"
    lines.append(f"keys on no list {unknown}")
    lines += [
        f"  shown {wall(one['at_utc'])}: {one['id_token']} ({one['kind']})"
        for one in found["unknown_keys"]
    ]
    lines += [f"{name} = {value}" for name, _, value in variable_rows(found["settings"])]
    return "\n".join(lines)


def wall(stamp: str) -> str:
    """Wall time of this machine."""
    return f"{datetime.fromisoformat(stamp).astimezone():%a %d %b %H:%M:%S}"
