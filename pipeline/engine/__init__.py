"""The relational engine and the models it runs. Nothing outside this package imports an engine's library."""

from pipeline.engine.base import Engine, Relation, Session
from pipeline.engine.duckdb import DuckDBEngine
from pipeline.engine.model import (
    SQL_FOLDER,
    Model,
    ModelError,
    inline,
    read_macros,
    read_model,
    snippet,
    standard_macros,
)

__all__ = [
    "SQL_FOLDER",
    "DuckDBEngine",
    "Engine",
    "Model",
    "ModelError",
    "Relation",
    "Session",
    "inline",
    "read_macros",
    "read_model",
    "snippet",
    "standard_macros",
]
