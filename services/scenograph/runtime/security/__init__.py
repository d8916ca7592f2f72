"""Who may do what: credentials, the table of what each method asks for, quotas, the audit log, alarms.

`interceptors.guard` lays it around calls; `cli.compose.security` makes it of the settings.
"""
