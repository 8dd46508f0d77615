"""Field packs: what reviewing some queries needs, in one folder that opens without the model, and offline.

Making one needs the model; opening one needs no torch.
"""

from typing import TYPE_CHECKING

from pairx_core.fieldpack.reading import FieldPack, PackExplainer, PackModel, open_pack
from pairx_core.fieldpack.selection import Wanted
from pairx_core.lazy import lazily

if TYPE_CHECKING:
    from pairx_core.fieldpack.explaining import NamedExplainer, explain_pair
    from pairx_core.fieldpack.writing import PackReport, write_pack

__all__ = [
    "FieldPack",
    "NamedExplainer",
    "PackExplainer",
    "PackModel",
    "PackReport",
    "Wanted",
    "explain_pair",
    "open_pack",
    "write_pack",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "NamedExplainer": "explaining",
        "explain_pair": "explaining",
        "PackReport": "writing",
        "write_pack": "writing",
    },
    __all__,
)
