"""What training minimises, one loss a file, each registered under the name that recipes use.

A loss is a torch module; its forward's argument names say which of a step's values it reads.
"""
