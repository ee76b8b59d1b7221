# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# The Debian packages that are needed; tools/install-packages installs missing
# ones. Run as a program it prints the packages of the given groups (HACKING).

# Named by packages_missing.
# shellcheck disable=SC2034

# The compiler, and a library for each foreign header in src/.
PACKAGES_build=(
	gcc libc6-dev make autoconf automake pkg-config
	libtalloc-dev libjson-c-dev libpq-dev libmemcached-dev libjwt-dev
	libcurl4-openssl-dev libsodium-dev libutf8proc-dev libidn2-dev libicu-dev libssl-dev libzip-dev
	libarchive-dev
	libfcgi-dev libcrack2-dev libgsl-dev libopenblas-dev
	libvips-dev libseccomp-dev
	python3 python3-yaml
)

# Runtime dependencies of the programs and of ./run.
PACKAGES_demo=(
	postgresql-15 memcached nginx openssl curl ca-certificates
	cracklib-runtime util-linux
)

# The test frameworks, the linters, and libraries of the tests.
PACKAGES_test=(
	libcriterion-dev clang-format clang-tidy cppcheck faketime mandoc pgbouncer
	shellcheck apparmor strace systemd chromium chromium-driver
	python3 python3-pytest python3-requests python3-yaml
	python3-jsonschema python3-hypothesis python3-psycopg2 python3-jwt
	python3-prometheus-client
	python3-cryptography python3-seccomp python3-selenium
	python3-numpy python3-scipy python3-pil
)

# The load generator.
PACKAGES_bench=(wrk)

# Prints the packages of the groups that are not installed, one per line.
packages_missing() {
	local group name state installed
	declare -A have=()
	installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n')
	while read -r name state; do
		[ "$state" != installed ] || have[${name%%:*}]=1
	done <<<"$installed"
	for group in "$@"; do
		local -n list="PACKAGES_$group"
		for name in "${list[@]}"; do
			[ -n "${have[$name]:-}" ] || printf '%s\n' "$name"
		done
	done
}

# packages_install GROUP…: exits with 1, or UNFETCHED if a download fails.
UNFETCHED=1
packages_install() {
	local names missing root=() status=0
	command -v dpkg-query >/dev/null || die 1 \
	    "this is not Debian" "dpkg-query is not installed" \
	    "use a machine with Debian 12"
	names=$(packages_missing "$@")
	[ -n "$names" ] || return 0
	mapfile -t missing < <(sort -u <<<"$names")
	if [ "$EUID" -ne 0 ]; then
		command -v sudo >/dev/null || die 1 \
		    "packages are missing: ${missing[*]}" \
		    "you are not root and sudo is not installed" \
		    "as root: apt-get install ${missing[*]}"
		root=(sudo -p "run: password of %p, to install packages: ")
	fi
	step "installing Debian packages: ${missing[*]}"
	"${root[@]}" /bin/bash "$SRC/tools/install-packages" "${missing[@]}" ||
	    status=$?
	case $status in
	0) ;;
	3) exit 1 ;; # the reason was printed
	77) exit "$UNFETCHED" ;;
	129 | 130 | 143)
		say "run: interrupted"
		exit "$status" ;;
	*) die 1 "packages are missing: ${missing[*]}" \
	    "the installation failed: status $status of ${root[0]:-bash}" \
	    "as root: apt-get install ${missing[*]}" ;;
	esac
}

# packages_print GROUP…
packages_print() {
	local group
	for group in "$@"; do
		local -n list="PACKAGES_$group"
		printf '%s\n' "${list[@]}"
	done
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	packages_print "$@"
fi
