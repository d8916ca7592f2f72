"""Torch modules to ONNX files: export with dynamic sizes, parity with torch, int8 where the accuracy is kept.

Used when packs are built and models are trained; serving only runs the files.
"""
