"""Walking the chain of models over a dictionary of registers."""

from __future__ import annotations

import pytest

from v2g_daemon.adapters.modbus.sunspec import Model, first_of, walk
from v2g_daemon.adapters.modbus.sunspec_models import METER_MODELS
from v2g_daemon.domain.errors import (
    DeviceProtocolError,
    DeviceRejectedCommand,
    DeviceUnreachable,
)

MARKER = {0: 0x5375, 1: 0x6E53}


class Device:
    """Registers at a base address; a hole is refused, as a device does."""

    def __init__(self, *, base: int, registers: dict[int, int]) -> None:
        self.registers = {base + offset: value for offset, value in registers.items()}

    async def read(self, address: int, count: int) -> tuple[int, ...]:
        try:
            return tuple(self.registers[address + offset] for offset in range(count))
        except KeyError as error:
            raise DeviceRejectedCommand("exception 2") from error


COMMON_THEN_METER = {
    **MARKER,
    **{2: 1, 3: 65},
    **{69: 203, 70: 105},
    **{176: 0xFFFF, 177: 0},
}


@pytest.mark.parametrize("base", [40000, 50000, 0])
async def test_the_chain_is_followed_from_wherever_the_marker_stands(base: int) -> None:
    device = Device(base=base, registers=COMMON_THEN_METER)
    assert await walk(device.read) == (
        Model(model_id=1, address=base + 2, length=65),
        Model(model_id=203, address=base + 69, length=105),
    )


async def test_the_meter_is_found_behind_other_models() -> None:
    registers = {
        **MARKER,
        **{2: 1, 3: 66, 70: 103, 71: 50, 122: 213, 123: 124, 248: 0xFFFF, 249: 0},
    }
    device = Device(base=40000, registers=registers)
    assert first_of(await walk(device.read), METER_MODELS) == Model(
        model_id=213, address=40122, length=124
    )


async def test_an_inverter_alone_is_no_meter() -> None:
    registers = {**MARKER, **{2: 1, 3: 66, 70: 103, 71: 50, 122: 0xFFFF, 123: 0}}
    device = Device(base=40000, registers=registers)
    with pytest.raises(DeviceProtocolError, match="models found: 1, 103"):
        first_of(await walk(device.read), METER_MODELS)


async def test_a_device_without_the_marker_is_not_sunspec() -> None:
    device = Device(base=40000, registers={0: 0, 1: 0})
    with pytest.raises(DeviceProtocolError, match="no SunSpec marker at 40000, 50000, 0"):
        await walk(device.read)


async def test_a_chain_without_end_is_not_followed_for_ever() -> None:
    async def all_ones(address: int, count: int) -> tuple[int, ...]:
        return (0x5375, 0x6E53) if address == 40000 else (1,) * count

    with pytest.raises(DeviceProtocolError, match="does not end"):
        await walk(all_ones)


async def test_a_silent_device_is_not_taken_for_one_without_marker() -> None:
    async def silent(address: int, count: int) -> tuple[int, ...]:
        raise DeviceUnreachable("no answer")

    with pytest.raises(DeviceUnreachable):
        await walk(silent)
