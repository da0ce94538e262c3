"""The screen: where text goes, what figures look like, and how libraries are kept from writing over it."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

Lang = Literal["zh", "en", "both"]

WIDTH = 120
"""Columns of text where no terminal says how many it has."""
LEAST_WIDTH = 80
NOTHING = "–"
MINUS = "−"
"""The sign of a number; a hyphen is none."""
GOOD, POOR, BAD, FAINT, LOUD = "green", "yellow", "red", "dim", "bold"
STATE_STYLES = {"final": GOOD, "provisional": POOR, "withheld": BAD}


def screen(file: TextIO | None = None, *, stderr: bool = False) -> Console:
    """A console that prints text as it is: no markup, no guessed colours, no emoji."""
    console = Console(file=file, stderr=stderr, highlight=False, markup=False, emoji=False)
    console.width = max(console.width, LEAST_WIDTH if console.is_terminal else WIDTH)
    return console


def complain(message: str) -> None:
    """What went wrong, on standard error, never broken in the middle of a path."""
    screen(stderr=True).print(message, style=BAD, soft_wrap=True)


def plain_table(
    *columns: str, title: str | None = None, right: tuple[str, ...] = (), whole: tuple[str, ...] = ()
) -> Table:
    """A table with a rule under its header and nothing else.

    The columns named in `right` hold figures, those in `whole` names: both are never broken.
    """
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.title_justify, table.title_style = "left", LOUD
    for column in columns:
        justify = "right" if column in right else "left"
        table.add_column(column, justify=justify, no_wrap=column in (*right, *whole), overflow="fold")
    return table


def note(text: str) -> RenderableType:
    """A remark below a table, indented however often it breaks."""
    return Padding(Text(text, style=FAINT), (0, 0, 0, 2))


def told_grid(parts: dict[str, str]) -> Table:
    """Names beside what is said of each; long words stay in their own column."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style=FAINT)
    grid.add_column(overflow="fold")
    for name, said in parts.items():
        grid.add_row(name, said)
    return grid


def place(path: Path) -> str:
    """A path as the user would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def in_one(zh: str, en: str, lang: Lang) -> str:
    """A heading or a remark: in Chinese where that alone is asked for, else in English, for there is no room for both.

    >>> in_one("来源", "source", "zh"), in_one("来源", "source", "both")
    ('来源', 'source')
    """
    return zh if lang == "zh" else en


def noted(head: str, told: str, lang: Lang) -> str:
    """What is said of something, after what it is said of.

    >>> noted("订单", "没有数据行", "zh"), noted("orders", "no rows", "en")
    ('订单：没有数据行', 'orders: no rows')
    """
    return f"{head}：{told}" if lang == "zh" else f"{head}: {told}"


def listed(names: Iterable[str], lang: Lang) -> str:
    """
    >>> listed(["a", "b"], "zh"), listed(["a", "b"], "en")
    ('a、b', 'a, b')
    """
    return ("、" if lang == "zh" else ", ").join(names)


def label(zh: str, en: str, lang: Lang) -> str:
    """A name in the language asked for, or in both."""
    return {"zh": zh, "en": en, "both": f"{zh} {en}"}[lang]


def count(number: float) -> str:
    """
    >>> count(1234.0)
    '1,234'
    """
    return f"{number:,.0f}"


def share(rate: float | None) -> str:
    """
    >>> share(0.9312), share(None)
    ('93.1%', '–')
    """
    return NOTHING if rate is None or rate != rate else f"{rate:.1%}"


def figure(value: float | None, unit: str, lang: Lang = "en") -> str:
    """A KPI's value as it is read.

    >>> figure(0.25, "rate"), figure(7.68, "ratio"), figure(20.04, "days"), figure(None, "count")
    ('25.0%', '1:7.7', '20.0 d', '–')
    >>> figure(20.04, "days", "zh"), figure(-0.01, "rate")
    ('20.0 天', '−1.0%')
    """
    if value is None or value != value:
        return NOTHING
    hours, days = (in_one(zh, en, lang) for zh, en in (("小时", "h"), ("天", "d")))
    shown = {
        "count": count(value),
        "currency": count(value),
        "rate": f"{value:.1%}",
        "ratio": f"1:{value:.1f}",
        "hours": f"{value:,.1f} {hours}",
        "days": f"{value:,.1f} {days}",
    }
    return shown.get(unit, f"{value:,.2f}").replace("-", MINUS)


def tuoke_command() -> str:
    """How this program was called, so that what it advises can be typed."""
    called = Path(sys.argv[0])
    found = shutil.which("tuoke")
    if called.name != "tuoke" or (found and Path(found).resolve() == called.resolve()):
        return "tuoke"
    return os.path.relpath(called)


@contextmanager
def alone_on_screen() -> Iterator[Console]:
    """A console of one's own: whatever else is written to both standard streams meanwhile is dropped.

    Programs started inside inherit the silence. Where standard output was replaced by something that is no file,
    the console writes there.
    """
    has_file = _writes_to(sys.stdout, 1)
    kept = {stream: os.dup(stream) for stream in (1, 2)}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    terminal = os.fdopen(os.dup(1), "w", encoding="utf-8") if has_file else sys.stdout
    _flush()
    try:
        for stream in kept:
            os.dup2(nowhere, stream)
        yield screen(terminal)
    finally:
        _flush()
        terminal.flush()
        for stream, copy in kept.items():
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nowhere)
        if has_file:
            terminal.close()


def _writes_to(stream: TextIO, number: int) -> bool:
    try:
        return stream.fileno() == number
    except OSError:
        return False


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
