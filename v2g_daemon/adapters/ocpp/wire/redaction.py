"""A frame as it may be shown: tokens shortened, secrets left out, nothing a terminal obeys; pure.

A frame that is no JSON is shown too, since it is what one looks for; there the same fields are
found by their spelling.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

KEPT_CHARACTERS = 4
LONGEST_TEXT = 4_000
LONGEST_VALUE = 300
HIDDEN = "(hidden)"

_TOKENS = frozenset(
    "additionalidtoken emaid evccid groupidtoken idtag idtoken idtokens parentidtag "
    "prioritizedemaids vehicleid vin".split()
)
_SECRETS = frozenset("apnpassword apnusername basicauthpassword password simpin".split())
_SECRET_OBJECTS = frozenset({"vpn"})
_VALUES = frozenset({"actualvalue", "attributevalue", "value"})
# What a variable or a configuration key is called decides what its value is. Repetitions below are
# bounded: a frame made for it must not hold a regular expression up.
_SECRET_NAME = re.compile(r"pass|pwd|secret|authorizationkey|credential|private|psk\b|pin\b", re.I)
_TOKEN_NAME = re.compile(r"token|idtag|evccid|vehicleid|emaid", re.I)
_URL = re.compile(r"\b([a-z][a-z0-9+.-]{0,20}://)(?:[^/@\s\"]*@)?([^?\s\"]*)(\?[^\s\"]*)?", re.I)
# In a frame that is no JSON; a document within it has backslashes before its quotes.
_VALUE = r'\\{0,3}"\s{0,9}:\s{0,9}\[?\s{0,9}\\{0,3}")((?:[^"\\]|\\[^"])*)'
_SPELLED = re.compile(rf'("(?:{"|".join(sorted(_TOKENS | _SECRETS))}){_VALUE}', re.I)
_SPELLED_VALUE = re.compile(rf'("(?:{"|".join(sorted(_VALUES))}){_VALUE}', re.I)
_SPELLED_NAME = re.compile(rf'("(?:key|name){_VALUE}', re.I)


def shortened(token: str) -> str:
    """The end of a token, by which people tell theirs apart; of a short one at most half."""
    kept = min(KEPT_CHARACTERS, len(token) // 2)
    return f"*{token[len(token) - kept :]}" if token != "" else ""


def shown(frame: Any) -> str:
    """A parsed frame as JSON in plain ASCII; may raise RecursionError for one that is too deep."""
    text = json.dumps(_shown(frame), separators=(",", ":"))
    return _cut(text, LONGEST_TEXT)


def shown_text(raw: str | bytes) -> str:
    """A frame that is no JSON, escaped, with every known field masked by its spelling."""
    text = raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else raw
    return _cut(json.dumps(_masked(text))[1:-1], LONGEST_TEXT)


def shown_value(name: str, value: str) -> str:
    """The value of a variable or configuration key of that name."""
    if _SECRET_NAME.search(name):
        return HIDDEN if value != "" else ""
    return shortened(value) if _TOKEN_NAME.search(name) else _text(value)


def _masked(text: str) -> str:
    """Text that should have been JSON."""
    names = " ".join(found[2] for found in _SPELLED_NAME.finditer(text))
    text = _SPELLED.sub(_spelled, text)
    if _SECRET_NAME.search(names):
        text = _SPELLED_VALUE.sub(lambda found: found[1] + HIDDEN, text)
    elif _TOKEN_NAME.search(names):
        text = _SPELLED_VALUE.sub(lambda found: found[1] + shortened(found[2]), text)
    return _URL.sub(_bare_url, text)


def _spelled(found: re.Match[str]) -> str:
    name = found[1].partition('"')[2].partition('"')[0].rstrip("\\")
    return found[1] + (HIDDEN if name.casefold() in _SECRETS else shortened(found[2]))


def _shown(node: Any) -> Any:
    match node:
        case dict():
            name = _variable_name(node)
            return {key: _member(key, value, name) for key, value in node.items()}
        case list():
            return [_shown(one) for one in node]
        case str():
            return _text(node)
        case _:
            return node


def _member(key: str, value: Any, variable_name: str | None) -> Any:
    """One field of an object that perhaps names the variable whose value it holds."""
    folded = key.casefold()
    if folded in _SECRETS or folded in _SECRET_OBJECTS:
        return HIDDEN
    if folded in _TOKENS and isinstance(value, str | list):
        several = value if isinstance(value, list) else [value]
        masked = [shortened(one) if isinstance(one, str) else _shown(one) for one in several]
        return masked if isinstance(value, list) else masked[0]
    if variable_name is not None:
        if folded in _VALUES and isinstance(value, str):
            return shown_value(variable_name, value)
        if folded == "variableattribute" and isinstance(value, list):
            return [_attribute(one, variable_name) for one in value]
    return _shown(value)


def _attribute(node: Any, variable_name: str) -> Any:
    if not isinstance(node, dict):
        return _shown(node)
    return {key: _member(key, value, variable_name) for key, value in node.items()}


def _variable_name(node: Mapping[str, Any]) -> str | None:
    """What the value in an object belongs to: a configuration key or a variable, by its name."""
    match node:
        case {"key": str(key)}:
            return key
        case {"variable": {"name": str(variable)}}:
            return variable
        case _:
            return None


def _text(value: str) -> str:
    """A value that stands for itself, or a document (DataTransfer) or certificate within one."""
    if value[:1] in ("{", "["):
        try:
            return json.dumps(_shown(json.loads(value)), separators=(",", ":"))
        except ValueError:
            return _cut(_masked(value), LONGEST_VALUE)
    if "-----BEGIN" in value:
        return f"(PEM, {len(value)} characters)"
    return _cut(_URL.sub(_bare_url, value) if "://" in value else value, LONGEST_VALUE)


def _bare_url(found: re.Match[str]) -> str:
    """A URL without user, password and query, each of which may be a secret."""
    return f"{found[1]}{found[2]}{'' if found[3] is None else '?' + HIDDEN}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"
