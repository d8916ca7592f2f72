"""Model packs: folders of ONNX models, vocabulary and manifest, found by name and version, checked by digest.

Reading a pack needs neither torch nor ONNX Runtime; `scenograph.packs.build` makes the default pack.
"""

from scenograph.packs.manifest import FORMAT, Manifest, Model, Parity, Source, TensorSpec
from scenograph.packs.selfcheck import self_check
from scenograph.packs.store import Pack, list_packs, open_pack, packs_root, verify_pack

__all__ = [
    "FORMAT",
    "Manifest",
    "Model",
    "Pack",
    "Parity",
    "Source",
    "TensorSpec",
    "list_packs",
    "open_pack",
    "packs_root",
    "self_check",
    "verify_pack",
]
