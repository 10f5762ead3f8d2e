"""What the Flex Template's launcher runs: a file, as it wants one; all else is in `pipelines.flex_template`."""  # noqa: INP001

from pipelines.flex_template import main

main()
