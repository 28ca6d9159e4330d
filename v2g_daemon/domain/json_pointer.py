"""JSON pointers (RFC 6901): how the configuration names a place in a device's answer."""

from __future__ import annotations


def pointed_at(document: object, pointer: str) -> object:
    """What the pointer names in a parsed document; None where there is nothing."""
    found = document
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(key)
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found
