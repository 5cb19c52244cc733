# shellcheck shell=bash disable=SC2034,SC2154 # the scripts share cache, work and the tables of .ci/run
# What the container stages need, made where it is missing: an engine, docker compose, and the builder's image.
# An engine that runs already is used as it is; only what was started or tagged here is stopped or taken away again.

readonly compose_version=v2.40.3
readonly project=ccmock-ci

# docker_engine sees to it that `docker` reaches an engine.
docker_engine() {
  need_command docker docker.io
  if docker info >/dev/null 2>&1; then
    say "using the Docker engine that runs already"
    return
  fi
  need_command dockerd docker.io iptables
  # Where services start when they are installed, there is one now.
  docker info >/dev/null 2>&1 || start_engine
}

# start_engine runs an engine with a socket and a data directory of its own, so that it shares nothing with one that the
# machine's owner may start later.
start_engine() {
  local -r home="$work/engine"
  mkdir -p "$home" "$cache/engine"
  setsid dockerd --host "unix://$home/docker.sock" --data-root "$cache/engine" --exec-root "$home/exec" \
    --pidfile "$home/pid" >"$home/log" 2>&1 </dev/null &
  remember_engine
  if ! wait_until 60 docker info; then
    tail -n 20 "$home/log" >&2
    fail "dockerd did not come up within 60 s; its last lines are above"
  fi
  say "started a Docker engine at $DOCKER_HOST"
}

# remember_engine points every docker client at the engine that start_engine started, if it did.
remember_engine() {
  [[ ! -d $work/engine ]] || export DOCKER_HOST="unix://$work/engine/docker.sock"
}

# stop_docker undoes what this run did: the containers, the builder's name, and the engine if it is ours.
stop_docker() {
  compose_down
  if [[ -f $work/stand-in ]]; then
    sort -u "$work/stand-in" | xargs docker rmi --no-prune >/dev/null
  fi
  if [[ -f $work/engine/pid ]]; then
    # The cache is for the next run, not a history of all runs.
    docker image prune --force >/dev/null 2>&1
    docker builder prune --force --keep-storage 1GB >/dev/null 2>&1
    kill "$(<"$work/engine/pid")"
    wait_until 30 engine_stopped || say "the Docker engine that this run started is slow to stop"
  fi
}

engine_stopped() { [[ ! -e $work/engine/pid ]]; }

