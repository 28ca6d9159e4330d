"""What a station is asked in service: its list of keys, and its logs."""

from __future__ import annotations

from simulators.station.station import Station
from simulators.station.uploads import Upload
from simulators.station.wire import JsonDict


def get_local_list_version(station: Station, request: JsonDict) -> JsonDict:
    """Tell the version of the local list; 0 while it is switched off or empty."""
    del request
    return {"versionNumber": station.local_list.version if _has_lists(station) else 0}


def send_local_list(station: Station, request: JsonDict) -> JsonDict:
    """Take a list of keys over, if lists are switched on (D01.FR.13)."""
    if not _has_lists(station):
        return {"status": "Failed", "statusInfo": {"reasonCode": "NotEnabled"}}
    return {"status": station.local_list.update(request)}


def get_log(station: Station, request: JsonDict, *, old: bool = False) -> JsonDict:
    """Upload what is known of protocol errors, or of security (N01)."""
    kind = "security" if request["logType"] == "SecurityLog" else "diagnostics"
    name = f"{station.table.id}-{kind}.log"
    lines = [f"{kind} log of {station.table.id}", *station.counts.protocol_errors]
    station.uploads.put_nowait(
        Upload(
            url=request["log"]["remoteLocation"],
            name=name,
            request_id=request["requestId"],
            text="\n".join(lines),
            old=old,
        )
    )
    return {"status": "Accepted", "filename": name}


def _has_lists(station: Station) -> bool:
    return station.model.get("LocalAuthListCtrlr", "Enabled") == "true"
