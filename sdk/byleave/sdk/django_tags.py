"""Django templates: `{% personalise "hero" %}…default…{% endpersonalise %}` and more tags.

Add this module to the `builtins` of the site's template engine. The tag puts signed comments
around the default, which the middleware finds again on the way out; the page as the template
makes it is the same for everybody and can be cached. That is not so for `{% why_this "hero" %}`,
`{% why_control %}`, `{% decisions as shown %}`,
`{% data "prices" as prices %}`, `{% known "industry" as industry %}` and `{% journey "buy" %}`.
"""

from django.template import Library
from markupsafe import Markup

from byleave.sdk.template_functions import FUNCTIONS, marks


def personalise(content: str, slot: str) -> Markup:
    """Return a rendered default between the marks of its slot."""
    before, after = marks(slot)
    return before + Markup(content) + after  # noqa: S704  # the template has escaped it


register = Library()
register.simple_block_tag(personalise)
for function in FUNCTIONS:
    register.simple_tag(function)
