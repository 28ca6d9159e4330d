"""A SunSpec DER as a charger: models 701, 702 and 704, wherever its chain has them.

SunSpec counts power out of the device as positive. A setpoint reverts by itself: that is its lease.
"""

from __future__ import annotations

from collections.abc import Mapping

from v2g_daemon.adapters.modbus.chargers.family import ChargerFamily
from v2g_daemon.adapters.modbus.chargers.profile import ChargerBlock, Register
from v2g_daemon.adapters.modbus.chargers.translate import Seen
from v2g_daemon.adapters.modbus.profile import Every, IfRefused
from v2g_daemon.adapters.modbus.sunspec import Model, first_of, walk
from v2g_daemon.adapters.modbus.sunspec_models import (
    COMMON_MODEL,
    SERIAL_OFFSET,
    SERIAL_REGISTERS,
)
from v2g_daemon.adapters.modbus.values import Kind

MEASUREMENT, CAPACITY, CONTROLS, STORAGE = 701, 702, 704, 713
_ENABLED, _IN_WATTS = 1, 1


class SunSpecDer(ChargerFamily):
    """Setpoint and revert timer of model 704; each setpoint runs out unless it is told again."""

    refreshes = True

    async def _locate(self) -> None:
        models = await walk(self.registers.raw, base_addresses=self.profile.base_addresses)
        for model_id, register, blocks in (
            (MEASUREMENT, _measurement, _measurement_blocks),
            (CAPACITY, _capacity, _capacity_blocks),
            (CONTROLS, _controls, _controls_blocks),
        ):
            model = first_of(models, (model_id,))
            self.registers.found(register(model), blocks(model))
        storages = [one for one in models if one.model_id == STORAGE]
        if storages and "soc" not in self.profile.point:
            self.registers.found(_storage(storages[0]), _whole(storages[0], 9))
        commons = [one for one in models if one.model_id == COMMON_MODEL]
        if commons and commons[0].length + 2 >= SERIAL_OFFSET + SERIAL_REGISTERS:
            self.registers.found(*_common(commons[0]))

    async def take(self, watchdog_s: int) -> None:
        """In watts, and 0 W once the timer has run out."""
        await self.registers.ensure("setpoint_kind", _IN_WATTS)
        await self.registers.ensure("reverts_to_w", 0)
        await self.registers.ensure("reverts_enabled", _ENABLED)
        await self.registers.ensure("timeout_s", watchdog_s)

    async def tell(self, power_w: float, seen: Seen) -> None:
        """The setpoint before it is enabled; enabling starts the timer anew."""
        await self._set_and_confirm(power_w)
        await self.registers.write("enabled", _ENABLED)

    async def rest(self) -> None:
        """0 W, enabled: disabled it would do what it likes."""
        await self._set_and_confirm(0.0)
        await self.registers.write("enabled", _ENABLED)

    async def release(self) -> None:
        """No setpoint of ours."""
        await self.rest()
        await self.registers.write("enabled", 0)
        self.registers.forget()


def _whole(model: Model, count: int, every: Every = Every.FAST) -> tuple[ChargerBlock, ...]:
    return (ChargerBlock(address=model.address, count=count, every=every),)


def _measurement(model: Model) -> Mapping[str, Register]:
    at = model.address
    return {
        "state": Register(address=at + 4, type=Kind.UINT16),
        "power_w": Register(address=at + 10, type=Kind.INT16, sign=-1, exponent_at=at + 116),
        "discharge_wh": Register(address=at + 19, type=Kind.UINT64, exponent_at=at + 120),
        "charge_wh": Register(address=at + 23, type=Kind.UINT64, exponent_at=at + 120),
    }


def _measurement_blocks(model: Model) -> tuple[ChargerBlock, ...]:
    return _whole(model, 122)


def _capacity(model: Model) -> Mapping[str, Register]:
    at = model.address
    return {
        "highest_w": Register(address=at + 34, type=Kind.UINT16, exponent_at=at + 45, invalid=(0,)),
        "lowest_w": Register(address=at + 35, type=Kind.UINT16, sign=-1, exponent_at=at + 45),
    }


def _capacity_blocks(model: Model) -> tuple[ChargerBlock, ...]:
    return _whole(model, 46, Every.ONCE)


def _controls(model: Model) -> Mapping[str, Register]:
    at = model.address
    return {
        "enabled": Register(address=at + 22, type=Kind.UINT16, write="one"),
        "setpoint_kind": Register(address=at + 23, type=Kind.UINT16, write="one"),
        "setpoint_w": _power(at + 24, exponent_at=at + 55),
        "reverts_to_w": _power(at + 26, exponent_at=at + 55),
        "reverts_enabled": Register(address=at + 30, type=Kind.UINT16, write="one"),
        "timeout_s": Register(address=at + 31, type=Kind.UINT32, write="many"),
    }


def _power(address: int, *, exponent_at: int) -> Register:
    return Register(
        address=address, type=Kind.INT32, sign=-1, exponent_at=exponent_at, write="many"
    )


def _controls_blocks(model: Model) -> tuple[ChargerBlock, ...]:
    return (ChargerBlock(address=model.address + 22, count=35, every=Every.SLOW),)


def _storage(model: Model) -> Mapping[str, Register]:
    at = model.address
    return {"soc": Register(address=at + 4, type=Kind.UINT16, per=100, exponent_at=at + 8)}


def _common(model: Model) -> tuple[Mapping[str, Register], tuple[ChargerBlock, ...]]:
    at = model.address + SERIAL_OFFSET
    block = ChargerBlock(
        address=at, count=SERIAL_REGISTERS, every=Every.ONCE, if_refused=IfRefused.ABSENT
    )
    register = Register(address=at, type=Kind.STRING, count=SERIAL_REGISTERS)
    return {"serial": register}, (block,)
