"""Great Expectations: a contract becomes a suite, a frame is validated, counts come back and nothing else.

Imported by nobody at load; the library itself is imported where a suite runs, since that alone takes seconds.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline.errors import TuokeError

if TYPE_CHECKING:
    import great_expectations as gx
    from great_expectations.datasource.fluent import PostgresDatasource
    from great_expectations.expectations.expectation import Expectation

RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}
"""Counts only: by default results carry sample values, and those are people."""


class NotEvaluated(TuokeError):
    """An expectation could not be computed. That says nothing about the data, and the gate stays closed."""

    exit_code = 3


@dataclass(frozen=True)
class Outcome:
    """What an expectation found: rows it looked at, rows that break it."""

    rows: int
    unexpected: int
    success: bool


def validate_frame(frame: pd.DataFrame, expectations: Mapping[str, "Expectation"], name: str) -> dict[str, Outcome]:
    """Each expectation on the frame, in one validation.

    Raises:
        NotEvaluated: an expectation could not be computed.
    """
    context = _context()
    source = context.data_sources.add_or_update_pandas("frames")
    batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("day")
    return _validate(batch.get_batch({"dataframe": frame}), expectations, name)


@contextmanager
def tables_of(url: str) -> Iterator["PostgresDatasource"]:
    """The tables of a Postgres database, for as many validations as are wanted."""
    source = _context().data_sources.add_or_update_postgres("staged", connection_string=url)
    try:
        yield source
    finally:
        # of its own accord the library keeps sessions open
        source.get_engine().dispose()
        source.get_execution_engine().close()


def validate_table(
    source: "PostgresDatasource", relation: str, expectations: Mapping[str, "Expectation"], name: str
) -> dict[str, Outcome]:
    """Each expectation on a Postgres table, `schema.table`, in one validation.

    Raises:
        NotEvaluated: an expectation could not be computed.
    """
    schema, table = relation.split(".")
    asset = source.add_table_asset(name, table_name=table, schema_name=schema)
    return _validate(asset.add_batch_definition_whole_table("day").get_batch(), expectations, name)


def _context() -> "gx.data_context.EphemeralDataContext":
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context


def _validate(batch: Any, expectations: Mapping[str, "Expectation"], name: str) -> dict[str, Outcome]:
    import great_expectations as gx

    suite = gx.ExpectationSuite(name=name)
    for rule_id, expectation in expectations.items():
        expectation.meta = {"rule": rule_id}
        suite.add_expectation(expectation)
    results = batch.validate(suite, result_format=RESULT_FORMAT)
    return dict(_outcome(result, name) for result in results.results)


def _outcome(result: Any, name: str) -> tuple[str, Outcome]:
    rule_id = result.expectation_config.meta["rule"]
    found = result.result
    if not found or (result.exception_info or {}).get("raised_exception"):
        raise NotEvaluated(f"{name}: rule {rule_id} could not be evaluated; the data was not judged by it")
    rows = found.get("element_count", found.get("observed_value", 0))
    unexpected = found.get("unexpected_count", 0 if result.success else 1)
    return rule_id, Outcome(rows=rows, unexpected=unexpected, success=bool(result.success))
