"""What is done about values that are missing or stand out, after the gate has judged the rows as they were sent.

Both are told cell by cell: `_filled` and `_outliers` name the columns of a row, NULL where there are none. The rates
are measured before, so a filled cell never counts as complete (I48).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from pipeline.engine import Session, snippet
from pipeline.plan import Cleaning, Fill, Outlier, Plan
from pipeline.tables import TableSpec
from quality.contract import Column, Contract, Rule, contracts
from quality.imputation import SQL_TYPES, Filler
from quality.outliers import usual

FILLED, OUTLIERS = "_filled", "_outliers"
_ROWS, _VALUED = "treatment.rows", "treatment.valued"

TREATED = TableSpec(
    name="dq.treated_values",
    description="How many values of a column are missing or stand out, why, and what was done about them.",
    grain=("table_name", "column_name", "treatment"),
    columns={
        "table_name": ("text", "Canonical table"),
        "column_name": ("text", "Column of the table"),
        "treatment": ("text", "missing or outlier"),
        "rows_total": ("bigint", "Rows let through on the day"),
        "rows_affected": ("bigint", "Rows whose value is missing, or stands out"),
        "affected_rate": ("double precision", "rows_affected / rows_total, 0 to 1; NULL without rows"),
        "rule": ("text", "Rule of the plan; none where only reasons are counted"),
        "action": ("text", "filled, to_verify, flagged, cap, null, or none"),
        "rows_changed": ("bigint", "Rows that got another value"),
        "reasons": ("text", "Reasons the source gives instead of values, and how often, in all rows sent"),
        "message_zh": ("text", "The same as a sentence, in Chinese"),
        "message_en": ("text", "The same as a sentence, in English"),
    },
)

_WORDS = {
    "filled": ("已按规则补全 {changed} 条", "{changed} filled by the rule"),
    "to_verify": ("超过可补全的比例，待核实", "more than may be filled: to be verified"),
    "flagged": ("已标记", "flagged"),
    "cap": ("已截至界限", "brought to the limit"),
    "null": ("已清空", "emptied"),
    "none": ("未作处理", "nothing done"),
}


@dataclass
class Treatment:
    """What the plan wants done about the rows of one table.

    `reasons` tells of a column why values are missing, and how often, as far as the source says.
    """

    contract: Contract
    cleaning: Cleaning
    reasons: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    table: str | None = None
    """What the table is called that the rows are written to, where it is not that of the contract."""
    told: list[dict[str, Any]] = field(default_factory=list)
    """Rows of dq.treated_values, once the rows are treated."""

    def apply(self, session: Session, rows: exp.Query, columns: Sequence[str]) -> exp.Query:
        """The rows, whose columns are named, as they are to be written."""
        fills = {rule.column: rule for rule in self.cleaning.fill if rule.table == self.contract.table}
        outliers = {rule.column: rule for rule in self.cleaning.outliers if rule.table == self.contract.table}
        if not fills and not outliers and not self.reasons:
            return _selected(columns, {}, {}, {}).from_(rows.subquery("rows"))
        session.keep(_ROWS, rows)
        allowed = self._fillable(session, fills)
        Filler(session, _ROWS, self.contract).filled(allowed, _VALUED)
        filled = {rule.column: _is_filled(rule.column) for rule in allowed}
        values = {name: snippet("coalesce($x, $y)", x=_col(name), y=_fill(name)) for name in filled}
        outside = {}
        for name, rule in sorted(outliers.items()):
            known = usual(session, _ROWS, rule)
            self._tell_outliers(session, rule, known.is_outside(_col(name)) if known else None)
            if known:
                outside[name] = known.is_outside(_col(name))
                kind = SQL_TYPES.get(self.contract.by_name[name].type, "decimal(18, 2)")
                values[name] = known.corrected(values.get(name, _col(name)), rule, kind)
        self._tell_missing(session, fills, allowed)
        return _selected(columns, values, filled, outside).from_(_VALUED)

    def _fillable(self, session: Session, fills: Mapping[str, Fill]) -> list[Fill]:
        """The rules of columns of which something is missing, but no more than may be filled, the limit included."""
        found = _counted(session, _ROWS, {name: _is_missing(name) for name in fills})
        limit = self.cleaning.fill_limit
        return [fills[name] for name in sorted(fills) if found[name] and found[name] / found["rows"] <= limit]

    def _tell_missing(self, session: Session, fills: Mapping[str, Fill], allowed: Sequence[Fill]) -> None:
        names = sorted({*fills, *self.reasons})
        missing = _counted(session, _ROWS, {name: _is_missing(name) for name in names})
        changed = _counted(session, _VALUED, {rule.column: _is_filled(rule.column) for rule in allowed})
        for name in names:
            action = "filled" if changed.get(name) else "none"
            if name in fills and missing[name] and fills[name] not in allowed:
                action = "to_verify"
            rule = fills[name].rule if name in fills else "none"
            self._tell(name, "missing", missing["rows"], missing[name], rule, action, changed.get(name, 0))

    def _tell_outliers(self, session: Session, rule: Outlier, is_outside: exp.Expr | None) -> None:
        found = _counted(session, _ROWS, {"outside": is_outside if is_outside is not None else exp.false()})
        action = {"flag": "flagged"}.get(rule.action, rule.action) if found["outside"] else "none"
        changed = found["outside"] if action in ("cap", "null") else 0
        said = f"modified z-score above {rule.threshold:g}"
        self._tell(rule.column, "outlier", found["rows"], found["outside"], said, action, changed)

    def _tell(self, name: str, treatment: str, total: int, affected: int, rule: str, action: str, changed: int) -> None:
        reasons = self.reasons.get(name, {}) if treatment == "missing" else {}
        given = ", ".join(f"{reason} {rows}" for reason, rows in sorted(reasons.items()))
        rate = affected / total if total else None
        label = self.contract.by_name[name].label
        chinese, english = (words.format(changed=changed) for words in _WORDS[action])
        share = f"{rate or 0:.1%}"
        what = ("缺失", "missing") if treatment == "missing" else ("离群", "standing out")
        self.told.append(
            {
                "table_name": self.table or self.contract.table,
                "column_name": name,
                "treatment": treatment,
                "rows_total": total,
                "rows_affected": affected,
                "affected_rate": rate,
                "rule": rule,
                "action": action,
                "rows_changed": changed,
                "reasons": given or None,
                "message_zh": f"{label.zh}{what[0]} {affected} 条（{share}），{chinese}",
                "message_en": f"{label.en}: {affected} {what[1]} ({share}), {english}",
            }
        )


def _selected(
    columns: Sequence[str],
    values: Mapping[str, exp.Expr],
    filled: Mapping[str, exp.Expr],
    outside: Mapping[str, exp.Expr],
) -> exp.Select:
    kept = [values.get(name, _col(name)).as_(name, quoted=True) for name in columns]
    return exp.select(*kept, _names(filled).as_(FILLED, quoted=True), _names(outside).as_(OUTLIERS, quoted=True))


def _names(conditions: Mapping[str, exp.Expr]) -> exp.Expr:
    """The names whose condition holds for a row, in one text."""
    if not conditions:
        return exp.cast(exp.null(), "varchar")
    named = [
        snippet("case when $is then $name end", **{"is": condition, "name": name})
        for name, condition in sorted(conditions.items())
    ]
    return snippet(
        "nullif($names, '')", names=exp.Anonymous(this="concat_ws", expressions=[exp.Literal.string(","), *named])
    )


def _counted(session: Session, relation: str, conditions: Mapping[str, exp.Expr]) -> dict[str, int]:
    """`rows`: all of them; for each name the rows its condition holds for."""
    held = [snippet("coalesce(sum(case when $x then 1 else 0 end), 0)", x=x) for x in conditions.values()]
    [counts] = session.rows(exp.select(snippet("count(*)"), *held).from_(relation))
    return dict(zip(["rows", *conditions], map(int, counts), strict=True))


def _is_missing(name: str) -> exp.Expr:
    return _col(name).is_(exp.null())


def _is_filled(name: str) -> exp.Expr:
    return snippet("$x is null and $y is not null", x=_col(name), y=_fill(name))


def _fill(name: str) -> exp.Column:
    return _col(f"_fill_{name}")


def _col(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


# --- what a plan may ask for ---------------------------------------------------------------------------------------


def cleaning_faults(plan: Plan) -> Iterator[str]:
    """What the plan's section `cleaning` asks for that must not or can't be done, one line each, with the remedy."""
    for place, rules, judge in (
        ("fill", plan.cleaning.fill, _fill_fault),
        ("outliers", plan.cleaning.outliers, _outlier_fault),
    ):
        for number, rule in enumerate(rules, start=1):
            contract = contracts().get(rule.table)
            column = contract.by_name.get(rule.column) if contract else None
            if contract is None:
                fault = f"no such table; there are {', '.join(contracts())}"
            elif column is None:
                fault = f"{rule.table} has no such column; it has {', '.join(contract.by_name)}"
            else:
                fault = judge(rule, contract, column)
            if fault:
                yield f"cleaning.{place}[{number}], {rule.table}.{rule.column}: {fault}"


def _fill_fault(rule: Fill, contract: Contract, column: Column) -> str | None:
    if column.key or column.name.endswith(("_id", "_of")):
        return "keys are never filled: they say which thing a row is about; have them delivered"
    if column.type == "decimal":
        return "money is never filled; have it delivered"
    if column.personal:
        return "what tells of a person is never filled; have it delivered"
    if column.required:
        return "rows without it are kept back, so there is nothing to fill"
    if column.type not in SQL_TYPES:
        return f"days and moments are never filled (it is a {column.type}); have them delivered"
    if _compared(column, contract):
        return (
            f"it is compared with another column ({_compared(column, contract)}), which a made-up value may contradict"
        )
    if rule.rule in ("median", "mean") and column.type not in ("integer", "double"):
        return f"a {column.type} has no {rule.rule}; use mode"
    if rule.rule == "place" and column.format != "region":
        return "rule place finds regions; use lookup"
    if rule.by is not None and rule.by not in contract.by_name:
        return f"by names {rule.by}, which {rule.table} does not have; it has {', '.join(contract.by_name)}"
    wrong = [value for value in _written(rule) if not _fits(value, column, contract)]
    return f"{wrong[0]!r} is no value of it" if wrong else None


def _outlier_fault(rule: Outlier, contract: Contract, column: Column) -> str | None:
    if column.type not in ("integer", "double", "decimal"):
        return f"a {column.type} can't stand out; name a column of numbers"
    if column.type == "decimal" and rule.action != "flag":
        return "money is only flagged, never changed; use action: flag"
    if (column.personal or column.key or column.required) and rule.action != "flag":
        return "what tells of a person, or must be there, is only flagged; use action: flag"
    if rule.action != "flag" and _compared(column, contract):
        return f"it is compared with another column ({_compared(column, contract)}); use action: flag"
    return None


def _compared(column: Column, contract: Contract) -> str | None:
    """The first rule that holds the column against another one."""
    return next((rule.id for rule in contract.rules if _pairs(rule) and column.name in rule.columns), None)


def _pairs(rule: Rule) -> bool:
    return rule.quarantines and len(rule.columns) > 1


def _written(rule: Fill) -> list[Any]:
    return [*([rule.value] if rule.rule == "value" else []), *(rule.values.values() if rule.rule == "lookup" else [])]


def _fits(value: Any, column: Column, contract: Contract) -> bool:
    """Whether a value is of the column's type, and one the contract allows."""
    kinds = {"text": str, "integer": int, "double": (int, float), "boolean": bool}
    if not isinstance(value, kinds[column.type]) or (isinstance(value, bool) and column.type != "boolean"):
        return False
    for rule in contract.rules:
        if rule.columns[0] != column.name:
            continue
        if rule.kind == "allowed" and value not in rule.arguments["values"]:
            return False
        if rule.kind == "range":
            least, most = rule.arguments["minimum"], rule.arguments["maximum"]
            if (least is not None and value < least) or (most is not None and value > most):
                return False
    return True
