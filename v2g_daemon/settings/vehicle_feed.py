"""[vehicle.feed]: a car's own cloud, asked whether its car is plugged in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, StrictBool, StrictInt, StrictStr, field_validator

from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings.section import Positive, Section

Pointer = Annotated[str, Field(pattern="^/")]
Words = Annotated[tuple[StrictBool | StrictInt | StrictStr, ...], Field(min_length=1)]
# Clouds that are asked more often lock the account, and some wake the car.
SHORTEST_PERIOD_S = 60.0


class FeedAnswer(Section):
    """[vehicle.feed.answer]: where the JSON answer holds its values, as JSON pointers."""

    plugged_in: Pointer
    plugged_in_when: Words = (True,)
    unplugged_when: Words = (False,)
    observed_at: Pointer | None = None


class VehicleFeedSection(Section):
    """[vehicle.feed]: asked every `period_s` while its car may be the one plugged in."""

    url: Annotated[str, Field(pattern=r"^https?://[^@#\s]+$")]
    answer: FeedAnswer
    token_file: Path | None = None
    period_s: Annotated[float, Field(ge=SHORTEST_PERIOD_S)] = 300.0
    quiet_period_s: Annotated[float, Field(ge=SHORTEST_PERIOD_S)] = 900.0
    timeout_s: Positive = 10.0
    token: Annotated[SecretStr | None, Field(exclude=True)] = None

    @field_validator("token", mode="before")
    @classmethod
    def _only_in_a_file(cls, token: object) -> object:
        if token is not None:
            raise ValueError("is not written here; name a token_file")
        return token


def with_token(
    feed: VehicleFeedSection | None, where: str, path: Path
) -> VehicleFeedSection | None:
    """The feed with its token read from the file beside the configuration."""
    if feed is None or feed.token_file is None:
        return feed
    where = f"{path}: {where}.feed.token_file = {str(feed.token_file)!r}"
    try:
        found = (path.parent / feed.token_file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{where}: cannot be read ({error}); write the cloud's token into that file"
        ) from error
    if not (found.isascii() and found.isprintable() and found):
        raise ConfigurationError(
            f"{where}: holds no token of one line; write the cloud's token into that file"
        )
    return feed.model_copy(update={"token": SecretStr(found)})
