"""Both photos in cells: one is pointed at or chosen, and its way to the other photo and back is drawn."""

from pages.components.method_viewer.component import mount
from pages.components.method_viewer.contents import View, contents

__all__ = ["View", "contents", "mount"]
