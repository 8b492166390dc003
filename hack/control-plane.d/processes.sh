# shellcheck shell=bash
# The processes of one control plane: their ports, how they are launched, recognised and ended.
# Uses $root, $name, $dir, $bin and $components.
# shellcheck disable=SC2154 # the variables named here are set by hack/control-plane

# Holds this control plane for the rest of this run. `stop --purge` may delete the directory while we wait for it;
# then the lock is on nothing that others see, and is taken again.
hold_lock() {
  local place
  place=$(dirname "$dir")
  until
    mkdir -p "$dir" || die "cannot make $dir; set UNDERCLOUD_STATE to a directory that can be written."
    exec 9<"$place"
    flock 9
    [[ $place -ef /proc/$$/fd/9 && -d $dir ]]
  do :; done
}

pid_of() { cat "$dir/$1.pid" 2>/dev/null; }

# Whether COMPONENT of this control plane runs. A pid alone is no proof after a reboot: the command line must be
# that component's, with files of this very directory. A zombie has none.
is_running() {
  local pid arguments
  pid=$(pid_of "$1") && [[ -n $pid && -r /proc/$pid/cmdline ]] || return 1
  mapfile -t -d '' arguments 2>/dev/null <"/proc/$pid/cmdline" || return 1
  [[ ${arguments[0]:-} == */"$1" && "${arguments[*]}" == *" $dir/"* ]]
}

# launch COMPONENT ARGUMENT…: starts it in a session of its own, so that it outlives this shell, without the caller's
# open files (a lock among them would stay held).
launch() {
  local component=$1 log=$dir/$1.log fd
  shift
  [[ ! -f $log ]] || mv -f "$log" "$log.1"
  (
    cd /
    exec </dev/null >"$log" 2>&1
    for fd in "/proc/$BASHPID/fd/"*; do
      fd=${fd##*/}
      ((fd <= 2)) || eval "exec $fd<&-"
    done
    exec setsid "$bin/$component" "$@"
  ) &
  echo $! >"$dir/$component.pid"
  # It has the name of this script for a moment; what has ended by then is told by wait_until.
  until is_running "$component" || ! kill -0 $! 2>/dev/null; do sleep 0.02; done
}

# wait_until COMPONENT SECONDS TEST…: polls TEST; gives up when the component has ended or the time is over.
wait_until() {
  local component=$1 deadline=$((SECONDS + $2)) log=$dir/$1.log
  shift 2
  until "$@"; do
    is_running "$component" || die "$component of $name ended while starting; $log ends with: $(tail -n 3 "$log")"
    ((SECONDS < deadline)) || die "$component of $name did not become ready in time; see $log, or stop and start."
    sleep 0.1
  done
}

# Ends what runs, the last started first.
end_processes() {
  local at
  for ((at = ${#components[@]} - 1; at >= 0; at--)); do end_process "${components[at]}"; done
}

# Asks for 5 s, then forces: while a client holds a watch open, the API server would take a minute. Nothing is lost
# by force, since only etcd keeps anything, and its log stands the loss of its process.
end_process() {
  local pid deadline=$((SECONDS + 5))
  pid=$(pid_of "$1") || return 0
  # A signal may come too late for a process that just ended by itself.
  ! is_running "$1" || kill -TERM "$pid" 2>/dev/null || true
  while is_running "$1"; do
    ((SECONDS < deadline)) || kill -KILL "$pid" 2>/dev/null || true
    sleep 0.1
  done
  rm -f "$dir/$1.pid"
}

is_listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The recorded port of COMPONENT; empty when there is none yet.
port() { awk -v component="$1" '$1 == component { print $2 }' "$dir/ports" 2>/dev/null || true; }
url() { echo "https://127.0.0.1:$(port "$1")"; }

# Keeps the recorded ports, so that kubeconfigs handed out stay good; where another program has taken one, all are
# chosen anew and whatever of this control plane still runs on the old ones is ended.
ensure_ports() {
  local component port taken=no
  for component in "${components[@]}"; do
    port=$(port "$component")
    if [[ -z $port ]] || { ! is_running "$component" && is_listening "$port"; }; then taken=yes; fi
  done
  [[ $taken == yes ]] || return 0
  [[ ! -f $dir/ports ]] || say "A port of $name is in use by another program; choosing others."
  end_processes
  choose_ports
}

# Below the kernel's ephemeral range, and not recorded by another control plane, running or not. The lock is on the
# directory that all of them share.
choose_ports() {
  local component port
  (
    flock 7
    : >"$dir/ports.new"
    for component in "${components[@]}"; do
      while :; do
        port=$((20000 + RANDOM % 12000))
        ! grep -qsw "$port" "$root"/*/control-plane/ports "$dir/ports.new" && ! is_listening "$port" && break
      done
      echo "$component $port" >>"$dir/ports.new"
    done
    mv "$dir/ports.new" "$dir/ports"
  ) 7<"$root"
}
