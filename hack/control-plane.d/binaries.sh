# shellcheck shell=bash
# Where the binaries of hack/control-plane come from: KUBEBUILDER_ASSETS, or a build of the modules beside this file.
# Uses $here, $bin and $command; the versions stand in the go.mod files alone.
# shellcheck disable=SC2154 # the variables named here are set by hack/control-plane

binaries=(etcd kube-apiserver kube-controller-manager kubectl)

# The version at which MODULE is pinned, such as v1.36.4: pinned_version FOLDER MODULE.
pinned_version() {
  awk -v module="$2" '{ sub(/^require /, "") } $1 == module { print $2 }' "$here/$1/go.mod"
}
kubernetes_version=$(pinned_version kubernetes k8s.io/kubernetes)
etcd_version=$(pinned_version etcd go.etcd.io/etcd/server/v3)

binaries_directory() {
  local cache=${UNDERCLOUD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/undercloud}
  realpath -m "${KUBEBUILDER_ASSETS:-$cache/control-plane/$kubernetes_version-$etcd_version/bin}"
}

# The names of the binaries that $bin lacks, one a line.
missing_binaries() {
  local binary
  for binary in "${binaries[@]}"; do [[ -x $bin/$binary ]] || echo "$binary"; done
}

ensure_binaries() {
  local missing
  missing=$(missing_binaries | paste -sd ' ')
  if [[ -z $missing ]]; then
    [[ $command != build ]] || say "Nothing to build: $bin has ${binaries[*]}."
    return
  fi
  [[ -z ${KUBEBUILDER_ASSETS:-} ]] || die "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS lacks: $missing."
  require_go
  build
}

require_go() {
  local needed found
  needed=$(awk '$1 == "go" { print $2 }' "$here/kubernetes/go.mod")
  command -v go >/dev/null ||
    die "Go is missing: install Go $needed or newer, or set KUBEBUILDER_ASSETS to a directory with ${binaries[*]}."
  found=$(GOTOOLCHAIN=local go env GOVERSION)
  printf 'go%s\n%s\n' "$needed" "$found" | sort -V -C ||
    die "Go is too old ($found): install Go $needed or newer, or set KUBEBUILDER_ASSETS to existing binaries."
}

# Builds into a folder beside the final one and renames it when complete: an interrupted build leaves nothing that
# could pass for a whole one, and Go's own cache keeps what was compiled.
build() {
  local release partial
  release=$(dirname "$bin")
  partial=$release/partial
  mkdir -p "$release"
  exec 8<"$release"
  flock -n 8 || { say "Another build is under way; waiting for it."; flock 8; }
  [[ -n $(missing_binaries) ]] || return 0
  say "Building etcd $etcd_version and Kubernetes $kubernetes_version: about 5 minutes on 2 cores the first time."
  rm -rf "$partial"
  mkdir "$partial"
  build_one etcd etcd go.etcd.io/etcd/server/v3
  build_one kube-apiserver kubernetes k8s.io/kubernetes/cmd/kube-apiserver
  build_one kube-controller-manager kubernetes k8s.io/kubernetes/cmd/kube-controller-manager
  build_one kubectl kubernetes k8s.io/kubernetes/cmd/kubectl
  verify_versions "$partial"
  rm -rf "$partial"/*.log "$bin"
  mv "$partial" "$bin"
  exec 8<&-
  say "Built in ${SECONDS}s: $bin"
}

# build_one BINARY FOLDER PACKAGE. One binary after the other shares as much through Go's cache as one command would,
# needs less memory, and lets progress be told.
build_one() {
  local log=$partial/$1.log began=$SECONDS
  (
    cd "$here/$2"
    CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off nice -n 5 \
      go build -v -p 2 -mod=readonly -trimpath -buildvcs=false -ldflags "$(linker_flags)" -o "$partial/$1" "$3"
  ) 2>&1 | tee "$log" | report_progress "$1" || die "building $1 failed: $(tail -n 5 "$log")"
  say "  $1: $((SECONDS - began))s, finished"
}

# A Kubernetes build learns its version from the linker only; a wrong path here is ignored, hence verify_versions.
linker_flags() {
  local major minor package
  IFS=. read -r major minor _ <<<"${kubernetes_version#v}"
  printf -- '-s -w'
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    printf -- ' -X %s.gitVersion=%s' "$package" "$kubernetes_version"
    printf -- ' -X %s.gitMajor=%s -X %s.gitMinor=%s' "$package" "$major" "$package" "$minor"
  done
}

# Reads what `go build -v` prints, one line a package, and says every 15 s how far BINARY is.
report_progress() {
  local count=0 began=$SECONDS told=$SECONDS status
  while :; do
    status=0
    IFS= read -r -t 15 || status=$?
    if ((status > 0 && status <= 128)); then break; fi # the end; above 128 nothing came within 15 s
    if ((status == 0)) && [[ $REPLY != go:* ]]; then count=$((count + 1)); fi
    if ((SECONDS - told >= 15)); then
      told=$SECONDS
      say "  $1: $((SECONDS - began))s, $count packages compiled"
    fi
  done
}

verify_versions() {
  local wanted="$kubernetes_version $kubernetes_version $kubernetes_version ${etcd_version#v}" found
  found=$(
    "$1/kube-apiserver" --version | awk '{ print $2 }'
    "$1/kube-controller-manager" --version | awk '{ print $2 }'
    "$1/kubectl" version --client | awk '/^Client Version/ { print $3 }'
    "$1/etcd" --version | awk '/^etcd Version/ { print $3 }'
  )
  found=${found//$'\n'/ }
  [[ $found == "$wanted" ]] || die "the built binaries call themselves $found instead of $wanted."
}
