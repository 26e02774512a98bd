"""Pages of our own, and what they are made of: words, safe text, facts."""
