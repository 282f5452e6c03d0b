"""Receipts: a signed token that ties a reward to a decision and to no person.

A page carries one receipt for all that was decided for it. It names the page view's random id,
the allocation rows and the arms' indexes, so that a click can report success without anybody
knowing whose.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from itsdangerous import BadSignature, Signer

#: How long a receipt is worth anything.
RECEIPT_LASTS_MS: Final = 86_400_000

#: How far the clocks of a site's machines may be apart.
CLOCKS_APART_MS: Final = 300_000

_MOST_CHARACTERS: Final = 4_096


class Receipt(NamedTuple):
    """What was decided for one page view.

    Attributes:
        decision: The view's random id.
        at_ms: When it was decided.
        arms: Allocation id and the arm's index in its experiment's definition.
    """

    decision: str
    at_ms: int
    arms: tuple[tuple[str, int], ...]


def mint(receipt: Receipt, key: str) -> str:
    """Return the signed text of a receipt."""
    data = [receipt.decision, receipt.at_ms, receipt.arms]
    packed = urlsafe_b64encode(json.dumps(data, separators=(",", ":")).encode())
    return _signer([key]).sign(packed.rstrip(b"=")).decode()


def read_receipt(
    text: str, keys: Sequence[str], *, now_ms: int, lasts_ms: float = RECEIPT_LASTS_MS
) -> Receipt | None:
    """Return the receipt that a text holds; None for one that is forged, damaged or over.

    Args:
        text: What came back.
        keys: The site's receipt keys that are still accepted.
        now_ms: The time.
        lasts_ms: How old it may be; rewards are counted for 24 hours.
    """
    if len(text) > _MOST_CHARACTERS or not any(keys):
        return None
    try:
        packed = _signer([key for key in keys if key]).unsign(text)
        decision, at_ms, arms = json.loads(urlsafe_b64decode(packed + b"=" * (-len(packed) % 4)))
        pairs = tuple((str(allocation), int(arm)) for allocation, arm in arms)
        receipt = Receipt(decision=str(decision), at_ms=int(at_ms), arms=pairs)
    except (BadSignature, ValueError, TypeError):
        return None
    is_alive = -CLOCKS_APART_MS <= now_ms - receipt.at_ms < lasts_ms
    return receipt if is_alive else None


def _signer(keys: Sequence[str]) -> Signer:
    return Signer([*keys], salt="byleave.receipt", key_derivation="hmac", digest_method=sha256)
