"""Follows hand-overs that are overdue: cases and the clock they run on, what is due, reminders, notices, reviews."""
