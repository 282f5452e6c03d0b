"""Jinja templates: `{% personalise "hero" %}…default…{% endpersonalise %}` and functions.

The tag puts signed comments around the default, which the middleware finds again on the way
out; the page as the template makes it is the same for everybody and can be cached. Where no
middleware is, or none of the site's experiments fills the slot, only the default is written.
That is not so for `{% journey "buy" %}`, which shows the steps of a journey to one visitor.
"""

from jinja2 import Environment, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from markupsafe import Markup

from byleave.sdk.template_functions import FUNCTIONS, journey, marks


class PersonaliseExtension(Extension):
    """The tags `personalise` and `journey`, and the functions of `template_functions.FUNCTIONS`.

    Add it to the site's environment: `Environment(extensions=[PersonaliseExtension])`.
    """

    tags = {"personalise", "journey"}  # noqa: RUF012  # Jinja declares it as a plain attribute

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals.update({each.__name__: each for each in FUNCTIONS})

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        """Parse one tag: a default into what stands between two marks, a journey into its steps."""
        tag = next(parser.stream)
        line, slot = tag.lineno, parser.parse_expression()
        if tag.value == "journey":
            return nodes.Output([self.call_method("_journey", [slot])], lineno=line)
        default = parser.parse_statements(("name:endpersonalise",), drop_needle=True)

        def output(method: str) -> nodes.Node:
            return nodes.Output([self.call_method(method, [slot])], lineno=line)

        return [output("_open"), *default, output("_close")]

    def _journey(self, key: str) -> Markup:
        found = journey(key)
        return Markup() if found is None else Markup(found)  # noqa: S704  # it escapes its parts

    def _open(self, slot: str) -> Markup:
        return marks(slot)[0]

    def _close(self, slot: str) -> Markup:
        return marks(slot)[1]
