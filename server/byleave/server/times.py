"""Moments as they come over the wire."""

from typing import Annotated, Final

import msgspec

#: The end of the year 9998, in milliseconds since the Unix epoch: in no time zone is it beyond
#: 9999, the last year that Python can write.
LAST_MS: Final = 253_370_764_799_999

TimeMs = Annotated[int, msgspec.Meta(ge=0, le=LAST_MS)]
