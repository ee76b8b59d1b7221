# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# Where a demo lives and as whom its services run.
#
#   DEMO    what the person sees: .demo in the source tree, or MXM_DEMO_DIR
#   STATE   where the data is: DEMO, or, when root runs a tree that the
#           services' users cannot reach, a folder that DEMO then points to
#   RUN     a short folder in /tmp for the sockets (a socket path ends at 107
#           bytes), new at each start; RUN/state points to STATE, so that no
#           path in a configuration holds a blank or anything else odd;
#           STATE/run points to RUN

place_demo() {
	DEMO=${MXM_DEMO_DIR:-$SRC/.demo}
	case $DEMO in
	/*) ;;
	*) DEMO=$PWD/$DEMO ;;
	esac
	DEMO=${DEMO%/}
	[ -n "$DEMO" ] || die 2 "MXM_DEMO_DIR is /" \
	    "a demo fills a folder of its own" "MXM_DEMO_DIR=/some/folder"
	STATE=$(readlink -f "$DEMO") || STATE=$DEMO
	RUN=$(readlink "$STATE/run" 2>/dev/null) || RUN=
}

# Users of the services: their own when root starts them, else whoever we are.
place_users() {
	USER_PG=$(id -un) USER_CACHE=$USER_PG USER_APP=$USER_PG
	USER_WEB=$USER_PG GROUP_WEB=$(id -gn)
	[ "$EUID" -eq 0 ] || return 0
	USER_PG=postgres USER_CACHE=memcache USER_APP=moviesxmovies
	USER_WEB=www-data GROUP_WEB=www-data
	if ! getent passwd "$USER_APP" >/dev/null; then
		step "making the system user $USER_APP, as the package does"
		useradd --system --user-group --home-dir /nonexistent \
		    --no-create-home --shell /usr/sbin/nologin \
		    --comment "moviesxmovies" "$USER_APP" || die 1 \
		    "the user $USER_APP cannot be made" "useradd failed" \
		    "make it by hand: adduser --system --group $USER_APP"
	fi
	local name
	for name in "$USER_PG" "$USER_CACHE" "$USER_WEB"; do
		getent passwd "$name" >/dev/null || die 1 \
		    "there is no user $name" "its package should have made it" \
		    "adduser --system --group $name"
	done
}

# again COMMAND…: the line to paste, anywhere, that runs ./run for this demo.
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

# Makes STATE, somewhere the services can reach it.
place_make() {
	local why
	if [ ! -d "$STATE" ]; then
		if [ -L "$DEMO" ]; then
			rm -f "$DEMO"
			STATE=$DEMO
		fi
		why=$(mkdir -p "$STATE" 2>&1) || die 1 \
		    "$STATE cannot be made" "${why##*: }" "$(place_other)"
	fi
	[ -w "$STATE" ] || die 1 "nothing can be written into $STATE" \
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
	printf 'give another place: MXM_DEMO_DIR=/some/folder %q demo' \
	    "$SRC/run"
}

# A demo that is new takes 150 MB; one that has its data goes on with less.
place_has_room() {
	local left need=200
	[ ! -f "$STATE/loaded" ] || need=20
	left=$(df --output=avail -m "$STATE" | tail -n 1)
	[ "$left" -ge "$need" ] || die 1 "the disk of $STATE is full" \
	    "a demo needs $need MB there, and $((left)) are left" "$(place_other)"
}

# In conditions: the last test is its status.
place_is_reachable() {
	setpriv --reuid nobody --regid nogroup --clear-groups test -x "$1" &&
	    setpriv --reuid nobody --regid nogroup --clear-groups test -r "$1"
}

# DEMO becomes a pointer to a folder below /var/lib.
place_move() {
	local new
	rmdir "$DEMO" 2>/dev/null || die 1 \
	    "the services cannot reach $DEMO" \
	    "they run as users of their own, and a folder above is closed to them" \
	    "$(place_other)"
	new=$(mktemp -d /var/lib/mxm-demo-XXXXXX)
	chmod 755 "$new"
	ln -s "$new" "$DEMO"
	STATE=$new
	say "run: the data is in $STATE (the services cannot reach this tree)"
}

# A new RUN; what a former one left goes.
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

# place_folder DIR USER GROUP MODE: there afterwards, and theirs.
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
