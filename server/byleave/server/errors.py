"""What can go wrong in the server, for those who call it."""


class ServerError(Exception):
    """The base of every error that this package raises by itself."""


class StorageError(ServerError):
    """The store cannot be opened; the message says why and what to do."""


class BusyError(ServerError):
    """More is waiting to be stored than the queue holds; try again in a moment."""


class UnknownNameError(ServerError):
    """A name, such as that of an experiment, which the site does not have."""


class NothingPublishedError(ServerError):
    """The site has no definitions yet."""
