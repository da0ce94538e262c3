"""The quarantine: every row that was kept back, why, whose it is, and what has become of it since."""

import pyarrow as pa
from sqlglot import exp

from pipeline.corrections import DISMISSED, REPAIRED
from pipeline.engine import snippet
from pipeline.plan import Label
from pipeline.tables import TableSpec
from quality.contract import Contract, contracts
from quality.gate import QUARANTINED
from quality.rules import message

OPEN, REJECTED_AGAIN, SUPERSEDED = "open", "rejected_again", "superseded"
STATES = (OPEN, REJECTED_AGAIN, REPAIRED, DISMISSED, SUPERSEDED)
WAITING = (OPEN, REJECTED_AGAIN)
"""States in which a row waits for its owner."""
STILL_OUT = (*WAITING, DISMISSED)

LINES = {
    "ragged_row": Label(zh="字段数与表头不符", en="The line has more or fewer fields than the header"),
    "nul_byte": Label(zh="含有空字符", en="The line holds a NUL character"),
    "invalid_byte": Label(zh="含有无法识别的字节", en="The line holds bytes that are no text"),
}
"""What is wrong with a line that is no row."""
OTHER_LINE = Label(zh="无法读取", en="The line can't be read")

QUARANTINE = TableSpec(
    name="dq.quarantine",
    description="Every row and line that was kept back: why, whose it is, and what has become of it since.",
    grain=("table_name", "delivered_on", "row_id"),
    columns={
        "table_name": ("text", "Canonical table"),
        "delivered_on": ("date", "Day it was delivered"),
        "row_id": ("text", "Stable id of the row: its source and line"),
        "source": ("text", "System and file it comes from"),
        "line": ("bigint", "Line it stands on in its file"),
        "state": (
            "text",
            "open: waits for its owner; repaired: corrected and let in; rejected_again: corrected, and kept back "
            "again; dismissed: its owner says it is to stay out; superseded: the same row came again since, "
            "and is told of there",
        ),
        "rule_id": ("text", "First rule it breaks; of a repaired row the first it broke as sent"),
        "rule_ids": ("text", "All rules it breaks, with commas; of a repaired row those it broke as sent"),
        "first_rule_id": ("text", "First rule it broke as sent"),
        "message_zh": ("text", "What is wrong with it, in Chinese"),
        "message_en": ("text", "What is wrong with it, in English"),
        "owner": ("text", "Who answers for the table and mends the row"),
        "amount": ("numeric(18,2)", "Its money, as it stands now; NULL where it has none or it can't be read"),
        "currency": ("text", "ISO 4217 code it states; NULL where it states none"),
        "corrected_on": ("date", "Day for which it was corrected or dismissed; NULL while it was not"),
        "correction": ("text", "File below corrections/ that says so"),
        "row_as_sent": (
            "text",
            "The row as it was sent, as JSON by canonical column; of a line that is no row, its text",
        ),
    },
    restricted=frozenset({"row_as_sent"}),
)

WORDS = "dq.words"
"""The name under which a session holds what is wrong with rows, by table and rule."""


def words() -> pa.Table:
    """What is wrong with a row or line, by its table and the rule it breaks."""
    told = [
        {"table_name": contract.table, "rule_id": rule_id, "message_zh": label.zh, "message_en": label.en}
        for contract in contracts().values()
        for rule_id, label in words_of(contract).items()
    ]
    return pa.Table.from_pylist(told)


def words_of(contract: Contract) -> dict[str, Label]:
    """The same for one table."""
    said = {rule.id: message(rule, contract) for rule in contract.rules}
    return LINES | {rule_id: Label(zh=chinese, en=english) for rule_id, (chinese, english) in said.items()}


