"""What goes wrong in reading consent."""


class ConsentStringError(ValueError):
    """A consent string that cannot be read by its specification, and so grants nothing.

    The message says what was expected and where; it never repeats the string.
    """
