"""The script that workers run in place of a step."""

import json

# Seconds of the steps that are not chunks.
SHORT = 0.2

# What a plan says about a job of five copies. Lists of jobs leave it out.
PLANNED = {
    "outputs": [{"path": f"copy-{number}.mkv", "detail": "x265 medium, 1920x1080, 10 bit; 2 audio tracks, flac"} for number in range(5)],
    "frames": 500, "seconds": 20.0, "units": 2, "bytes": 123456789, "free": 987654321,
    "decisions": [{"what": f"choice {number} of the plan", "why": "what the master holds, in about as many words"} for number in range(12)],
    "warnings": [],
}
# The master that it is planned for.
MASTER = {"path": "master.mkv", "bytes": 100000, "changed_at": 1, "sha256": None, "probe": {"streams": []}}

# A step that sleeps. It says its end first, and becomes `sleep`: the worker waits for the end of the process, and a second process would
# cost more than the step.
STEP = """#!/bin/sh
# Called as `step.sh step`, in place of trixd.
IFS= read -r line
seconds=$TRIX_STEP_SHORT made=null planned=null
case $line in
*'"step":{"type":"plan"'*) end='{"type":"planned","chunks":2}' planned='@PLANNED@' ;;
*'"step":{"type":"chunk"'*)
    end='{"type":"encoded"}' seconds=$TRIX_STEP_SECONDS
    printf '{"type":"progress","frames":25,"frames_expected":250,"doing":"encode"}\\n'
    ;;
*'"step":{"type":"finish"'*)
    attempt=${line##*'"attempt":"'}
    end='{"type":"finished","attempt":"'${attempt%%'"'*}'"}'
    ;;
*) end='{"type":"published"}' made='{"outputs":[],"report":"{}"}' ;;
esac
printf '{"type":"ended","end":%s,"made":%s,"planned":%s}\\n' "$end" "$made" "$planned"
exec sleep "$seconds"
""".replace("@PLANNED@", json.dumps([PLANNED, MASTER]))
