"""ONNX Runtime, kept from reporting to its makers: import it from here.

From 1.29 on its builds for Linux send facts of models and machines to their vendor and keep an identifier in
the home folder, unless the environment says otherwise before the library is loaded.
"""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort

__all__ = ["ort"]
