# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# How ./run speaks: what it does, and, when a step fails, what, why and what to
# do about it.

say() {
	printf '%s\n' "$*"
}

step() {
	printf '==> %s\n' "$*"
}

# die STATUS WHAT [WHY [REMEDY]]
die() {
	local status=$1 what=$2 why=${3:-} remedy=${4:-}
	printf 'run: %s\n' "$what" >&2
	[ -z "$why" ] || printf '     why:     %s\n' "$why" >&2
	[ -z "$remedy" ] || printf '     what to do: %s\n' "$remedy" >&2
	exit "$status"
}

# The end of a log, indented, to standard error.
show_tail() {
	local file=$1 lines=${2:-20}
	[ -s "$file" ] || return 0
	printf '     the end of %s:\n' "$file" >&2
	tail -n "$lines" "$file" | sed 's/^/     | /' >&2
}

# wait_for SECONDS COMMAND…: runs it every 50 ms until it succeeds.
wait_for() {
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}
