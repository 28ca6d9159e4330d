"""What a firmware's device model holds and lets itself be told, from its full inventory; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from v2g_daemon.adapters.ocpp.provisioning.abilities import Variable
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject, printable

MOST_ENTRIES = 3000
LONGEST_MEMBERS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One variable: whether it may be written, and the members of a list it knows (none: free)."""

    writable: bool
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """A firmware's variables; `complete` False where the report broke off."""

    entries: Mapping[Variable, Entry] = field(default_factory=dict)
    complete: bool = False

    def read_only(self, variable: Variable) -> bool:
        """Whether the station says that it takes no value; what it does not list may be tried."""
        entry = self.entries.get(variable.folded())
        return entry is not None and not entry.writable

    def members(self, variable: Variable) -> tuple[str, ...]:
        """What a list may hold; nothing where the station does not say."""
        entry = self.entries.get(variable.folded())
        return () if entry is None else entry.members


NO_INVENTORY = Inventory()


def inventory_of(parts: Iterable[JsonObject], *, complete: bool) -> Inventory:
    """The inventory of NotifyReport messages, in whatever order they came."""
    entries: dict[Variable, Entry] = {}
    for part in parts:
        for item in part.get("reportData", ()):
            if len(entries) >= MOST_ENTRIES:
                return Inventory(entries=entries, complete=False)
            entries[_variable(item)] = _entry(item)
    return Inventory(entries=entries, complete=complete)


def inventory_json(inventory: Inventory) -> JsonObject:
    """As short as it can be: a station has hundreds of variables."""
    return {
        "complete": inventory.complete,
        "entries": [
            [one.component, one.evse_number, one.name, one.instance, entry.writable, *entry.members]
            for one, entry in inventory.entries.items()
        ],
    }


def inventory_from(told: JsonObject) -> Inventory:
    """The inventory as it was."""
    entries = {}
    for component, evse_number, name, instance, writable, *members in told["entries"]:
        variable = Variable(
            component=component, name=name, instance=instance, evse_number=evse_number
        )
        entries[variable] = Entry(writable=writable, members=tuple(members))
    return Inventory(entries=entries, complete=told["complete"])


def _variable(item: JsonObject) -> Variable:
    component, variable = item["component"], item["variable"]
    instance = variable.get("instance")
    return Variable(
        component=printable(component["name"]),
        name=printable(variable["name"]),
        instance=None if instance is None else printable(instance),
        evse_number=component.get("evse", {}).get("id"),
    ).folded()


def _entry(item: JsonObject) -> Entry:
    """An attribute without mutability can be read and written (2.0.1, VariableAttributeType)."""
    actual = [one for one in item["variableAttribute"] if one.get("type", "Actual") == "Actual"]
    writable = any(one.get("mutability", "ReadWrite") != "ReadOnly" for one in actual)
    listed = str(item.get("variableCharacteristics", {}).get("valuesList", ""))[:LONGEST_MEMBERS]
    members = (printable(one).strip() for one in listed.split(","))
    return Entry(writable=writable, members=tuple(one for one in members if one))
