# shellcheck shell=bash
# A Debian system in a directory, from the mirrors that apt uses on this machine. Sourced by agent-ramdisk and os-image.

# Newer than the host: it has the agent, which Debian 12 lacks.
export DEBIAN_SUITE=trixie

# The mirror's address for the part of Debian that this machine has as SUFFIX ("" or -security): mirror SUFFIX
mirror() {
  apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Origin: Debian' 'Created-By: Packages' |
    awk -v suffix="$1" '$1 ~ "^[a-z]+" suffix "$" { print $2; exit }'
}

# make_system DIRECTORY PACKAGE…: a minimal Debian with these packages, without documentation and translations. It is done in
# namespaces of its own, so that its mounts and processes go with it when it is interrupted.
make_system() {
  local directory=$1 base security sources=() excludes=() left_out
  shift
  base=$(mirror '')
  security=$(mirror -security)
  [ -n "$base" ] || die "apt knows no Debian mirror: check /etc/apt/sources.list and run apt-get update"
  sources=("deb $base $DEBIAN_SUITE main" "deb $base $DEBIAN_SUITE-updates main")
  [ -z "$security" ] || sources+=("deb $security $DEBIAN_SUITE-security main")
  for left_out in doc man info locale lintian bug; do
    excludes+=("--dpkgopt=path-exclude=/usr/share/$left_out/*")
  done
  # Without INITRD the kernel package builds no initrd of its own.
  INITRD=${INITRD:-No} unshare --mount --pid --fork --kill-child mmdebstrap --quiet --mode=root --variant=minbase \
    --skip=cleanup/apt/lists --aptopt='APT::Install-Recommends "false"' "${excludes[@]}" \
    --include="$(printf '%s\n' "$@" | paste -sd,)" "$DEBIAN_SUITE" "$directory" "${sources[@]}" ||
    die "mmdebstrap failed: see its message above"
}

# When the newest package list was made, in seconds since 1970: what a build dates its own files by, so that it can be repeated.
system_epoch() {
  local release newest=0 seconds
  for release in "$1"/var/lib/apt/lists/*Release; do
    seconds=$(date --date "$(sed -n 's/^Date: //p' "$release" | head -n 1)" +%s)
    [ "$seconds" -le "$newest" ] || newest=$seconds
  done
  echo "$newest"
}

# Lists PACKAGE VERSION of what is in it.
system_packages() { dpkg-query --admindir="$1/var/lib/dpkg" --show --showformat '${Package} ${Version}\n'; }

# Dates what is newer than EPOCH back to it. Older dates stay: Python's compiled files name their sources'.
clamp_dates() { find "$1" -newermt "@$2" -exec touch --no-dereference --date="@$2" {} +; }

# Removes what a build leaves behind and nothing needs.
clean_system() {
  rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/* "$1"/var/log/* "$1"/tmp/* "$1"/run/* \
    "$1"/etc/apt/sources.list.d/0000* "$1"/etc/hostname "$1"/etc/resolv.conf "$1"/var/lib/dbus/machine-id "$1"/etc/ssl/private/*
  : >"$1/etc/machine-id"
}

# A hash of the recipe: of files, their names and modes, and of strings.
recipe_hash() {
  local part
  for part; do
    if [ -d "$part" ]; then
      (cd "$part" && find . -type f -printf '%m %p\n' | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 cat)
    elif [ -f "$part" ]; then cat "$part"; else echo "$part"; fi
  done | sha256sum | cut -c1-12
}
