"""Reports of measurements: tables on the screen, JSON for programs, one self-contained HTML page.

`report.Report` is what a command fills; `files.write_report` and `screen.show_report` put it out.
"""
