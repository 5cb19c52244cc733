#!/usr/bin/env bash
# Tests this service by itself, reads with Python what ccmock signs and publishes, runs flow.yaml with this service in the
# place of the stub backend, and sends it every forged token:
#
#   examples/fastapi/check.sh CACHE [CCMOCK]
#
# CACHE is a folder for Python packages, made if need be. CCMOCK is the binary; without it, it is built from this repo.

set -euo pipefail

fail() {
  printf 'error: %s\n' "$1" >&2
  exit 1
}

(($# == 1 || $# == 2)) || fail 'usage: check.sh CACHE [CCMOCK]'
mkdir -p "$1"
cache=$(realpath "$1")
ccmock=${2:+$(realpath "$2")}
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(mktemp -d "${TMPDIR:-/tmp}/ccmock-fastapi.XXXXXX")
readonly cache work venv=$cache/fastapi-venv
export PYTHONDONTWRITEBYTECODE=1 NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

running=()
clean_up() {
  local -r status=$?
  trap - EXIT
  if ((${#running[@]} > 0)); then
    kill "${running[@]}" 2>/dev/null || true
    wait "${running[@]}" 2>/dev/null || true
  fi
  if ((status != 0)); then
    tail -n 40 "$work"/*.log >&2 2>/dev/null || true
  fi
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# wait_for PID WHAT COMMAND... asks until COMMAND succeeds; the process must go on running meanwhile.
wait_for() {
  local -r pid=$1 what=$2 deadline=$((SECONDS + 60))
  shift 2
  until "$@" >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || fail "$what stopped while it started"
    ((SECONDS < deadline)) || fail "$what is not ready after a minute"
    sleep 0.1
  done
}

# up FIELD prints a field of what ccmock said when it was up: control, or the URL of a service.
up() {
  "$venv/bin/python" - "$work/up.json" "$1" <<'PYTHON'
import json, sys

up = json.load(open(sys.argv[1]))
print({"control": up["control"], **{service["name"]: service["url"] for service in up["services"]}}[sys.argv[2]])
PYTHON
}

# free_port prints a port where nobody listens, none of those that the system gives who asks for any: until the service
# listens there, somebody else would.
free_port() {
  "$venv/bin/python" - <<'PYTHON'
import random, socket

while True:
    port = random.randrange(20000, 30000)
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        continue
    print(port)
    break
PYTHON
}

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail 'Python 3.11 or later is needed'
wanted=$(python3 -VV && cat requirements.txt requirements-test.txt)
if [[ ! -f $venv/wanted || $(<"$venv/wanted") != "$wanted" ]]; then
  rm -rf "$venv"
  python3 -m venv "$venv" || fail 'there is no venv in Python (Debian: apt-get install python3-venv)'
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
  printf '%s\n' "$wanted" >"$venv/wanted"
fi
if [[ -z $ccmock ]]; then
  ccmock=$work/ccmock
  go build -o "$ccmock" ../../cmd/ccmock
fi

pytest() { "$venv/bin/python" -W error -m pytest -W error -p no:cacheprovider -q "$@"; }
pytest test_service.py

# The service must know where the issuers are, and the gateway where the service is.
port=$(free_port)
service=http://127.0.0.1:$port
"$ccmock" up --port-base 0 --data '' --json --backend "foo=$service" >"$work/up.json" 2>"$work/ccmock.log" &
running+=($!)
wait_for $! ccmock up control
export CCMOCK_UP=$work/up.json CCMOCK_CONTROL GITLAB_URL CUSTOMERSDOT_URL
CCMOCK_CONTROL=$(up control) GITLAB_URL=$(up gitlab) CUSTOMERSDOT_URL=$(up customersdot)

pytest differential_test.py

"$venv/bin/python" -m uvicorn --factory main:create_app --port "$port" >"$work/service.log" 2>&1 &
running+=($!)
wait_for $! 'the service' "$venv/bin/python" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1])' "$service/monitoring/ready"

sed "s/^  now: .*/  now: $(date -u +%Y-%m-%dT%H:%M:%SZ)/" flow.yaml >"$work/flow.yaml"
"$ccmock" test --target target.yaml "$work/flow.yaml"

# Another one of the same service, which trusts the issuers of the probe.
port=$(free_port)
"$ccmock" probe --data '' --url "http://127.0.0.1:$port/new_feature_endpoint" --scope new_feature_scope --audience gitlab-ai-gateway -- \
  "$venv/bin/python" -m uvicorn --factory main:create_app --port "$port" >"$work/probe.log"
tail -n 1 "$work/probe.log"
