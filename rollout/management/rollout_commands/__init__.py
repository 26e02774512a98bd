"""The subcommands of `manage.py rollout`, one module each: `add_arguments(parser)` and `handle(command, options)`.

A module's name is the subcommand's; an underscore at its end is left out (`import_`), one within becomes a hyphen, and
a module that begins with one is no subcommand. Its docstring is the help. `handle` raises NotPossible for what cannot
be done and returns an exit code, or None for success.
"""
