"""Guidance review (plan 3.3): rubrics, teams, drawing batches, seats, reminders, calibration."""
