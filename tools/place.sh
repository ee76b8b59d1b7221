# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# Directories of a demo and users of its services.
#
#   DEMO    the path shown to the user: .demo in the source tree, or MXM_DEMO_DIR
#   STATE   the data directory: DEMO, or, if run by root in a tree that the
#           users of the services cannot access, a directory that DEMO links to
#   RUN     a directory in /tmp with a short name for the sockets (their paths
#           are limited to 107 bytes), new at each start; RUN/state links to STATE, so
#           that paths in configurations have no blanks or other special
#           characters; STATE/run links to RUN

place_demo() {
	DEMO=${MXM_DEMO_DIR:-$SRC/.demo}
	case $DEMO in
	/*) ;;
	*) DEMO=$PWD/$DEMO ;;
	esac
	DEMO=${DEMO%/}
	[ -n "$DEMO" ] || die 2 "MXM_DEMO_DIR is /" \
	    "a demo needs its own directory" "MXM_DEMO_DIR=/some/folder"
	STATE=$(readlink -f "$DEMO") || STATE=$DEMO
	RUN=$(readlink "$STATE/run" 2>/dev/null) || RUN=
}

# Users of the services: system users if started by root, else the current user.
place_users() {
	USER_PG=$(id -un) USER_CACHE=$USER_PG USER_APP=$USER_PG
	USER_WEB=$USER_PG GROUP_WEB=$(id -gn)
	[ "$EUID" -eq 0 ] || return 0
	USER_PG=postgres USER_CACHE=memcache USER_APP=moviesxmovies
	USER_WEB=www-data GROUP_WEB=www-data
	if ! getent passwd "$USER_APP" >/dev/null; then
		step "creating the system user $USER_APP"
		useradd --system --user-group --home-dir /nonexistent \
		    --no-create-home --shell /usr/sbin/nologin \
		    --comment "moviesxmovies" "$USER_APP" || die 1 \
		    "the user $USER_APP cannot be created" "useradd failed" \
		    "create it manually: adduser --system --group $USER_APP"
	fi
	local name
	for name in "$USER_PG" "$USER_CACHE" "$USER_WEB"; do
		getent passwd "$name" >/dev/null || die 1 \
		    "there is no user $name" "its package should have created it" \
		    "adduser --system --group $name"
	done
}

# again COMMAND…: prints the command that runs ./run for this demo.
again() {
	local name
	for name in MXM_DEMO_PORT MXM_DEMO_TLS_PORT MXM_BUILD; do
		if [ "$1" != stop ] && [ -n "${!name:-}" ]; then
			printf '%s=%q ' "$name" "${!name}"
		fi
	done
	[ -z "${MXM_DEMO_DIR:-}" ] || printf 'MXM_DEMO_DIR=%q ' "$DEMO"
	printf '%q %s' "$SRC/run" "$*"
}

# Creates STATE where the services can access it.
place_make() {
	local why
	if [ ! -d "$STATE" ]; then
		if [ -L "$DEMO" ]; then
			rm -f "$DEMO"
			STATE=$DEMO
		fi
		why=$(mkdir -p "$STATE" 2>&1) || die 1 \
		    "cannot create $STATE" "${why##*: }" "$(place_other)"
	fi
	[ -w "$STATE" ] || die 1 "cannot write to $STATE" \
	    "it belongs to $(stat -c %U "$STATE"), or is read-only" \
	    "$(place_other)"
	place_has_room
	if [ "$EUID" -eq 0 ] && ! place_is_reachable "$STATE"; then
		place_move
	fi
	if [ "$EUID" -ne 0 ]; then
		chmod 700 "$STATE"
	fi
	mkdir -p "$STATE/pid" "$STATE/log"
}

place_other() {
	printf 'use another directory: MXM_DEMO_DIR=/some/folder %q demo' \
	    "$SRC/run"
}

# A new demo takes 150 MB; an existing one needs less additional space.
place_has_room() {
	local left need=200
	[ ! -f "$STATE/loaded" ] || need=20
	left=$(df --output=avail -m "$STATE" | tail -n 1)
	[ "$left" -ge "$need" ] || die 1 "the disk of $STATE is full" \
	    "a demo needs $need MB there, and $((left)) MB are free" "$(place_other)"
}

# In conditions: the last test is its status.
place_is_reachable() {
	setpriv --reuid nobody --regid nogroup --clear-groups test -x "$1" &&
	    setpriv --reuid nobody --regid nogroup --clear-groups test -r "$1"
}

# Makes DEMO a link to a directory below /var/lib.
place_move() {
	local new
	rmdir "$DEMO" 2>/dev/null || die 1 \
	    "the services cannot access $DEMO" \
	    "they run as system users that cannot access a parent directory" \
	    "$(place_other)"
	new=$(mktemp -d /var/lib/mxm-demo-XXXXXX)
	chmod 755 "$new"
	ln -s "$new" "$DEMO"
	STATE=$new
	say "run: the data is in $STATE (the services cannot access this tree)"
}

# Creates a new RUN and removes an old one.
place_run() {
	place_run_remove
	RUN=$(mktemp -d /tmp/mxm-XXXXXX)
	chmod 711 "$RUN"
	ln -sfn "$RUN" "$STATE/run"
	ln -s "$STATE" "$RUN/state"
	place_folder "$RUN/pg" "$USER_PG" "$USER_PG" 755
	place_folder "$RUN/cache" "$USER_CACHE" "$USER_APP" 2750
	place_folder "$RUN/app" "$USER_APP" "$GROUP_WEB" 2750
}

place_run_remove() {
	case $RUN in
	/tmp/mxm-??????)
		if [ -d "$RUN" ] && [ ! -L "$RUN" ] && [ -O "$RUN" ]; then
			rm -rf "$RUN"
		fi ;;
	esac
	rm -f "$STATE/run"
	RUN=
}

# place_folder DIR USER GROUP MODE: creates a directory with that owner and
# mode.
place_folder() {
	mkdir -p "$1"
	if [ "$EUID" -eq 0 ]; then
		chown "$2:$3" "$1"
	fi
	chmod "$4" "$1"
}

place_folders() {
	place_folder "$STATE/pgdata" "$USER_PG" "$USER_PG" 700
	place_folder "$STATE/nginx" "$USER_WEB" "$GROUP_WEB" 750
	place_folder "$STATE/media" "$USER_APP" "$GROUP_WEB" 2750
	place_folder "$STATE/mail" "$USER_APP" "$USER_APP" 750
	place_folder "$STATE/models" "$USER_APP" "$USER_APP" 750
	place_folder "$STATE/conf" "$USER_APP" "$USER_APP" 750
	mkdir -p "$STATE/bin"
}
