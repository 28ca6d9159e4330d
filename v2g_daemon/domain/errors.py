"""Every exception v2g-daemon raises on purpose.

V2gDaemonError
├── ConfigurationError          startup only, exit status 78; names file, key and fix
├── DeviceError
│   ├── DeviceUnknown           no device of that name is configured
│   ├── DeviceUnreachable       no link, or the link stopped answering
│   ├── DeviceRejectedCommand   the device answered no
│   └── DeviceProtocolError     the device broke its protocol
├── PriceSourceError            no usable prices in an answer
├── WeatherSourceError          no usable forecast in an answer
├── SeriesFileError             a file of recorded series cannot be used; names file, line and fix
├── LedgerError                 the ledger could not be read or written
├── TraceError                  a trace, plan or problem could not be read (trace/json_form.py)
├── CertificateError            a certificate, key or folder of them cannot be used or made
├── ProblemRefused              no plan can be made of a problem; names the field and why
├── PlanningFailed              the planning child gave no plan; the last good one stays
├── RehearsalFailed             a strategy's process gave no result
└── InvariantViolated           our bug; fatal
"""

from __future__ import annotations


class V2gDaemonError(Exception):
    """Root of all errors raised on purpose."""


class ConfigurationError(V2gDaemonError):
    """The configuration cannot be used; the text names file, key, value and fix."""


class DeviceError(V2gDaemonError):
    """A charger or meter did not do what was asked."""


class DeviceUnknown(DeviceError):
    """No device of that name is configured; the text names those that are."""


class DeviceUnreachable(DeviceError):
    """No link to the device, or no answer in time."""


class DeviceRejectedCommand(DeviceError):
    """The device understood and refused."""


class DeviceProtocolError(DeviceError):
    """The device's answer broke its protocol."""


class PriceSourceError(V2gDaemonError):
    """A price source gave nothing usable; the text says what it gave."""


class WeatherSourceError(V2gDaemonError):
    """A weather service gave nothing usable; the text says what it gave."""


class SeriesFileError(V2gDaemonError):
    """A file of recorded series cannot be used; the text names file, line and fix."""


class LedgerError(V2gDaemonError):
    """The ledger could not be read or written."""


class CertificateError(V2gDaemonError):
    """A certificate, key or folder of them cannot be used or made; the text says the next step."""


class ProblemRefused(V2gDaemonError):
    """No plan can be made of a problem; the text names the field, its value and why."""


class PlanningFailed(V2gDaemonError):
    """The planning child gave no plan in time; the text says why."""


class RehearsalFailed(V2gDaemonError):
    """A strategy's process gave no result; the text says why."""


class InvariantViolated(V2gDaemonError):
    """A rule that our own code guarantees did not hold."""
