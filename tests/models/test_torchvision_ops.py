from __future__ import annotations

import subprocess
import sys

import torch

from pairx_core.models.torchvision_ops import ensure_torchvision_operators


def test_timm_imports_in_a_fresh_process():
    code = (
        "from pairx_core.models.torchvision_ops import ensure_torchvision_operators as ensure;"
        "first = ensure(); assert ensure() == first; import timm, torchvision.ops;"
        "assert timm.is_model('efficientnet_b0')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_remedy_is_inactive_where_torchvision_is_whole():
    mended = ensure_torchvision_operators()
    has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key("torchvision::nms", "CPU")
    assert mended != has_kernel
