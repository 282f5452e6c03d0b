"""Variants as bytes: what takes a slot's place on the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from byleave.experiments import Slot, Variant
from byleave.experiments.definitions import VariantKind
from byleave.sdk.encoding import encoded
from byleave.sdk.failures import VariantError, report

if TYPE_CHECKING:  # loaded with the first variant that has words of its own
    from byleave.experiments.locales import Texts
    from byleave.experiments.placeholders import Known


#: What Jinja and Django raise for a template that a site does not have.
_NOT_THERE: Final = frozenset({"TemplateNotFound", "TemplateDoesNotExist"})


class Template(Protocol):
    """One template of the site."""

    def render(self, context: Mapping[str, Any], /) -> str:
        """Return what the template makes of its context."""
        ...


class Templates(Protocol):
    """The site's templates: what a Jinja environment offers, as far as it is used here."""

    def overlay(self, *, enable_async: bool = ..., autoescape: bool = ...) -> Templates:
        """Return the same templates with other settings."""
        ...

    def get_template(self, name: str, /) -> Template:
        """Return the template of a name."""
        ...


class Renderer:
    """Turns variants into bytes with the site's own templates.

    Args:
        templates: The site's; without them, variants of kind `fields` and
            `template` cannot be shown.
        promoted_label: What a list of promoted links is called.
        gettext: Translates that into the language of the request.
    """

    def __init__(
        self,
        templates: Templates | None,
        *,
        promoted_label: str,
        gettext: Callable[[str], str] = str,
    ) -> None:
        # The bytes are needed at once, so an asynchronous environment is used without awaiting.
        self._templates = templates and templates.overlay(enable_async=False)
        # Fields come from people who write text, so they are escaped whatever the site does.
        self._escaping = templates and templates.overlay(enable_async=False, autoescape=True)
        self._promoted_label = promoted_label
        self._gettext = gettext
        self._overrides: dict[str, Template | None] = {}

    def override(self, name: str) -> Template | None:
        """Return the site's own template for something of ours; None where it has none."""
        if name not in self._overrides:
            self._overrides[name] = self._found(name)
        return self._overrides[name]

    def _found(self, name: str) -> Template | None:
        try:
            return None if self._escaping is None else self._escaping.get_template(name)
        except Exception as error:
            if type(error).__name__ not in _NOT_THERE:
                report("the site's own template not used", error, template=name)
            return None

    def promoted_label(self) -> str:
        """Return what a list of promoted links is called on the page at hand."""
        return self._gettext(self._promoted_label)

    def render(
        self,
        slot: Slot,
        variant: Variant,
        default: bytes,
        *,
        path: str,
        codec: str,
        known: Known,
        locale: str | None = None,
    ) -> bytes | None:
        """Return what to show in place of the default; None for the default itself.

        Args:
            slot: The slot's definition.
            variant: What it shows.
            default: The site's own content.
            path: The path of the page.
            codec: The page's charset.
            known: Says what placeholders may show of the visitor.
            locale: The one of the variant's locales that is shown; None where it has none.

        Raises:
            VariantError: The variant does not fit the slot or the site.
        """
        match variant.kind:
            case VariantKind.FIELDS:
                return encoded(self._fields(slot, variant.content, locale, known), codec)
            case VariantKind.TEMPLATE:
                return encoded(self._template(variant.content, {}, self._templates), codec)
            case VariantKind.HTML:
                from byleave.sdk.words import checked_markup  # where an author wrote any

                return encoded(checked_markup(variant.content, known), codec)
            case VariantKind.NAV:
                from byleave.sdk.navigation import personal_navigation  # where a menu may change

                return personal_navigation(
                    default,
                    variant.content,
                    current_path=path,
                    promote_at_most=slot.promote_at_most,
                    may_reorder=slot.reorder,
                    label=self.promoted_label(),
                    codec=codec,
                )
            case VariantKind.SITE | VariantKind.DATA:  # data is for other channels than a page
                return None

    def _fields(
        self, slot: Slot, fields: Mapping[str, Texts], locale: str | None, known: Known
    ) -> str:
        from byleave.sdk.words import checked_fields

        if slot.template is None:
            raise VariantError("the slot has no template to show fields with")
        shown = checked_fields(slot, fields, locale, known)
        return self._template(slot.template, shown, self._escaping)

    def _template(self, name: str, context: Mapping[str, Any], templates: Templates | None) -> str:
        if templates is None:
            raise VariantError("no templates: give `templates=` the site's Jinja environment")
        return templates.get_template(name).render(context)
