"""What a server tells of its work: `spans.py` traces, `metrics.py` figures, each with what brings it out.

A trace hangs on the call being served and costs one look-up where there is none; figures are always kept.
"""
