"""Database URLs as users write them, made into URLs whose driver is installed here."""

import sqlalchemy
from sqlalchemy.exc import ArgumentError

from pipeline.errors import ConfigurationError

POSTGRES_DRIVER = "postgresql+psycopg2"


def normalise_url(url: str) -> sqlalchemy.URL:
    """The URL, with psycopg2 as the driver of a PostgreSQL that names none.

    >>> str(normalise_url("postgresql://reader@db.example/crm"))
    'postgresql+psycopg2://reader@db.example/crm'

    Raises:
        ConfigurationError: it is not a database URL; the message never repeats it, a password may stand in it.
    """
    try:
        parsed = sqlalchemy.make_url(url.strip())
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            "the database URL can't be read; write it as postgresql://user:password@host:5432/database, "
            "with %40 for an @ in the password"
        ) from None
    # SQLAlchemy 2.1 gives a bare postgresql:// to psycopg 3; `postgres://` is what hosting providers hand out
    return parsed.set(drivername=POSTGRES_DRIVER) if parsed.drivername in ("postgresql", "postgres") else parsed
