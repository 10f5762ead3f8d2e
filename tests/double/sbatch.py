"""A double of Slurm's `sbatch` on this machine: runs a job's tasks at once as processes, and the job before its answer.

It knows what the launcher uses: --parsable, --array=A-B, --dependency=afterok|afterany:ID, --wrap; any other flag is
Slurm's own affair. Jobs are kept in the folder SBATCH_DOUBLE, one JSON file each. The tasks that SBATCH_DEAD names, as
`COMMAND:NUMBER`, end as those of a node that died before it could begin.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path


def flags(words):
    found = {}
    for word in words:
        name, _, value = word.removeprefix("--").partition("=")
        found[name] = value
    return found


def main():
    given, folder = flags(sys.argv[1:]), Path(os.environ["SBATCH_DOUBLE"])
    number = len(list(folder.glob("*.json"))) + 1
    first, _, last = given.get("array", "").partition("-")
    tasks = range(int(first), int(last) + 1) if first else [0]
    ran = {"flags": given, "states": {}, "told": {}}
    condition, _, before = given.get("dependency", "").partition(":")
    if condition == "afterok" and any(json.loads((folder / f"{before}.json").read_text())["states"].values()):
        ran["states"] = {"0": "never"}
    else:
        command = re.match(r"webtext (\w+)", given["wrap"])[1]
        dead = {
            int(one.partition(":")[2]) for one in os.environ.get("SBATCH_DEAD", "").split() if one.startswith(command)
        }
        running = {}
        for task in tasks:
            wrapped = "exit 137" if task in dead else given["wrap"]
            environment = os.environ | ({"SLURM_ARRAY_TASK_ID": str(task)} if first else {})
            running[task] = subprocess.Popen(
                ["/bin/sh", "-c", wrapped], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        for task, process in running.items():
            ran["told"][task], _ = process.communicate()
            ran["states"][task] = process.returncode
    (folder / f"{number}.json").write_text(json.dumps(ran))
    sys.stdout.write(f"{number}\n")


if __name__ == "__main__":
    main()
