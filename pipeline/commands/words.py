"""What states and owners are called on the screen."""

from pipeline.commands.screen import Lang, in_one
from pipeline.plan import Plan
from quality.reasons import STATE_NAMES


def state_name(state: str, lang: Lang) -> str:
    """How far a figure can be trusted, in a word.

    >>> state_name("withheld", "zh"), state_name("withheld", "both")
    ('暂不公布', 'withheld')
    """
    return in_one(STATE_NAMES[state], state, lang)


def owner_name(owner: str, plan: Plan, lang: Lang) -> str:
    """What an owner is called; a team without a name by its own, which Dagster wants `team:` before."""
    known = plan.owners.names.get(owner)
    return in_one(known.zh, known.en, lang) if known else owner.removeprefix("team:")
