"""Tests of what `antiphon doctor` looks at."""
