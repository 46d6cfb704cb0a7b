"""One set of scripted sessions, run over every transport.

`transports.py` is the table of transports, `calling.py` that of the client's end. A test that asks
for the fixture `over` (or `calling`) runs once for each line of its table.
"""
