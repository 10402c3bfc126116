"""`python -m tests.spec.measure [FILE.toml ...]`"""

import sys
from pathlib import Path

from tests.spec.measure.measure import HERE, SETS, cases, table

files = [Path(name) for name in sys.argv[1:]] or [HERE / f"{name}.toml" for name in SETS]
print("\n".join(table([case for file in files for case in cases(file)])))
