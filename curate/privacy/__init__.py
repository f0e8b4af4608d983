"""Personal data and secrets: finders of nine structured kinds, and the rules ``privacy.*``."""

from .finding import find
from .found import NAMES, Found, Kind

__all__ = ["NAMES", "Found", "Kind", "find"]
