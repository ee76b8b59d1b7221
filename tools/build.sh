# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# Out-of-tree builds: the output goes to a log, the terminal shows progress and
# errors.

# build_tree DIR [CONFIGURE-ARGUMENT…]
build_tree() {
	local dir=$1 log why
	shift
	# Tests of ./run provide the build.
	if [ "${MXM_BUILD_IS_READY:-no}" = yes ] && [ -x "$dir/mxmd" ]; then
		return 0
	fi
	why=$(mkdir -p "$dir" 2>&1) || die 1 "cannot build in $dir" \
	    "${why##*: }" "use another directory: MXM_BUILD=/some/folder"
	[ -w "$dir" ] || die 1 "cannot build in $dir" \
	    "it is not writable for you" \
	    "build as its owner, or use another: MXM_BUILD=/some/folder"
	dir=$(cd "$dir" && pwd -P)
	case $dir in
	*[\\\"\#\$\&\'\`]*)
		die 1 "cannot build in $dir" \
		    "configure does not accept a path with one of \\ \" # \$ & ' \`" \
		    "use another directory: MXM_BUILD=/some/folder" ;;
	esac
	log=$dir/run.log
	exec 8>"$dir/.run.lock"
	if ! flock -n 8; then
		step "waiting for another build in $dir"
		attempt flock 8
	fi
	build_source "$dir"
	if ! build_is_current "$dir"; then
		step "building in $dir (log: $log)"
		: >"$log"
		attempt logged "$log" build_steps "$dir" "$@"
		[ "$STATUS" -eq 0 ] || build_failed "$log"
	fi
	exec 8>&-
}

# Sets FROM to the path of the source from DIR: the tree, or, if it is read-only
# or configure does not accept its path, a directory of links to its files.
build_source() {
	local dir=$1 entry
	# A relative path, because configure does not accept blanks.
	FROM=$(realpath --relative-to="$dir" "$SRC")
	if [ -w "$SRC" ] && [[ $FROM =~ ^[A-Za-z0-9_./+,:=@%-]+$ ]]; then
		return 0
	fi
	FROM=source
	mkdir -p "$dir/source"
	find "$dir/source" -xtype l -delete
	for entry in "$SRC"/*; do
		case ${entry##*/} in
		build | build-aux | autom4te.cache | m4 | aclocal.m4 | \
		    config.* | configure | configure~ | Makefile | Makefile.in)
			;;
		*) cp -rsf --no-preserve=mode "$entry" "$dir/source/" ;;
		esac
	done
}

# In conditions: the last test is its status.
build_is_current() {
	[ -f "$1/Makefile" ] && [ -x "$1/mxmd" ] &&
	    make -C "$1" -q all >/dev/null 2>&1
}

build_steps() {
	local dir=$1
	shift
	cd "$dir"
	# Temporary files of a killed compiler stay here.
	rm -rf tmp
	mkdir tmp
	export TMPDIR=$PWD/tmp
	if [ ! -x "$FROM/configure" ]; then
		(cd "$FROM" && exec autoreconf -fi)
	fi
	if [ ! -f Makefile ]; then
		"$FROM/configure" "$@"
	fi
	make -j"$(nproc)" all
}

build_failed() {
	grep -nE 'error:|Error [0-9]|undefined reference' "$1" |
	    head -n 5 | sed 's/^/     | /' >&2 || true
	show_tail "$1"
	if disk_is_full "$(dirname "$1")" ||
	    grep -q 'No space left on device' "$1"; then
		die 1 "the build failed" "the disk is full" \
		    "free space, or use another directory: MXM_BUILD=/some/folder"
	fi
	die 1 "the build failed" "see above; all of it is in $1" \
	    "fix the source; if the tree was moved, remove $(dirname "$1")"
}
