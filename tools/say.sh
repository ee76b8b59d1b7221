# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# Messages of ./run: progress, and for a failed step what failed, why and the
# remedy; and how it runs long commands.
#
# "set -e" has no effect in a function that is called in a condition (if, while,
# !, && and ||).  A function that may be called there has "In conditions:" in
# the comment above it and handles failures itself.  t/lint/shell enforces it.

# In conditions: one command.
say() {
	printf '%s\n' "$*"
}

step() {
	printf '==> %s\n' "$*"
}

# die STATUS WHAT [WHY [REMEDY]]
# In conditions: it exits.
die() {
	local status=$1 what=$2 why=${3:-} remedy=${4:-}
	printf 'run: %s\n' "$what" >&2
	[ -z "$why" ] || printf '     why:     %s\n' "$why" >&2
	[ -z "$remedy" ] || printf '     what to do: %s\n' "$remedy" >&2
	exit "$status"
}

# For a trap on ERR: an unexpected failure.
failed_at() {
	[ "$BASH_SUBSHELL" -eq 0 ] || return 0
	printf 'run: a step failed: %s\n     why:     status %s, %s\n' \
	    "$2" "$1" "$3" >&2
}

# The end of a log, indented, to standard error.
show_tail() {
	local file=$1 lines=${2:-20}
	[ -s "$file" ] || return 0
	printf '     the end of %s:\n' "$file" >&2
	tail -n "$lines" "$file" | sed 's/^/     | /' >&2
}

# wait_for SECONDS COMMAND…: runs it every 50 ms until it succeeds.
# In conditions: its status is that of the command.
wait_for() {
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt "$deadline" ] || return 1
		sleep 0.05 || return 1
	done
}

# attempt COMMAND…: runs it in a process group of its own and sets STATUS.
# "set -e" has effect in it, and a signal to us ends it at once; also if it calls
# attempt, whose command is in the same group.
attempt() {
	STATUS=0
	[ "$BASH_SUBSHELL" -gt 0 ] || set -m
	"$@" </dev/null &
	set +m
	CHILD=$!
	wait "$CHILD" || STATUS=$?
	CHILD=
}

CHILD=

# attempt logged FILE COMMAND…: its output goes to a log, but not the messages
# of our signal handlers.
logged() {
	local file=$1
	shift
	"$@" >>"$file" 2>&1
}

# Ends the command of attempt() and all its child processes.
attempt_end() {
	[ -n "$CHILD" ] || return 0
	kill -s TERM -- "-$CHILD" 2>/dev/null || true
	wait "$CHILD" 2>/dev/null || true
	kill -s KILL -- "-$CHILD" 2>/dev/null || true
	CHILD=
}

# Signal handlers for when there is nothing to clean up.
interrupts_end() {
	trap 'interrupted 130' INT
	trap 'interrupted 143' TERM
	trap 'interrupted 129' HUP
}

interrupted() {
	trap '' INT TERM HUP PIPE
	exec >&7
	attempt_end
	say "run: interrupted" 2>/dev/null || true
	exit "$1"
}

# disk_is_full DIR: less than 1 MiB is free.
# In conditions: an error counts as not full.
disk_is_full() {
	local left
	left=$(df --output=avail -k "$1" 2>/dev/null | tail -n 1) || return 1
	[ "${left:-0}" -lt 1024 ] 2>/dev/null
}