def quarantine_of(contract: Contract, *, is_increment: bool) -> exp.Query:
    """The rows of `dq.quarantine` of one table, with what tells each from its like: `sent_hash`, `occurrence`,
    `is_line`.

    The session sees `quarantine.<table>` and `landing.<table>` of all days that matter, and holds the corrections up
    to the day as `corrections.<table>`, and the words. Of what arrives as increments a row that waits and is sent once
    more, in every column the same, waits in its latest delivery alone; without a key two rows may only look the same.
    """
    return snippet(
        """
        with kept as (
            select
                q.delivered_on,
                coalesce(q.sent_row_id, q._row_id) as row_id,
                q._source as source,
                q._line as line,
                case
                    when q.corrected_on is null then $open
                    when q.outcome = $out then $rejected_again
                    else $repaired
                end as state,
                case when q.outcome = $out then q.rule_id else q.first_rule_id end as rule_id,
                case when q.outcome = $out then q.rule_ids else q.first_rule_ids end as rule_ids,
                coalesce(q.first_rule_id, q.rule_id) as first_rule_id,
                coalesce(q.first_rule_ids, q.rule_ids) as first_rule_ids,
                q.amount,
                q.currency,
                q.corrected_on,
                q.correction,
                q.row_as_sent,
                coalesce(q.is_line, false) as is_line
            from $kept_back as q
            where q.outcome = $out or q.corrected_on is not null
            union all
            select
                n.delivered_on,
                n._row_id,
                n._source,
                n._line,
                $open,
                n.rule_id,
                n.rule_id,
                n.rule_id,
                n.rule_id,
                null,
                null,
                null,
                null,
                n.raw,
                true
            from $lines as n
        ),
        latest as (
            select k.*
            from kept as k
            qualify row_number() over (
                partition by k.delivered_on, k.row_id
                order by k.corrected_on desc nulls last, k.state, k.rule_ids
            ) = 1
        ),
        known as (
            select
                l.*,
                md5(l.row_as_sent) as sent_hash,
                row_number() over (
                    partition by l.delivered_on, l.is_line, l.row_as_sent order by l.source, l.line, l.row_id
                ) as occurrence
            from latest as l
        ),
        verdicts as (
            select g.*
            from $given as g
            qualify row_number() over (
                partition by $of_the_day, g._is_line, g._sent_hash, g._occurrence
                order by g._corrected_on desc, g._sequence desc, g._row_id
            ) = 1
        ),
        judged as (
            select
                k.*,
                case when v._row_id is null then k.state else $dismissed end as state_now,
                coalesce(v._corrected_on, k.corrected_on) as judged_on,
                coalesce(v._correction, k.correction) as judged_by,
                max(k.delivered_on) over (partition by k.is_line, k.sent_hash, k.occurrence) as last_delivered_on
            from known as k
            left join verdicts as v
                on v._verdict = $dismissed
                and v._is_line = k.is_line
                and v._sent_hash = k.sent_hash
                and v._occurrence = k.occurrence
                and $same_day
        )
        select
            cast($table as varchar) as table_name,
            k.delivered_on,
            k.row_id,
            k.source,
            k.line,
            case
                when k.state_now in ($open, $rejected_again) and k.last_delivered_on > k.delivered_on and $has_key
                    then $superseded
                else k.state_now
            end as state,
            k.rule_id,
            k.rule_ids,
            k.first_rule_id,
            coalesce(w.message_zh, $other_zh) as message_zh,
            coalesce(w.message_en, $other_en) as message_en,
            cast($owner as varchar) as owner,
            k.amount,
            k.currency,
            k.judged_on as corrected_on,
            k.judged_by as correction,
            k.row_as_sent,
            k.first_rule_ids,
            k.sent_hash,
            k.occurrence,
            k.is_line
        from judged as k
        left join dq.words as w on w.table_name = $table and w.rule_id = k.rule_id
        """,
        open=OPEN,
        out=QUARANTINED,
        rejected_again=REJECTED_AGAIN,
        repaired=REPAIRED,
        dismissed=DISMISSED,
        superseded=SUPERSEDED,
        has_key=_has_key(contract),
        kept_back=exp.to_table(f"quarantine.{contract.table}"),
        lines=exp.to_table(f"landing.{contract.table}"),
        given=exp.to_table(f"corrections.{contract.table}"),
        table=contract.table,
        owner=contract.owner,
        other_zh=OTHER_LINE.zh,
        other_en=OTHER_LINE.en,
        of_the_day=exp.column("_delivered_on", table="g") if is_increment else exp.true(),
        same_day=snippet("v._delivered_on = k.delivered_on") if is_increment else exp.true(),
    )


def _has_key(contract: Contract) -> exp.Expr:
    """Whether a row says all of its key that is required: only then is it known to be the same in two deliveries."""
    required = [rule.id for rule in contract.rules if rule.kind == "required" and rule.columns[0] in contract.key]
    told = [snippet("strpos(',' || k.first_rule_ids || ',', $rule) = 0", rule=f",{rule_id},") for rule_id in required]
    return exp.and_(snippet("not k.is_line"), *told)
