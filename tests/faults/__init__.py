"""Faults injected into real servers under load, mutated requests, and hours of use: what is lost, what is wrong,
what fails, counted.
"""
