"""Analysers of speech: fed samples, they tell what was heard. The clock is the sample index."""
