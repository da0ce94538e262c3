"""tuoke erase: a customer's personal data taken out of all that is kept, for as long as it is kept."""

from datetime import date

from rich.console import Console, RenderableType

from assets.day import ProjectDay
from assets.erasure import Eraser, Held, by_table, person_of
from pipeline.commands.screen import count, note, place, plain_table
from pipeline.erasures import ERASURES_FILE
from pipeline.errors import ConfigurationError
from pipeline.project import Project


def find(project: Project, customer_id: str, console: Console) -> tuple[Eraser, list[Held]]:
    """Show where personal data of the customer lies.

    Raises:
        ConfigurationError: nobody of that id is known.
    """
    eraser = Eraser(project, person_of(project, customer_id))
    places = eraser.find()
    known = ProjectDay(project, date.max).erasures.ids
    if not places and eraser.person.ids == {customer_id} and customer_id not in known:
        raise ConfigurationError(
            f"no day of {place(project.root)} knows a customer {customer_id}; ids are as the source sends them"
        )
    console.print(f"{customer_id} is customer {eraser.person.customer_id}, sent under {len(eraser.person.ids)} ids.")
    console.print(_places(places, "Personal data in the lake"))
    return eraser, places


def erase(eraser: Eraser, places: list[Held], on: date, reason: str, console: Console) -> None:
    """Erase it, and see to it that no source brings it back.

    Raises:
        WarehouseError: Postgres can't be reached; the lake is done, and the same command finishes the rest.
    """
    project, person = eraser.project, eraser.person
    # first what keeps it from coming back: whoever evaluates a day from now on lands it without
    ProjectDay(project, date.max).erasures.add(person.customer_id, person.ids, on, reason)
    done = list(eraser.erase(places))
    published = eraser.erase_published()
    rows = sum(held.rows for held in done)
    console.print(f"\nErased: {count(rows)} rows of {count(len(done))} days of tables in the lake.")
    for table, changed in sorted(published.items()):
        console.print(f"Erased: {count(changed)} rows of {table} in Postgres.")
    console.print(f"{ERASURES_FILE} holds the ids: keep it, so that what sources send again is landed without.")
    console.print(
        note(
            f"Not touched: the files in {place(project.landing)}, which belong to your systems, exported workbooks, "
            "and backups. Rows, ids, money and times stay."
        )
    )


def _places(places: list[Held], title: str) -> RenderableType:
    if not places:
        return f"{title}: none."
    table = plain_table("table", "rows", "days", title=title, right=("rows", "days"))
    for name, (rows, days) in by_table(places).items():
        table.add_row(name, count(rows), count(days))
    return table
