"""Finding a SunSpec device's models: the marker, then the chain of (id, length) to its end.

Addresses are never hard-coded: the order of models differs between firmware versions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass

from v2g_daemon.adapters.modbus.profile import BASE_ADDRESSES
from v2g_daemon.domain.errors import DeviceProtocolError, DeviceRejectedCommand

MARKER = (0x5375, 0x6E53)  # "SunS"
END_OF_CHAIN = 0xFFFF
_MOST_MODELS = 100
_HIGHEST_ADDRESS = 0xFFFF

ReadRegisters = Callable[[int, int], Awaitable[tuple[int, ...]]]
"""(address, count) -> registers; raises a DeviceError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model in the chain; `address` is that of its id, `length` counts what follows (id, L)."""

    model_id: int
    address: int
    length: int


def first_of(models: Iterable[Model], wanted: Collection[int]) -> Model:
    """The first model of the chain that is wanted; DeviceProtocolError where there is none."""
    found = []
    for model in models:
        if model.model_id in wanted:
            return model
        found.append(str(model.model_id))
    raise DeviceProtocolError(
        f"no SunSpec model {', '.join(str(one) for one in wanted)}; "
        f"models found: {', '.join(found) or 'none'}"
    )


async def walk(
    read: ReadRegisters, *, base_addresses: Iterable[int] = BASE_ADDRESSES
) -> tuple[Model, ...]:
    """Every model of the device in the order of its chain."""
    address = await _find_marker(read, base_addresses) + len(MARKER)
    models: list[Model] = []
    while len(models) < _MOST_MODELS and address + 1 <= _HIGHEST_ADDRESS:
        model_id, length = await read(address, 2)
        if model_id == END_OF_CHAIN:
            return tuple(models)
        models.append(Model(model_id=model_id, address=address, length=length))
        address += 2 + length
    raise DeviceProtocolError(f"the SunSpec chain does not end (after {len(models)} models)")


async def _find_marker(read: ReadRegisters, base_addresses: Iterable[int]) -> int:
    tried = []
    for address in base_addresses:
        tried.append(str(address))
        try:
            if await read(address, len(MARKER)) == MARKER:
                return address
        except DeviceRejectedCommand:
            # No register there; the marker may stand at the next place.
            continue
    raise DeviceProtocolError(f"no SunSpec marker at {', '.join(tried)}")
