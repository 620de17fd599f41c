"""The command as it is, but that no form waits long for its next try: for a soak that shall end soon."""

import sys
from datetime import timedelta

from fhir_alliance.delivery import outcomes
from smart_app.cli import main

if __name__ == "__main__":
    # Sooner tries are harder to get right: the same faults and kills, with less time for anything to settle.
    outcomes.LONGEST = timedelta(seconds=int(sys.argv.pop(1)))  # type: ignore[misc]  # final in the product
    main()
