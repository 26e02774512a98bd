from hypothesis import settings

# The same examples on every machine, and no deadline: these run beside real workers on two cores.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.load_profile("steady")
