"""Read by Python at its start where this folder is on PYTHONPATH: no package of models can be imported any more."""

import sys


class _NotInstalled:
    """Finds nothing of these packages, as on a laptop where they are not installed."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "torchvision", "timm", "huggingface_hub"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, _NotInstalled())
