"""Torch modules, one component a file: the networks a pack is built from and the heads that are trained here.

Each is exportable to ONNX with dynamic sizes; serving runs the export and never imports this package.
"""
