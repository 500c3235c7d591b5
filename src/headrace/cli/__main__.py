"""Run the command line: ``python -m headrace.cli`` is the command ``headrace``."""

import sys

from headrace.cli import main

sys.exit(main())
