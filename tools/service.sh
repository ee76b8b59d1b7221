# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# Processes of a demo.  Each service leads its own session and is identified by
# its process id and start time, so that another process with a reused id is
# never signalled.  Both are in $STATE/pid/NAME.

# Sets stat to /proc/PID/stat; fails if there is no such process.  $(<file)
# would exit the shell under set -e if the file does not exist. In conditions:
# the last test is its status.
process_stat() {
	stat=''
	{ IFS= read -r -d '' stat <"/proc/$1/stat"; } 2>/dev/null ||
	    [ -n "$stat" ]
}

# Sets START to the start time of a process in ticks since boot; fails if there
# is none. Not printed: bash ignores a Ctrl-C while it waits for $(…), and the
# demo checks its services in this way when it has printed that it is ready.
# In conditions: each test returns by itself.
process_start() {
	local stat
	START=
	process_stat "$1" || return 1
	# After the name, which may hold blanks: state is field 3, start 22.
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	[ "$1" != Z ] || return 1
	START=${20}
}

# Sets PID to the running process of a service; fails if there is none.
# In conditions: each test returns by itself.
service_pid() {
	local start
	PID=
	[ -f "$STATE/pid/$1" ] || return 1
	read -r PID start <"$STATE/pid/$1" || return 1
	process_start "$PID" && [ "$START" = "$start" ]
}

# Records the process of a service.
service_note() {
	process_start "$2" || true
	printf '%s %s\n' "$2" "$START" >"$STATE/pid/$1"
}

# run_as USER COMMAND…: as that user when we are root, in a clean environment.
run_as() {
	local user=$1
	shift
	if [ "$EUID" -eq 0 ] && [ "$user" != root ]; then
		set -- setpriv --reuid "$user" --regid "$user" --init-groups \
		    -- "$@"
	fi
	env -i PATH="$PATH" LANG=C.UTF-8 HOME=/ "$@"
}

# service_start NAME USER COMMAND…: in the background, log in
# $STATE/log/NAME.log
service_start() {
	local name=$1 user=$2 log=$STATE/log/$1.log
	shift 2
	log_rotate "$log"
	if [ "$EUID" -eq 0 ]; then
		set -- setpriv --reuid "$user" --regid "$user" --init-groups \
		    -- "$@"
	fi
	(cd / && exec setsid env -i PATH="$PATH" LANG=C.UTF-8 HOME=/ "$@") \
	    </dev/null >>"$log" 2>&1 7>&- 9>&- &
	service_note "$name" $!
}

log_rotate() {
	if [ -f "$1" ] && [ "$(stat -c %s "$1")" -gt 10000000 ]; then
		mv -f "$1" "$1.1"
	fi
}

# service_await NAME WHAT COMMAND…: until it succeeds or the service has died.
service_await() {
	local name=$1 what=$2
	shift 2
	if wait_for 30 service_await_once "$name" "$@" && service_pid "$name"
	then
		return 0
	fi
	show_tail "$STATE/log/$name.log"
	if service_pid "$name"; then
		die 1 "$what: timeout after 30 s" \
		    "see the log above" "try again: $(again demo)"
	fi
	die 1 "$what: $name has exited" "see the log above" \
	    "fix that and try again; with empty data: $(again demo --fresh)"
}

# Also true if the service has ended.
# In conditions: the last test is its status.
service_await_once() {
	local name=$1
	shift
	"$@" || ! service_pid "$name"
}

# Other processes in the session of a service, which remain if it was killed.  A
# pid is not reused while a session has that id.
service_orphans() {
	local leader start stat pid
	[ -f "$STATE/pid/$1" ] || return 0
	read -r leader start <"$STATE/pid/$1" || return 0
	if process_start "$leader" >/dev/null && ! service_pid "$1"; then
		return 0
	fi
	for pid in /proc/[0-9]*; do
		pid=${pid#/proc/}
		process_stat "$pid" || continue
		# shellcheck disable=SC2086
		set -- ${stat##*) }
		if [ "$4" = "$leader" ] && [ "$pid" != "$leader" ] &&
		    [ "${20}" -ge "$start" ]; then
			printf '%s\n' "$pid"
		fi
	done
}

# In conditions: one test.
service_gone() {
	! service_pid "$1"
}

# service_stop NAME SIGNAL [SECONDS]
service_stop() {
	local name=$1 number=$2 patience=${3:-15} pid orphans
	if service_pid "$name"; then
		kill -s "$number" "$PID" 2>/dev/null || true
		if ! wait_for "$patience" service_gone "$name"; then
			say "run: $name did not exit within $patience s; killed"
			if service_pid "$name"; then
				kill -s KILL "$PID" 2>/dev/null || true
			fi
			wait_for 5 service_gone "$name" || true
		fi
	fi
	orphans=$(service_orphans "$name")
	for pid in $orphans; do
		kill -s KILL "$pid" 2>/dev/null || true
	done
	rm -f "$STATE/pid/$name"
}

SERVICES=(nginx mxmd mxm-jobs memcached postgres)

services_stop() {
	service_stop nginx TERM
	service_stop mxmd TERM 40
	service_stop mxm-jobs TERM 60
	service_stop memcached TERM
	service_stop postgres INT 60
}

# Fails unless all services are running.
# In conditions: each test returns by itself.
services_all_run() {
	local name
	for name in "${SERVICES[@]}"; do
		service_pid "$name" || return 1
	done
}
