"""The TLS side of the door: the server's context, and whose certificate a station shows."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from v2g_daemon.adapters.ocpp.config import TlsConfig
from v2g_daemon.domain.errors import ConfigurationError

READABLE_BY_OTHERS = 0o077
# A00.FR.318 wants them for old stations; without forward secrecy they stay off unless asked for.
RSA_KEY_EXCHANGE = "AES128-GCM-SHA256:AES256-GCM-SHA384"


def server_context(config: TlsConfig, *, client_certificate_required: bool) -> ssl.SSLContext:
    """TLS 1.2 or newer; raises ConfigurationError naming key, file and fix."""
    _check_mode(config.key_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    if config.rsa_key_exchange:
        usual = ":".join(one["name"] for one in context.get_ciphers())
        context.set_ciphers(f"{usual}:{RSA_KEY_EXCHANGE}")
    try:
        # A key with a passphrase would ask at the terminal; the empty one only fails.
        context.load_cert_chain(config.certificate_file, config.key_file, password="")
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"ocpp.tls_certificate_file = '{config.certificate_file}' with ocpp.tls_key_file = "
            f"'{config.key_file}': cannot be used ({error}); name a PEM certificate and its own "
            "key without a passphrase, such as `v2g certs issue server` makes"
        ) from error
    if config.client_ca_file is not None:
        _check_stations_by(context, config.client_ca_file, required=client_certificate_required)
    return context


def _check_stations_by(context: ssl.SSLContext, client_ca_file: Path, *, required: bool) -> None:
    try:
        context.load_verify_locations(client_ca_file)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"ocpp.client_ca_file = '{client_ca_file}': cannot be used ({error}); name the PEM "
            "certificate of the CA that signs the stations' certificates"
        ) from error
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL


def _check_mode(key_file: Path) -> None:
    try:
        mode = key_file.stat().st_mode
    except OSError as error:
        raise ConfigurationError(
            f"ocpp.tls_key_file = '{key_file}': cannot be read ({error.strerror}); name the key of "
            "the server's certificate, readable by the daemon's user"
        ) from error
    if mode & READABLE_BY_OTHERS:
        raise ConfigurationError(
            f"ocpp.tls_key_file = '{key_file}': its mode {mode & 0o777:04o} lets others read it; "
            f"chmod 0600 {key_file}"
        )


def certificate_names(certificate: Mapping[str, Any]) -> frozenset[str]:
    """The names of `SSLObject.getpeercert()`: common names, and DNS and URI alternatives."""
    names = {
        value
        for part in certificate.get("subject", ())
        for kind, value in part
        if kind == "commonName"
    }
    names |= {
        value for kind, value in certificate.get("subjectAltName", ()) if kind in ("DNS", "URI")
    }
    return frozenset(names)


def not_after_utc(certificate: Mapping[str, Any]) -> datetime:
    """When the certificate of `SSLObject.getpeercert()` expires."""
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), tz=UTC)
