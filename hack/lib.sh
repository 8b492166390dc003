# Shared by the scripts of hack/: messages, places, and the tools that each of them needs. Sourced, never run.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export UNDERCLOUD_CACHE=${UNDERCLOUD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/undercloud}
export UNDERCLOUD_STATE=${UNDERCLOUD_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/undercloud}
# Node 24 comes from the npm package `node`; the system's Node only starts npm.
export PATH=$root/node_modules/.bin:$PATH

# A line of progress with the seconds since the script began.
say() { printf '%4ds  %s\n' "$SECONDS" "$*"; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# One sentence for the first thing that is missing on this machine.
need_machine() {
  [ "$(id -u)" = 0 ] || die "needs root, because it starts containers and binds port 623: run it with sudo"
  command -v apt-get >/dev/null || die "needs Debian 12, because it installs Debian packages: apt-get is missing"
  command -v npm >/dev/null || die "npm is missing: apt-get install npm, or install Node 20 or newer with npm"
  if [ -z "${KUBEBUILDER_ASSETS:-}" ] && ! command -v go >/dev/null; then
    die "go is missing: install Go 1.26, or point KUBEBUILDER_ASSETS at kube-apiserver, kube-controller-manager, etcd and kubectl"
  fi
}

# Debian packages, where a command that they bring is missing: need_debian openssl:openssl shellcheck:shellcheck
need_debian() {
  local pair missing=()
  for pair; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing the Debian packages ${missing[*]}"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}") >/dev/null ||
    die "apt-get could not install ${missing[*]}: run it by hand to see why"
}

# Debian packages without a command of their own.
need_debian_libraries() {
  local package missing=()
  for package; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package:$package")
  done
  [ ${#missing[@]} -eq 0 ] || need_debian "${missing[@]}"
}

# `npm ci` where the lock file changed since the last time.
need_packages() {
  local directory=$1 stamp=$1/node_modules/.undercloud-installed
  if [ ! -e "$stamp" ] || [ "$directory/package-lock.json" -nt "$stamp" ]; then
    say "installing the npm packages of ${directory#"$root"/}"
    (cd "$directory" && npm ci --no-audit --no-fund --loglevel=error) || die "npm ci failed in $directory: see its message above"
    touch "$stamp"
  fi
}

# Compiles src/ into dist/ where a source is newer than the last build.
build_operator() {
  if [ ! -e "$root/dist/main.js" ] || [ -n "$(find "$root/src" "$root/tsconfig.build.json" -newer "$root/dist/main.js" -print -quit)" ]; then
    say "compiling the operator"
    (cd "$root" && npm run --silent build) || die "the operator does not compile: see the messages above"
  fi
}
