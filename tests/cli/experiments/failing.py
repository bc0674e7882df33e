"""Ends with a reason and without a result."""

import sys

sys.exit("there is no such thing here")
