"""Ways to explain a pair, all in one form, so that they can be compared."""

from pairx_core.evaluate.methods.table import METHODS, MethodSpec, available_methods, make_method

__all__ = ["METHODS", "MethodSpec", "available_methods", "make_method"]
