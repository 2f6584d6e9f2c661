#!/usr/bin/env bash
# scripts/api.sh [ARGUMENT...]: compares what an API server answers with what its /openapi.json says. Schemathesis makes requests from the
# document, right ones and wrong ones, as an administrator. Arguments go to it (--include-path /api/jobs). A failure is printed with a command
# that repeats its request. The farm lies in a temporary folder, and has one job that is done, one that failed and one that waits. Names of the
# environment: TRIXD (a built program), TRIX_TEMPORAL (another workflow engine), TRIX_KEEP (if set, the farm's folder stays).
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/venv.sh

give_up() {
    printf 'api.sh: %s\n' "$@" >&2
    exit 1
}

trixd=$(realpath -m "${TRIXD:-target/service/debug/trixd}")
[[ -x $trixd ]] || give_up "$trixd is missing: cargo build --manifest-path trix-service/Cargo.toml --target-dir target/service"
command -v ffmpeg >/dev/null || give_up "ffmpeg is missing: make setup installs it"
engine=$(scripts/engine.sh)
wanted=schemathesis==4.32.5
venv=$PWD/target/schemathesis
make_venv "$venv" python3 "$wanted" pip "$venv/bin/python" install "$wanted"

farm=$(mktemp -d)
serve=
end() {
    if [[ -n $serve ]]; then
        # It ends its own processes; what is left after that ends with its group.
        kill -TERM "$serve" 2>/dev/null || true
        for _ in {1..50}; do
            kill -0 "$serve" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL -- "-$serve" 2>/dev/null || true
        wait "$serve" 2>/dev/null || true
    fi
    [[ -n ${TRIX_KEEP:-} ]] || rm -rf "$farm"
}
trap end EXIT
trap 'exit 130' INT TERM

mkdir "$farm/source"
ffmpeg -hide_banner -loglevel error -nostdin -f lavfi -i testsrc2=size=160x90:rate=25:duration=1 -f lavfi -i sine=duration=1 \
    -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a pcm_s16le "$farm/source/film.mov"
printf 'this is no film' >"$farm/source/broken.mov"
ports=$(python3 -c 'import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in sockets))')
read -r port engine_port <<<"$ports"
url=http://127.0.0.1:$port
cat >"$farm/trixd.toml" <<TOML
[mounts]
source = "$farm/source"
output = "$farm/output"
preview = "$farm/preview"
cache = "$farm/cache"

[catalogue]
url = "sqlite://$farm/catalogue.db"

[engine]
address = "http://127.0.0.1:$engine_port"
program = "$engine"
folder = "$farm/engine"

[api]
listen = "127.0.0.1:$port"

[worker]
name = "worker-1"

[logs]
folder = "$farm/logs"
TOML
for role in administrator operator viewer; do
    echo "a long password" | "$trixd" --config "$farm/trixd.toml" user "$role" --role "$role" >"$farm/user.log"
done
setsid "$trixd" --config "$farm/trixd.toml" serve >"$farm/serve.log" 2>&1 &
serve=$!

# These operations may end the token of their own request. They come last, each with a token of its own.
ending=("POST /api/sign-out" "POST /api/users" "DELETE /api/users/{name}" "DELETE /api/tokens/{id}")

# Tokens, jobs in several states, and the names that requests shall use. Random names would find nothing.
"$venv/bin/python" - "$url" "$farm" $((1 + ${#ending[@]})) <<'PYTHON'
import json, sys, time, urllib.error, urllib.request
from pathlib import Path

url, farm = sys.argv[1], Path(sys.argv[2])
token = None


def ask(method, path, body=None):
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url + path, data, headers, method=method), timeout=15) as answer:
        return json.load(answer), answer.headers


def until(what, seconds, find):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := find():
                return found
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.2)
    sys.exit(f"api.sh: {what}: not within {seconds} s")


until("the API server", 30, lambda: urllib.request.urlopen(f"{url}/readyz", timeout=5).status == 200)
_, headers = ask("POST", "/api/sign-in", {"name": "administrator", "password": "a long password"})
token = headers["Set-Cookie"].split(";")[0].split("=")[1]
tokens = [ask("POST", "/api/tokens", {"label": "requests"})[0]["token"] for _ in range(int(sys.argv[3]))]
token = tokens[0]

films = {"done": ("Done", "film.mov"), "failed": ("Failed", "broken.mov")}
jobs = {}
for state, (title, source) in films.items():
    jobs[state] = ask("POST", "/api/jobs", {"title": title, "source": source})[0]["id"]
for state, job in jobs.items():
    until(f"the job is {state}", 60, lambda: ask("GET", f"/api/jobs/{job}")[0]["state"] == state)
# The worker takes no further work: jobs that requests submit wait.
ask("POST", "/api/workers/worker-1/drain", {"is_draining": True})
jobs["queued"] = ask("POST", "/api/jobs", {"title": "Queued", "source": "film.mov"})[0]["id"]

(farm / "tokens").write_text("\n".join(tokens))
(farm / "schemathesis.toml").write_text(f"""
[dictionaries.jobs]
values = {json.dumps(list(jobs.values()))}

[dictionaries.files]
values = ["film.mov", "broken.mov"]

[dictionaries.profiles]
values = ["archive", "preview"]

[[operations]]
include-path-regex = "^/api/jobs/"
parameters = {{ "path.id" = {{ dictionary = "jobs", probability = 0.7 }} }}

[[operations]]
include-path-regex = "^/api/(jobs|plan|probe)$"
include-method = "POST"
parameters = {{ "body.source" = {{ dictionary = "files", probability = 0.5 }}, "body.path" = {{ dictionary = "files", probability = 0.5 }} }}

[[operations]]
include-path-regex = "^/api/profiles/"
parameters = {{ "path.name" = {{ dictionary = "profiles", probability = 0.6 }} }}
""")
PYTHON
mapfile -t tokens <"$farm/tokens"

checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection,ignored_auth
# Stateful tests are left out: they follow links of the document, which has none.
compare() { # TOKEN ARGUMENT...
    "$venv/bin/schemathesis" --config-file "$farm/schemathesis.toml" run "$url/openapi.json" --header "Authorization: Bearer $1" \
        --checks "$checks" --phases examples,coverage,fuzzing --max-examples 30 --generation-deterministic --continue-on-failure \
        --request-timeout 12 "${@:2}"
}

cd "$farm"
status=0
compare "${tokens[0]}" "${ending[@]/#/--exclude-name=}" "$@" || status=$?
(($#)) && exit "$status"
for at in "${!ending[@]}"; do
    compare "${tokens[at + 1]}" --include-name "${ending[at]}" || status=$?
done
exit "$status"
