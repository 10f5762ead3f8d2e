"""How often the tests repeat a proof: CI says `WEBTEXT_THOROUGH=1`, and a greater number has stages killed more often.

Where nothing is said, each thing is proven once: a kill of each stage, one size of a hostile text, one pool of workers,
and a property holds for 30 examples in place of 100.
What is then left out is marked `thorough`.
"""

import os

THOROUGH = int(os.environ.get("WEBTEXT_THOROUGH") or 0)
