# shellcheck shell=bash disable=SC2034,SC2154 # the scripts share cache, work and the tables of .ci/run
# How stages are run and reported. The caller has the tables `order` and `needs`, and a function stage_NAME for each.

readonly cache=${CCMOCK_CI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ccmock-ci}
work=$(mktemp -d "${TMPDIR:-/tmp}/ccmock-ci.XXXXXX")
readonly work
mkdir -p "$cache/bin" "$work/bin"

declare -A result=() # NAME -> passed, failed, skipped
declare -A took=()   # NAME -> seconds

say() { printf '%s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  (($# == 0)) || printf '  %s\n' "$@" >&2
  exit 1
}

# wait_until SECONDS COMMAND... asks every quarter of a second until COMMAND succeeds.
wait_until() {
  local -r deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep 0.25
  done
}

# run_stages runs the named stages and what they need, or all, and exits non-zero unless every one of them passed.
run_stages() {
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  local name
  local -A wanted=()
  for name in "${@:-all}"; do
    want "$name"
  done
  for name in "${order[@]}"; do
    [[ -z ${wanted[$name]:-} ]] || run_stage "$name"
  done
  summary
}

want() {
  local name=$1 need
  if [[ $name == all ]]; then
    for need in "${order[@]}"; do want "$need"; done
    return
  fi
  declare -F "stage_$name" >/dev/null || fail "there is no stage \"$name\"; stages: ${order[*]}"
  wanted[$name]=yes
  for need in ${needs[$name]:-}; do want "$need"; done
}

run_stage() {
  local -r name=$1 began=$SECONDS
  local need status=0
  printf '\n== %s\n' "$name"
  for need in ${needs[$name]:-}; do
    if [[ ${result[$need]} != passed ]]; then
      say "not run: it needs the stage $need"
      result[$name]=skipped took[$name]=0
      return
    fi
  done
  # The subshell keeps `set -e` at work inside the stage: in an if or behind || it would not be.
  set +e
  (
    set -e
    "stage_$name"
  )
  status=$?
  set -e
  if ((status == 0)); then result[$name]=passed; else result[$name]=failed; fi
  took[$name]=$((SECONDS - began))
  remember_engine
}

summary() {
  local name bad=0
  printf '\n== summary\n'
  for name in "${order[@]}"; do
    [[ -n ${result[$name]:-} ]] || continue
    printf '%-10s %-8s %4d s\n' "$name" "${result[$name]}" "${took[$name]}"
    [[ ${result[$name]} == passed ]] || bad=1
  done
  printf '%-10s %-8s %4d s\n' total '' "$SECONDS"
  test_counts
  return "$bad"
}

clean_up() {
  local -r status=$?
  set +e
  stop_docker
  chmod -R u+w "$work" 2>/dev/null
  rm -rf "$work"
  exit "$status"
}
