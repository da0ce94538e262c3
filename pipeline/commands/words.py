"""What states, owners and tables are called on the screen."""

from assets.chinese import chinese
from pipeline.commands.screen import Lang, in_one
from pipeline.plan import Plan
from quality.contract import contracts
from quality.reasons import STATE_NAMES


def state_name(state: str, lang: Lang) -> str:
    """How far a figure can be trusted, in a word.

    >>> state_name("withheld", "zh"), state_name("withheld", "both")
    ('暂不公布', 'withheld')
    """
    return in_one(STATE_NAMES[state], state, lang)


def owner_name(owner: str, plan: Plan, lang: Lang) -> str:
    """What an owner is called; a team without a name by its own, which Dagster wants `team:` before."""
    known, bare = plan.owners.names.get(owner), owner.removeprefix("team:")
    return in_one(known.zh, known.en, lang) if known else in_one(chinese().words["owner"].get(owner, bare), bare, lang)


def table_name(table: str, lang: Lang) -> str:
    """A table by the name options take, and in Chinese what it is called beside it.

    >>> table_name("orders", "zh"), table_name("orders", "en")
    ('orders 订单', 'orders')
    """
    return in_one(f"{table} {contracts()[table].label.zh}", table, lang)
