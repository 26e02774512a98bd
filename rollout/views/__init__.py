"""What the pages of the rollout read: selectors, no decisions."""
