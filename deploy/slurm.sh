#!/bin/bash
# A corpus by arrays of tasks over one output on a shared disk: docs/how-to/slurm.md. What stands here is for your cluster.
#   OUTPUT=/shared/out SUBMISSIONS='/shared/RS_2017-*.zst' FETCH='--contact https://your.page' [BUILD=...] [TASKS=16] bash slurm.sh
set -euo pipefail
: "${OUTPUT:?where the corpus goes}" "${SUBMISSIONS:?dumps or lists}" "${FETCH:?flags of fetch, --contact among them}"
TASKS=${TASKS:-16} SHARE="--share \$SLURM_ARRAY_TASK_ID/${TASKS:-16}" LAST=
submit() {  # CONDITION "COMMAND" [FLAGS OF SBATCH]: run it after the job before, if that ended so
  LAST=$(sbatch --parsable --job-name="webtext-${2%% *}" ${LAST:+--dependency="$1:$LAST"} "${@:3}" \
    --wrap="webtext $2 --output '$OUTPUT' --log '$OUTPUT.jsonl'")
}
submit afterok "harvest --submissions $SUBMISSIONS" --cpus-per-task=4 --mem=16G
submit afterok "fetch $FETCH --slots $TASKS $SHARE" --array="1-$TASKS" --mem=4G --time=48:00:00
submit afterany "fetch $FETCH --slots $TASKS" --mem=8G
submit afterok "build ${BUILD:-} --workers 4 $SHARE" --array="1-$TASKS" --cpus-per-task=4 --mem=8G
submit afterany "build ${BUILD:-} --workers 4" --cpus-per-task=4 --mem=32G
echo "the last job is $LAST; webtext status $OUTPUT"
