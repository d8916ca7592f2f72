"""The Open Inference Protocol v2: messages and stubs generated from the .proto file beside this one.

`make proto` regenerates them; only the inference service imports them. A process that imports them cannot
import another package's stubs of the same protocol (tritonclient's): the names are the protocol's own.
"""
