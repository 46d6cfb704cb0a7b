"""The documents against the code: every block of code in them, and the site that they become."""
