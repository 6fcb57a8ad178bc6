"""Packages that some tests compare with and `pip install '.[test]'` does not install; None where one is missing.

A test that uses one is marked `pytest.mark.needs` with its name.
"""

try:
    import torch
except ImportError:
    torch = None

__all__ = ["torch"]
