"""What can go wrong, by what the caller does about it. A message names the thing, the value and the remedy."""


class TuokeError(Exception):
    """A failure a user can act on; the message is complete without a traceback."""

    exit_code = 1


class ConfigurationError(TuokeError):
    """The project folder or the environment says something that can't be done."""

    exit_code = 2


class SourceError(TuokeError):
    """A source can't be read as declared. `transient` ones are worth another try."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class WarehouseError(TuokeError):
    """Postgres refused or can't be reached. The message never carries the password."""


class AlreadyRunning(WarehouseError):
    """Another run is publishing; this one leaves it alone."""


class LedgerError(TuokeError):
    """Rows or money went missing between two layers."""


class GateClosed(TuokeError):
    """The data is not fit to be published; yesterday's tables stay."""

    exit_code = 3
