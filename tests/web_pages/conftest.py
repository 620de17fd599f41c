"""The folder of the samples, so that tests find them by name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
