# shellcheck shell=bash disable=SC2034,SC2154 # the scripts share cache, work and the tables of .ci/run
# Tools that the stages use, and how they call Go.

go_tool() { printf '%s/bin/%s' "$cache" "$1"; }

# install_go_tool NAME MODULE@VERSION builds a tool into the cache unless that version is there already.
install_go_tool() {
  local -r name=$1 module=$2
  local -r stamp="$(go_tool "$name").version" wanted="$module $(go version)"
  if [[ -x $(go_tool "$name") && -f $stamp && $(<"$stamp") == "$wanted" ]]; then
    return
  fi
  say "installing $module"
  GOBIN="$cache/bin" GOFLAGS='' go install "$module"
  printf '%s' "$wanted" >"$stamp"
}

# need_command COMMAND PACKAGE... installs Debian packages for a missing command, where we may; else it says what to do.
need_command() {
  local -r command=$1
  shift
  command -v "$command" >/dev/null && return
  if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
    fail "$command is not installed (Debian: apt-get install $*)"
  fi
  say "installing $*"
  {
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
  } >"$work/apt.log" 2>&1 || { tail -n 20 "$work/apt.log" >&2; fail "apt-get could not install $*"; }
}

go_files() { git ls-files -z --cached --others --exclude-standard -- '*.go'; }

# forbid_words WHY PATTERN PATHSPEC... fails when a tracked file has a line that matches.
forbid_words() {
  local -r why=$1 pattern=$2
  shift 2
  local hits
  hits=$(git grep -nP "$pattern" -- "$@" || true)
  [[ -z $hits ]] || fail "$why:" "$hits"
}

# go_test runs go test, keeps what it reports in tests.json and counts what ran: a skipped test fails it, and so does a run
# without tests.
go_test() {
  [[ -x $work/bin/gotest ]] || go build -o "$work/bin/gotest" ./.ci/gotest
  say "go test $*"
  go test -json "$@" 2>&1 | tee -a "$work/tests.json" | "$work/bin/gotest" -counts "$work/counts"
}

# test_counts closes the output with the sum over all calls of go_test.
test_counts() {
  [[ -s $work/counts ]] || return 0
  awk '{ p += $1; f += $2; s += $3 } END { printf "tests: %d passed, %d failed, %d skipped\n", p, f, s }' "$work/counts"
}

# fuzz_targets prints "PACKAGE TARGET" for each fuzz target; `go test -list` names a package's targets before the package.
fuzz_targets() {
  go test -list '^Fuzz' ./... | awk '/^Fuzz/ { names[++n] = $1; next } $1 == "ok" { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }'
}

# fuzz PACKAGE TARGET TIME. Go itself reports the end of the time as a failure now and then (go.dev/issue/56238); that, and
# nothing else, is tried once more: a finding comes with the input that shows it.
fuzz() {
  local -r package=$1 target=$2 time=$3 log="$work/fuzz.log"
  local try
  for try in 1 2; do
    if go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package" >"$log" 2>&1; then
      tail -n 3 "$log"
      return
    fi
    if grep -q 'Failing input' "$log" || ! grep -q 'context deadline exceeded' "$log"; then
      break
    fi
  done
  cat "$log"
  fail "$package $target found an input that breaks it (try $try)"
}
