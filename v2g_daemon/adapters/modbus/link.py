"""Where a Modbus bus is found, as an installer types it: `tcp://192.168.1.20:502`."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from urllib.parse import parse_qsl, urlsplit

from v2g_daemon.domain.errors import ConfigurationError


class Transport(Enum):
    """How frames travel; the value is the scheme of the link."""

    TCP = "tcp"
    TLS = "tls"
    UDP = "udp"
    RTU = "rtu"
    RTU_OVER_TCP = "rtu+tcp"


PORTS = {
    Transport.TCP: 502,
    Transport.TLS: 802,
    Transport.UDP: 502,
    Transport.RTU: 0,
    Transport.RTU_OVER_TCP: 502,
}
EXAMPLES = (
    '"tcp://192.168.1.20:502", "rtu:///dev/ttyUSB0?baud=9600&parity=N", '
    '"rtu+tcp://192.168.1.21:8899", "udp://192.168.1.22", "tls://192.168.1.23?ca=/etc/meter.pem"'
)
BAUD = 9600
PARITIES = ("N", "E", "O")
NETWORK_TIMEOUT_S = 1.0
RTU_TIMEOUT_S = 0.5
_SERIAL_KEYS = ("baud", "parity", "stop_bits", "echo")
_TLS_KEYS = ("ca", "cert", "key")
_BITS_PER_CHARACTER = 11.0
_SHORTEST_FRAME_GAP_S = 0.00175  # Modbus over serial line 1.02, 2.5.1.1: above 19200 Bd


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One host and port, or one serial port; `timeout_s` is real time, as on every wire."""

    transport: Transport
    address: str
    port: int = 0
    timeout_s: float = NETWORK_TIMEOUT_S
    baud: int | None = None
    parity: str | None = None
    stop_bits: int = 1
    echo: bool = False
    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    @property
    def is_rtu(self) -> bool:
        """Whether frames carry no transaction id, so that a late answer fits any question."""
        return self.transport in (Transport.RTU, Transport.RTU_OVER_TCP)

    @property
    def place(self) -> tuple[str, int]:
        """What only one bus may own."""
        return self.address, self.port

    @property
    def name(self) -> str:
        """For people."""
        return self.address if self.transport is Transport.RTU else f"{self.address}:{self.port}"

    @property
    def quiet_s(self) -> float:
        """How long nothing is said after an answer that did not come, so that it cannot fit."""
        return self.timeout_s if self.is_rtu else 0.0

    @property
    def frame_gap_s(self) -> float:
        """The silence between two frames on a serial line: 3.5 characters."""
        if self.transport is not Transport.RTU:
            return 0.0
        return max(3.5 * _BITS_PER_CHARACTER / (self.baud or BAUD), _SHORTEST_FRAME_GAP_S)


def parse_link(text: str) -> Link:
    """The link that a text names; ConfigurationError says what is wrong and how to write it."""
    parts = urlsplit(text)
    try:
        transport = Transport(parts.scheme)
    except ValueError as error:
        raise ConfigurationError(
            f"{parts.scheme or text!r} is no kind of Modbus link; write one like {EXAMPLES}"
        ) from error
    options = _options(parts.query, transport)
    if transport is Transport.RTU:
        return _serial(parts.netloc + parts.path, options)
    if parts.hostname is None or parts.path not in ("", "/"):
        raise ConfigurationError(f"{text!r} names no host; write one like {EXAMPLES}")
    try:
        port = PORTS[transport] if parts.port is None else parts.port
    except ValueError as error:
        raise ConfigurationError(f"{text!r}: the port is not from 1 to 65535") from error
    fallback_s = RTU_TIMEOUT_S if transport is Transport.RTU_OVER_TCP else NETWORK_TIMEOUT_S
    return Link(
        transport=transport,
        address=parts.hostname,
        port=port,
        timeout_s=_timeout_s(options, fallback_s),
        ca=options.get("ca"),
        cert=options.get("cert"),
        key=options.get("key"),
    )


def _serial(device: str, options: dict[str, str]) -> Link:
    if not device.startswith("/"):
        raise ConfigurationError(f"{device!r} is no serial port; write rtu:///dev/ttyUSB0")
    return Link(
        transport=Transport.RTU,
        address=device,
        timeout_s=_timeout_s(options, RTU_TIMEOUT_S),
        baud=_whole(options, "baud", lowest=300, highest=921_600),
        parity=_parity(options),
        stop_bits=_whole(options, "stop_bits", lowest=1, highest=2) or 1,
        echo=_whole(options, "echo", lowest=0, highest=1) == 1,
    )


def _options(query: str, transport: Transport) -> dict[str, str]:
    known = ["timeout"]
    if transport is Transport.RTU:
        known += _SERIAL_KEYS
    if transport is Transport.TLS:
        known += _TLS_KEYS
    options = dict(parse_qsl(query, keep_blank_values=True))
    for key in options:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            fix = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
            raise ConfigurationError(f"a {transport.value} link has no option {key!r}; {fix}")
    return options


def _whole(options: dict[str, str], key: str, *, lowest: int, highest: int) -> int | None:
    text = options.get(key)
    if text is None:
        return None
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        raise ConfigurationError(f"{key}={text}: write a number from {lowest} to {highest}")
    return int(text)


def _parity(options: dict[str, str]) -> str | None:
    text = options.get("parity")
    if text is not None and text.upper() not in PARITIES:
        raise ConfigurationError(f"parity={text}: write N, E or O")
    return None if text is None else text.upper()


def _timeout_s(options: dict[str, str], fallback_s: float) -> float:
    text = options.get("timeout")
    if text is None:
        return fallback_s
    try:
        timeout_s = float(text)
    except ValueError:
        timeout_s = 0.0
    if not 0.05 <= timeout_s <= 10.0:
        raise ConfigurationError(f"timeout={text}: write seconds from 0.05 to 10")
    return timeout_s
