"""The station's own list of keys: full and differential updates, and who charges by it offline."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators.station.wire import JsonDict

MOST_ENTRIES = 100


@dataclass(slots=True, kw_only=True)
class LocalList:
    """Keys by their token in lower case, with the status each was given."""

    version: int = 0
    statuses: dict[str, str] = field(default_factory=dict)

    def accepts(self, id_token: JsonDict) -> bool:
        """Say whether a key stands on the list and may charge."""
        return self.statuses.get(str(id_token["idToken"]).casefold()) == "Accepted"

    def update(self, request: JsonDict) -> str:
        """Take a SendLocalList over and return its status (D01)."""
        version, full = request["versionNumber"], request["updateType"] == "Full"
        if version <= 0 or (not full and version <= self.version):
            return "VersionMismatch"
        statuses = {} if full else dict(self.statuses)
        for entry in request.get("localAuthorizationList", ()):
            token = str(entry["idToken"]["idToken"]).casefold()
            info = entry.get("idTokenInfo")
            if info is None:
                if full:
                    return "Failed"
                statuses.pop(token, None)
            else:
                statuses[token] = info["status"]
        if len(statuses) > MOST_ENTRIES:
            return "Failed"
        self.version, self.statuses = version, statuses
        return "Accepted"
