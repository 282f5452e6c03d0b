"""An OpenFeature provider: a flag is a slot, its variant is what the slot shows this visitor.

It answers for the request that is being handled, so the evaluation context is not looked at:
who asks, and what they agreed to, is known from the visit. Outside of a request, and for what no
experiment owns, the default is the answer. Needs the extra `openfeature`.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from byleave.experiments import CONTROL
from byleave.sdk.template_functions import data, decisions

_Value = TypeVar("_Value")


class ByleaveProvider(AbstractProvider):
    """Answers flags by the slots of the current visit.

    - A text is the name of the variant, `control` for the site's own content.
    - A boolean is whether a variant is shown that is not the control.
    - An object is the data of a variant of kind `data`; asking for it serves the slot.

    Numbers are not answered: they are a fault of type, and the default.
    """

    def get_metadata(self) -> Metadata:
        """Return the provider's name."""
        return Metadata(name="byleave")

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """Return whether a slot shows anything but the site's own content."""
        variant = _variant(flag_key)
        return _details(None if variant is None else variant != CONTROL, default_value, variant)

    def resolve_string_details(
        self,
        flag_key: str,
        default_value: str,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[str]:
        """Return the name of the variant that a slot shows."""
        variant = _variant(flag_key)
        return _details(variant, default_value, variant)

    def resolve_integer_details(
        self,
        flag_key: str,
        default_value: int,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[int]:
        """Return the default: no slot is a number."""
        return _mismatch(default_value)

    def resolve_float_details(
        self,
        flag_key: str,
        default_value: float,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[float]:
        """Return the default: no slot is a number."""
        return _mismatch(default_value)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        """Return the data that a slot shows, and serve it."""
        found = data(flag_key)
        value = found if isinstance(found, Mapping | list) else None
        return _details(value, default_value, _variant(flag_key))


def _variant(slot: str) -> str | None:
    """Return the variant that an experiment gives a slot; None where none owns it."""
    decision = decisions().get(slot)
    return None if decision is None or decision.experiment is None else decision.variant


def _details(
    value: _Value | None, default: _Value, variant: str | None
) -> FlagResolutionDetails[_Value]:
    if value is None:
        return FlagResolutionDetails(default, reason=Reason.DEFAULT, variant=variant)
    return FlagResolutionDetails(value, reason=Reason.SPLIT, variant=variant)


def _mismatch(default: _Value) -> FlagResolutionDetails[_Value]:
    return FlagResolutionDetails(default, reason=Reason.ERROR, error_code=ErrorCode.TYPE_MISMATCH)
