"""A suite: the tests of a set of definitions, and the personas that they share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from byleave.experiments import Definitions
from byleave.sdk.folder import LocatedFault
from byleave.segments import DefinitionError, Fault, unknown_name
from byleave.server.commands.expectations import Expectation
from byleave.server.commands.personas import Persona, standing
from byleave.server.yaml_documents import Document, read_documents


@dataclass(slots=True)
class Suite:
    """Tests and personas from any number of files.

    Attributes:
        tests: Each test with the document it stands in.
        personas: The personas by name.
    """

    tests: list[tuple[Expectation, Document]] = field(default_factory=list)
    personas: dict[str, Persona] = field(default_factory=dict)

    @classmethod
    def read(cls, files: Iterable[Path], definitions: Definitions) -> Suite:
        """Return the tests and personas of files.

        Raises:
            DefinitionError: Something is wrong with them; carries every fault.
            OSError: A file cannot be read.
        """
        suite = cls()
        faults: list[Fault] = []
        for file in files:
            try:
                for document in read_documents(file, name=file.as_posix()):
                    faults += suite._add(document, definitions)
            except DefinitionError as error:
                faults += error.faults
        for test, document in suite.tests:
            name = test.persona.name
            if name is not None and name not in suite.personas:
                fault = unknown_name("persona", name, suite.personas, ("persona",))
                faults += document.located([fault])
        if faults:
            raise DefinitionError(faults)
        return suite

    def failures(self, definitions: Definitions, *, now_ms: int) -> list[LocatedFault]:
        """Return every expectation that is not met, with the reason."""
        failures = []
        for test, document in self.tests:
            persona = test.persona.persona or self.personas[test.persona.name or ""]
            stands = standing(persona, definitions, now_ms=now_ms)
            failures += document.located(
                Fault(failure.path, f"{test.test}: {failure.message}")
                for failure in test.failures(stands)
            )
        return failures

    def _add(self, document: Document, definitions: Definitions) -> list[LocatedFault]:
        """Add what a document holds and return what is wrong with it."""
        if not isinstance(document.data, dict) or not {"test", "persona"} & {*document.data}:
            return [document.fault((), "expected a document with `test:` or `persona:`")]
        if "test" in document.data:
            test = document.read(Expectation)
            self.tests.append((test, document))
            own = test.persona.persona
            within = [] if own is None else own.faults(definitions)
            faults = [Fault(("persona", *fault.path), fault.message) for fault in within]
            return document.located([*faults, *test.faults(definitions)])
        persona = document.read(Persona)
        if persona.persona in self.personas:
            message = f"there is another persona {persona.persona!r}"
            return [document.fault(("persona",), message)]
        self.personas[persona.persona] = persona
        return document.located(persona.faults(definitions))
