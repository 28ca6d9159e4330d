"""[vehicle.feed]: a car's own cloud, asked whether its car is plugged in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, StrictStr

from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings.secret_files import OnlyInAFile, secret_in
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
    token: OnlyInAFile = None


def with_token(
    feed: VehicleFeedSection | None, where: str, path: Path
) -> VehicleFeedSection | None:
    """The feed with its token read from the file beside the configuration."""
    if feed is None or feed.token_file is None:
        return feed
    key = f"{where}.feed.token_file"
    token = secret_in(feed.token_file, where=key, what="the cloud's token", config=path)
    found = token.get_secret_value()
    if not (found.isascii() and found.isprintable()):
        raise ConfigurationError(
            f"{path}: {key} = {str(feed.token_file)!r}: holds no token of one line; "
            "write the cloud's token into that file"
        )
    return feed.model_copy(update={"token": token})
