"""How hand-overs to Copilot come out: service levels as data, and the figures of the completion page (plan 3.2)."""
