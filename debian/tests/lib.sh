# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For the tests in this directory: requests through nginx, expectations.

host=$(sed -n 's|^public_origin = https://||p' \
    /etc/moviesxmovies/conf.d/package.conf 2>/dev/null || :)

# get PATH [CURL-OPTION…]
get() {
	curl -sS -k --fail-with-body --resolve "$host:443:127.0.0.1" \
	    "https://$host$1" "${@:2}"
}

# In conditions: one command.
status() {
	curl -s -k -o /dev/null -w '%{http_code}' \
	    --resolve "$host:443:127.0.0.1" "https://$host$1" || :
}

# sign_in NAME PASSWORD: prints a token.
sign_in() {
	get /api/auth/login/ -H 'Content-Type: application/json' \
	    -d "{\"username\": \"$1\", \"password\": \"$2\"}" |
	    sed 's/.*"access": *"\([^"]*\)".*/\1/'
}

expect() {
	[ "$2" = "$3" ] || { echo "$1: $2, not $3" >&2; exit 1; }
	echo "ok   $1"
}

await_ready() {
	for _ in $(seq 300); do
		[ "$(status /readyz)" != 200 ] || return 0
		sleep 0.1
	done
	echo "the service is not ready" >&2
	systemctl status mxmd.service >&2 || :
	exit 1
}

# Proportional set size of all processes of a program.
memory_of() {
	local pid total=0 pss
	for pid in $(pgrep -f "/$1( |\$)|^$1: "); do
		pss=$(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup")
		total=$((total + ${pss:-0}))
	done
	echo "$((total / 1024)) MiB"
}
