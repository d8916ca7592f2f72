"""Faults injected into real servers under load, mutated requests, hours of use: what is lost, what is wrong
and what fails is counted.
"""
