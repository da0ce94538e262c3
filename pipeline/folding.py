"""One spelling for what differs only in script or width, for matching: what was sent is kept as it is.

廣東 and 广东, ＡＢＣ and abc, 內(nèi)蒙古 and 内蒙古 fold to the same text (I66). Folding costs some ten microseconds a
text: fold distinct values, not rows.
"""

import re
import unicodedata
from functools import cache

from opencc import OpenCC

_PINYIN = re.compile(r"[(（][a-zü]*[āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ][a-zāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜü]*[)）]")
"""A reading that was printed behind its character."""
_BLANKS = re.compile(r"\s+")


def fold(text: str) -> str:
    """Simplified characters, ordinary widths, lower case, single blanks; no readings in brackets."""
    plain = unicodedata.normalize("NFKC", _PINYIN.sub("", text))
    return _BLANKS.sub(" ", simplified(plain).casefold()).strip()


def simplified(text: str) -> str:
    """The text in simplified characters."""
    return text if text.isascii() else _converter().convert(text)


@cache
def _converter() -> OpenCC:
    return OpenCC("t2s")
