"""Guidance review as plain values (plan 3.3): rubrics, samples, rotation and seats."""
