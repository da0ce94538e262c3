"""How far a day's sources can be trusted, and what they do not have."""

from assets.day import ProjectDay
from quality.contract import contracts
from quality.scorecard import SCORECARD, SourceState, states


def source_states(day: ProjectDay) -> dict[str, SourceState]:
    """How far each source table can be trusted on the day."""
    absent = [table for table in contracts() if not day.project.sources.feeds(table)]
    return states(day.read(SCORECARD.name), absent)


def unmapped_columns(day: ProjectDay) -> frozenset[str]:
    """`table.column` of every canonical column no source fills."""
    return frozenset(
        f"{table}.{column}"
        for table, contract in contracts().items()
        for column in set(contract.by_name) - set(day.read(f"mapped.{table}")["column_name"])
    )
