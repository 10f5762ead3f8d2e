"""What the Flex Template's launcher runs: a file, as it wants one; the rest: `pipelines.commands.flex_template`."""  # noqa: INP001

from pipelines.commands.flex_template import main

main()
