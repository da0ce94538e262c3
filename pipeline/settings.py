"""The environment: secrets and places that differ from machine to machine, never in YAML."""

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.forking import CAN_FORK

USUAL_WORKERS = 2
"""More steps of a day are seldom ready at once, and each may take the engine's memory."""


def usual_workers() -> int:
    """As many as the machine runs at once, up to the usual number; one where a process can't be forked safely."""
    return min(USUAL_WORKERS, len(os.sched_getaffinity(0))) if CAN_FORK else 1


class Settings(BaseSettings):
    """Read from `TUOKE_*` variables, then from the project's `.env`."""

    model_config = SettingsConfigDict(env_prefix="TUOKE_", extra="ignore")

    project: Path = Path("demo")
    """The project folder `dagster dev` opens."""
    database_url: SecretStr | None = None
    """The user's own PostgreSQL; without it the project's embedded server is used."""
    hash_key: SecretStr | None = None
    """Key of the hashes that stand for personal data; `tuoke init` writes a random one."""
    memory_limit: str = "4GB"
    """What the engine may use before it spills to disk; each worker has an engine."""
    threads: int | None = None
    """Worker threads of the engine; all cores by default."""
    workers: int = Field(default_factory=usual_workers, ge=1)
    """Steps of a day that run side by side; two where the machine has two cores."""

    @classmethod
    def of(cls, project: Path) -> "Settings":
        """Settings as they stand for one project folder."""
        return cls(_env_file=project / ".env", project=project)
