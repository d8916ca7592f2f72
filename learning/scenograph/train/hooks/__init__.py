"""Hooks of the trainer, one a file, each registered under the name that recipes use."""
