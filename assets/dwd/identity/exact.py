"""Links between records that share a key the contract names: each to the least id among those that share it."""

from collections.abc import Sequence

from sqlglot import exp

from pipeline.engine import inline, snippet, standard_macros
from quality.contract import Contract, Rule
from quality.gate import shared_key


def wider_keys(contract: Contract) -> list[Rule]:
    """The rules by which records of different ids are one thing."""
    return [rule for rule in contract.rules if rule.kind == "unique"]


def exact_links(contract: Contract, rules: Sequence[Rule]) -> exp.Query:
    """The links by these rules between the rows of the contract's records: pairs of ids with rule and probability."""
    links = [_links(contract, rule) for rule in rules]
    return inline(exp.union(*links, distinct=False) if len(links) > 1 else links[0], standard_macros())


def _links(contract: Contract, rule: Rule) -> exp.Query:
    keyed = exp.select("customer_id", shared_key(rule, frozenset(contract.by_name)).as_("shared_key"))
    return snippet(
        "select customer_id, other_customer_id, $rule as rule_id, cast(1 as double) as probability from ("
        "select customer_id, min(customer_id) over (partition by shared_key) as other_customer_id"
        " from $keyed as keyed where shared_key is not null) as shared where customer_id <> other_customer_id",
        rule=rule.id,
        keyed=keyed.from_(contract.gated).subquery(),
    )
