"""What a CalDAV collection is asked (RFC 4791 §7.8), and what its answer holds; pure."""

from __future__ import annotations

from datetime import datetime
from xml.etree import ElementTree

from v2g_daemon.adapters.calendars.translate import LOOK_AHEAD, LOOK_BACK
from v2g_daemon.domain.errors import DeviceProtocolError

_DATA = "{urn:ietf:params:xml:ns:caldav}calendar-data"
_MULTISTATUS = "{DAV:}multistatus"


def question(now_utc: datetime) -> bytes:
    """The body of a REPORT: every event that touches the time that is looked at."""
    start, end = now_utc - LOOK_BACK, now_utc + LOOK_AHEAD
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
        "<D:prop><C:calendar-data/></D:prop>"
        '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">'
        f'<C:time-range start="{start:%Y%m%dT%H%M%SZ}" end="{end:%Y%m%dT%H%M%SZ}"/>'
        "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    ).encode()


def calendars_in(answer: bytes) -> bytes:
    """The calendars of a multistatus, one after the other; raises DeviceProtocolError.

    A document type is refused before it is read: entities that multiply need one.
    """
    try:
        text = answer.decode("utf-8")
        if "<!DOCTYPE" in text:
            raise DeviceProtocolError("declares a document type")
        tree = ElementTree.fromstring(text)  # noqa: S314 no document type, so no entities
    except (ValueError, ElementTree.ParseError) as error:
        raise DeviceProtocolError("is no answer of a CalDAV collection") from error
    if tree.tag != _MULTISTATUS:
        raise DeviceProtocolError("is no answer of a CalDAV collection")
    return "\r\n".join(data.text.strip() for data in tree.iter(_DATA) if data.text).encode()
