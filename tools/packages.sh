# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# The Debian packages the tree needs, in one place, and how the missing ones are
# installed: nothing they bring is started, and no database cluster is made.

# Named by packages_missing.
# shellcheck disable=SC2034

# The compiler, and a library for each foreign header in src/.
PACKAGES_build=(
	gcc libc6-dev make autoconf automake pkg-config
	libtalloc-dev libjson-c-dev libpq-dev libmemcached-dev libjwt-dev
	libcurl4-openssl-dev libsodium-dev libutf8proc-dev libssl-dev
	libfcgi-dev libcrack2-dev libgsl-dev libopenblas-dev
	python3 python3-yaml
)

# What the programs stand on when they run, and what ./run itself calls.
PACKAGES_demo=(
	postgresql-15 memcached nginx openssl curl ca-certificates
	cracklib-runtime util-linux
)

# Both test frameworks, what lint calls, and what the tests talk with.
PACKAGES_test=(
	libcriterion-dev clang-format cppcheck mandoc pgbouncer
	python3 python3-pytest python3-requests python3-yaml
	python3-jsonschema python3-hypothesis python3-psycopg2 python3-jwt
	python3-numpy python3-scipy
)

# The load generator; pgbench comes with PostgreSQL.
PACKAGES_bench=(wrk)

as_root() {
	if [ "$EUID" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

packages_missing() {
	local group name state
	declare -A have=()
	while read -r name state; do
		[ "$state" != installed ] || have[${name%%:*}]=1
	done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n')
	for group in "$@"; do
		local -n list="PACKAGES_$group"
		for name in "${list[@]}"; do
			[ -n "${have[$name]:-}" ] || printf '%s\n' "$name"
		done
	done
}

# packages_install GROUP…
packages_install() {
	local missing
	command -v dpkg-query >/dev/null || die 1 \
	    "this is not Debian" "there is no dpkg-query here" \
	    "use a machine with Debian 12"
	mapfile -t missing < <(packages_missing "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	step "installing Debian packages: ${missing[*]}"
	if [ "$EUID" -ne 0 ] && ! command -v sudo >/dev/null; then
		die 1 "packages are missing: ${missing[*]}" \
		    "you are not root and there is no sudo" \
		    "as root: apt-get install ${missing[*]}"
	fi
	(packages_apt "${missing[@]}") || die 1 \
	    "the packages could not be installed" \
	    "apt-get failed, see above" \
	    "put it right and try again, or: apt-get install ${missing[*]}"
}

# In a subshell, so that its trap undoes what it changed and nothing else.
packages_apt() {
	local before
	POLICY=/usr/sbin/policy-rc.d
	CLUSTER=/etc/postgresql-common/createcluster.d
	undo=()
	trap packages_undo EXIT
	trap 'exit 130' INT TERM HUP
	before=$(packages_units)
	if [ ! -e "$POLICY" ]; then
		undo+=("rm -f $POLICY")
		printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
		as_root chmod 755 "$POLICY"
	fi
	if [ ! -d "$CLUSTER" ]; then
		undo+=("rmdir --ignore-fail-on-non-empty $CLUSTER")
		as_root mkdir -p "$CLUSTER"
	fi
	undo+=("rm -f $CLUSTER/zz-moviesxmovies-run.conf")
	echo 'create_main_cluster = false' |
	    as_root tee "$CLUSTER/zz-moviesxmovies-run.conf" >/dev/null

	local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q
	    -o DPkg::Lock::Timeout=120)
	if ! as_root "${apt[@]}" install --no-install-recommends "$@"; then
		say "run: once more, with fresh package lists"
		as_root "${apt[@]}" update
		as_root "${apt[@]}" install --no-install-recommends "$@"
	fi
	packages_quiet "$before"
}

packages_undo() {
	local i
	for ((i = ${#undo[@]} - 1; i >= 0; i--)); do
		# shellcheck disable=SC2086
		as_root ${undo[i]} || say "run: could not undo: ${undo[i]}"
	done
}

packages_units() {
	[ -d /run/systemd/system ] || return 0
	systemctl list-unit-files --no-legend --type=service \
	    memcached.service nginx.service pgbouncer.service \
	    postgresql.service |
	    awk '{ print $1 }'
}

# What was just installed must not start at the next boot either.
packages_quiet() {
	local before=$1 unit
	[ -d /run/systemd/system ] || return 0
	for unit in $(packages_units); do
		if ! grep -qx "$unit" <<<"$before"; then
			say "run: $unit is new here and stays off"
			as_root systemctl disable --now "$unit"
		fi
	done
}
