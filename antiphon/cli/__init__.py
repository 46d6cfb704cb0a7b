"""The command line: antiphon serve and antiphon call."""
