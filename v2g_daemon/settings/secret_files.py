"""Secrets that stand in files of their own, and never in the configuration or in a message."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo

from v2g_daemon.domain.errors import ConfigurationError


def _refused(written: object, info: ValidationInfo) -> object:
    if written is not None:
        raise ValueError(f"is not written here; name a {info.field_name}_file")
    return written


OnlyInAFile = Annotated[SecretStr | None, BeforeValidator(_refused), Field(exclude=True)]


def secret_in(file: Path, *, where: str, what: str, config: Path) -> SecretStr:
    """What the file beside the configuration holds, less blanks around it.

    `where` is the key that names the file; raises ConfigurationError where it cannot be read or is
    empty.
    """
    place, fix = f"{config}: {where} = {str(file)!r}", f"write {what} into that file"
    try:
        found = (config.parent / file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{place}: cannot be read ({error}); {fix}") from error
    if not found:
        raise ConfigurationError(f"{place}: is empty; {fix}")
    return SecretStr(found)
