"""`python -m antiphon` is the command `antiphon`."""

from .cli.main import main

raise SystemExit(main())