# with_docker COMMAND... runs tests for which Docker is not optional. No image can be had for a reaper container here, and
# every test ends its containers itself. A test on this machine reaches published ports on loopback, even where the
# machine is itself a container.
with_docker() {
  local -a settings=(CCMOCK_REQUIRE_DOCKER=1 "CCMOCK_IMAGE=$image" TESTCONTAINERS_RYUK_DISABLED=true)
  case ${DOCKER_HOST:-unix://} in
    unix://*) settings+=(TESTCONTAINERS_HOST_OVERRIDE=localhost) ;;
  esac
  (
    export "${settings[@]}"
    "$@"
  )
}

# compose_up OPTION... starts the stack and waits until it is healthy.
compose_up() {
  touch "$work/composed"
  docker compose -p "$project" "$@" up --build --wait -d || return
  docker compose -p "$project" "$@" ps
}

# compose_ends STATUS takes the stack away after a stage, which ends with STATUS; its logs tell why it failed.
compose_ends() {
  (($1 == 0)) || docker compose -p "$project" --profile '*' logs --no-color --tail 50
  compose_down
  return "$1"
}

# compose_down takes the stack away, if this run began to start it.
compose_down() {
  [[ -f $work/composed ]] || return 0
  docker compose -p "$project" --profile '*' down --volumes --timeout 5
  rm "$work/composed"
}

# docker_compose installs the compose plugin from source where there is none.
docker_compose() {
  docker compose version >/dev/null 2>&1 && return
  local -r plugin="$cache/bin/docker-compose-$compose_version"
  [[ -x $plugin ]] || build_compose "$plugin"
  local -r plugins="${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins"
  mkdir -p "$plugins"
  ln -sf "$plugin" "$plugins/docker-compose"
  docker compose version
}

# build_compose needs a module of its own: compose replaces some of its dependencies, so that `go install` refuses it.
build_compose() {
  local -r plugin=$1 module="$work/compose"
  say "building docker compose $compose_version, once; this takes some minutes"
  mkdir -p "$module" "$(dirname "$plugin")"
  (
    cd "$module" &&
      printf 'module compose\n' >go.mod &&
      go get "github.com/docker/compose/v2/cmd@$compose_version" &&
      go build -trimpath -o "$plugin" \
        -ldflags "-s -w -X github.com/docker/compose/v2/internal.Version=$compose_version" github.com/docker/compose/v2/cmd
  ) >"$work/compose.log" 2>&1 || { tail -n 20 "$work/compose.log" >&2; fail "docker compose could not be built"; }
}

# builder_image and python_image make sure that the image named in a Dockerfile's first FROM is there. A machine that
# reaches no registry gets a stand-in of that name, made of its own Go or Python and of the packages that the build asks
# for, so that the very Dockerfile that users build is what is tested. The name is taken away at the end.
builder_image() {
  stand_in Dockerfile builder make_go_stand_in "$(go version; cat go.sum .ci/docker.sh)"
}

python_image() {
  stand_in examples/fastapi/Dockerfile python make_python_stand_in \
    "$(python3 -VV; cat examples/fastapi/requirements.txt .ci/docker.sh)"
}

# stand_in DOCKERFILE KIND MAKE WHAT sees to the first image of DOCKERFILE. MAKE fills a root file system and sets the
# variables that it needs; it is called again when WHAT goes into it has changed.
stand_in() {
  local -r kind=$2 make=$3
  local name tagged
  name=$(awk '$1 == "FROM" { print $2; exit }' "$1")
  real_image "$name" && return
  if [[ $(uname -s) != Linux ]]; then
    return # docker pulls it
  fi
  tagged="ccmock-ci/$kind:$(sha256sum <<<"$4" | cut -c1-16)"
  if ! docker image inspect "$tagged" >/dev/null 2>&1; then
    docker images --format '{{.Repository}}:{{.Tag}}' "ccmock-ci/$kind" | xargs -r docker rmi >/dev/null # older ones
    local -r root="$work/$kind"
    local variables=
    "$make" "$root"
    tar -C "$root" --owner=0 --group=0 -c . |
      docker import --change 'LABEL ccmock.builder=stand-in' --change "ENV $variables" - "$tagged" >/dev/null
    rm -rf "$root"
  fi
  docker tag "$tagged" "$name"
  printf '%s\n' "$name" >>"$work/stand-in"
  say "$name is a stand-in"
}

# real_image tells whether an image is there and not a stand-in that an interrupted run left behind.
real_image() {
  local label
  label=$(docker image inspect --format '{{index .Config.Labels "ccmock.builder"}}' "$1" 2>/dev/null) && [[ -z $label ]]
}

make_go_stand_in() {
  local -r root=$1
  mkdir -p "$root"/{bin,etc/ssl/certs,go,root,tmp,usr/local}
  stand_in_programs "$root" sh cp mkdir
  cp -a "$(go env GOROOT)" "$root/usr/local/go"
  rm -rf "$root"/usr/local/go/{api,doc,misc,test}
  if [[ -s /etc/ssl/certs/ca-certificates.crt ]]; then
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  fi
  stand_in_modules "$root/go/pkg/mod"
  variables='PATH=/go/bin:/usr/local/go/bin:/usr/bin:/bin GOPATH=/go GOTOOLCHAIN=local GOPROXY=off'
}

# make_python_stand_in is this machine's Python with pip and the packages as files, so that nothing is asked for at the
# time of the build.
make_python_stand_in() {
  local -r root=$1
  local library home version
  mkdir -p "$root"/{bin,tmp,wheels,usr/local/bin,usr/local/lib}
  chmod 1777 "$root/tmp"
  stand_in_programs "$root" sh
  library=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
  home=$(python3 -c 'import sys; print(sys.base_prefix)')
  version=$(basename "$library")
  cp -L "$home/bin/$version" "$root/usr/local/bin/$version"
  ln -s "$version" "$root/usr/local/bin/python"
  tar -C "$(dirname "$library")" --exclude=site-packages --exclude=dist-packages --exclude=__pycache__ \
    --exclude="$version/test" --exclude="$version/config-*" -c "$version" | tar -C "$root/usr/local/lib" -x
  local -a loaded=("$root/usr/local/bin/$version" "$root/usr/local/lib/$version"/lib-dynload/*.so)
  stand_in_libraries "$root" "${loaded[@]}"
  # A fresh venv has pip and nothing else.
  python3 -m venv "$work/pip"
  mkdir -p "$root/usr/local/lib/$version/site-packages"
  cp -a "$work/pip/lib/$version/site-packages/." "$root/usr/local/lib/$version/site-packages/"
  "$work/pip/bin/python" -m pip download --quiet --disable-pip-version-check --dest "$root/wheels" \
    -r examples/fastapi/requirements.txt
  rm -rf "$work/pip"
  stand_in_wheels "$root"
  variables='PATH=/usr/local/bin:/bin PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels PYTHONDONTWRITEBYTECODE=1'
}

# stand_in_wheels adds the system libraries that compiled packages load.
stand_in_wheels() {
  local -r root=$1
  local -r opened="$work/wheels"
  local wheel
  for wheel in "$root"/wheels/*.whl; do
    python3 -m zipfile -e "$wheel" "$opened"
  done
  local -a compiled
  mapfile -t compiled < <(find "$opened" -name '*.so')
  stand_in_libraries "$root" "${compiled[@]}"
  rm -rf "$opened"
}

# stand_in_programs copies each program and the libraries that it loads.
stand_in_programs() {
  local -r root=$1
  shift
  local program
  for program in "$@"; do
    program=$(type -P "$program")
    cp -L "$program" "$root/bin/"
    stand_in_libraries "$root" "$program"
  done
}

# stand_in_libraries copies what programs and libraries load from outside the stand-in.
stand_in_libraries() {
  local -r root=$1
  shift
  local library
  while read -r library; do
    [[ $library != "$root"* && ! -e $root$library ]] || continue
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done < <(ldd "$@" 2>/dev/null | awk '/=> \// { print $3 } $1 ~ /^\// && !/:$/ { print $1 }' | sort -u)
}

# stand_in_modules copies the modules of go.sum by way of this machine's own cache, which asks no proxy a second time.
stand_in_modules() {
  local -r to=$1
  local from
  from=$(go env GOMODCACHE)
  go mod download
  GOMODCACHE=$to GOFLAGS=-modcacherw GOPROXY="file://$from/cache/download" go mod download
}
