"""How the shipped triggers behave on small samples: seeded weeks through the functions that decide in production."""
