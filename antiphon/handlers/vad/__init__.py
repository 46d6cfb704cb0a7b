"""Engines that hear whether somebody speaks."""
