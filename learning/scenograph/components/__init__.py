"""The registries of what a recipe can name: losses, nets, hooks, tasks and their sources, solvers and terms.

Their names and parameters are read from the source, so a recipe is checked before torch is imported.
"""

from scenograph.components.registry import Registry
from scenograph.components.signatures import Parameter, Signature
from scenograph.components.sizes import Sizes

losses = Registry("losses")
nets = Registry("nets")
hooks = Registry("hooks")
tasks = Registry("tasks")
sources = Registry("sources")
solvers = Registry("solvers", supplied=("train", "bits", "dimension", "seed", "progress"))
terms = Registry("terms")

REGISTRIES = {registry.kind: registry for registry in (losses, nets, hooks, tasks, sources, solvers, terms)}

__all__ = [
    "REGISTRIES",
    "Parameter",
    "Registry",
    "Signature",
    "Sizes",
    "hooks",
    "losses",
    "nets",
    "solvers",
    "sources",
    "tasks",
    "terms",
]
