"""The relational engine and the models it runs. Nothing outside this package imports an engine's library."""

from pipeline.engine.base import Engine, Relation, Session, Written
from pipeline.engine.duckdb import DuckDBEngine
from pipeline.engine.model import Model, ModelError, bind, read_macros, read_model

__all__ = [
    "DuckDBEngine",
    "Engine",
    "Model",
    "ModelError",
    "Relation",
    "Session",
    "Written",
    "bind",
    "read_macros",
    "read_model",
]
