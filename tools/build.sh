# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# Building out of tree, quietly: the log has it all, the terminal only what
# matters.

# build_tree DIR [CONFIGURE-ARGUMENT…]
build_tree() {
	local dir=$1 log
	shift
	# A test of ./run brings the build it tests.
	if [ "${MXM_BUILD_IS_READY:-no}" = yes ] && [ -x "$dir/mxmd" ]; then
		return 0
	fi
	mkdir -p "$dir" 2>/dev/null || die 1 "cannot build" \
	    "$dir cannot be made" "check who owns $SRC"
	[ -w "$dir" ] || die 1 "cannot build" "$dir is not writable for you" \
	    "build as its owner, or remove it"
	log=$dir/run.log
	exec 8>"$dir/.run.lock"
	if ! flock -n 8; then
		step "waiting for another build in $dir"
		flock 8
	fi
	if ! build_is_current "$dir"; then
		step "building in $dir (log: $log)"
		: >"$log"
		build_steps "$dir" "$@" >>"$log" 2>&1 || build_failed "$log"
	fi
	exec 8>&-
}

build_is_current() {
	[ -f "$1/Makefile" ] && [ -x "$1/mxmd" ] &&
	    make -C "$1" -q all >/dev/null 2>&1
}

build_steps() {
	local dir=$1
	shift
	if [ ! -x "$SRC/configure" ]; then
		(cd "$SRC" && autoreconf -fi) || return 1
	fi
	if [ ! -f "$dir/Makefile" ]; then
		# A relative path: configure refuses blanks in it.
		(cd "$dir" && "$(realpath --relative-to="$dir" "$SRC")/configure" \
		    "$@") || return 1
	fi
	make -C "$dir" -j"$(nproc)" all || return 1
}

build_failed() {
	grep -nE 'error:|Error [0-9]|undefined reference' "$1" |
	    head -n 5 | sed 's/^/     | /' >&2 || true
	show_tail "$1"
	die 1 "the build failed" "see above; all of it is in $1" \
	    "mend the source; if the tree was moved, remove $(dirname "$1")"
}
