"""Import everything that a forked process may need, so that each fork starts at once.

The fork server imports this module by name. Modules are found by walking the package, so new ones are loaded too.
"""

from __future__ import annotations

import importlib
import pkgutil

import headrace

for module in pkgutil.walk_packages(headrace.__path__, "headrace."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
