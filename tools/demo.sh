# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# "./run demo" and "./run stop": the whole system as private instances.

PG_MAJOR=15
PG_BIN=/usr/lib/postgresql/$PG_MAJOR/bin
READY=no

demo_main() {
	BACKGROUND=no MOVIELENS='' FRESH=no
	demo_options "$@"
	place_demo
	demo_ports
	interrupts_end
	packages_install build demo
	place_make
	demo_lock
	demo_leftovers
	demo_data_is_ours
	demo_port_free "$PORT" MXM_DEMO_PORT
	demo_port_free "$TLS_PORT" MXM_DEMO_TLS_PORT
	trap 'demo_interrupted 130' INT
	trap 'demo_interrupted 143' TERM
	trap 'demo_interrupted 129' HUP
	trap : PIPE # a write error instead of a signal
	trap demo_failed EXIT
	service_note run $$
	build_tree "$BUILD"
	place_users
	demo_start
	READY=yes
	demo_print
	demo_wait
}

demo_options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--background) BACKGROUND=yes ;;
		--fresh) FRESH=yes ;;
		--movielens)
			[ $# -ge 2 ] || die 2 "--movielens needs a directory"
			MOVIELENS=$2
			shift ;;
		--movielens=*) MOVIELENS=${1#*=} ;;
		*) die 2 "demo: unknown option $1" "" "./run help" ;;
		esac
		shift
	done
	[ -z "$MOVIELENS" ] || demo_movielens_check
}

demo_movielens_check() {
	local name
	for name in movies.csv ratings.csv links.csv; do
		[ -r "$MOVIELENS/$name" ] || die 1 \
		    "$MOVIELENS is not a MovieLens directory" \
		    "there is no readable $name in it" \
		    "unpack ml-latest-small.zip and give its directory"
	done
	MOVIELENS=$(cd "$MOVIELENS" && pwd)
}

# Sets PORT, TLS_PORT and ORIGIN.
demo_ports() {
	PORT=${MXM_DEMO_PORT:-8080} TLS_PORT=${MXM_DEMO_TLS_PORT:-8443}
	demo_port_number "$PORT" MXM_DEMO_PORT
	demo_port_number "$TLS_PORT" MXM_DEMO_TLS_PORT
	PORT=$((10#$PORT)) TLS_PORT=$((10#$TLS_PORT))
	[ "$PORT" -ne "$TLS_PORT" ] || die 2 \
	    "http and https cannot both use port $PORT" \
	    "MXM_DEMO_PORT and MXM_DEMO_TLS_PORT are the same" \
	    "set one of them to another port; the defaults are 8080 and 8443"
	ORIGIN=http://127.0.0.1:$PORT
}

# demo_port_number VALUE VARIABLE
demo_port_number() {
	local first
	if [[ ! $1 =~ ^[0-9]{1,5}$ ]] ||
	    [ "$1" -lt 1 ] || [ "$1" -gt 65535 ]; then
		die 2 "$2=$1 is not a port" "it is not a number from 1 to 65535" \
		    "set it to a free port, or unset it"
	fi
	first=$(</proc/sys/net/ipv4/ip_unprivileged_port_start)
	[ "$1" -ge "$first" ] || die 2 "$2=$1 is a privileged port" \
	    "the nginx of the demo does not run as root" \
	    "choose a port from $first to 65535"
}

# In conditions: one test.
demo_port_is_taken() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# demo_port_free PORT VARIABLE
demo_port_free() {
	local holder='' other=$1
	demo_port_is_taken "$1" || return 0
	if command -v ss >/dev/null; then
		holder=$(ss -Hltnp "sport = :$1" 2>/dev/null |
		    sed -n 's/.*users:((\("[^"]*",pid=[0-9]*\).*/ (\1)/p' |
		    head -n 1)
	fi
	while [ "$other" -eq "$PORT" ] || [ "$other" -eq "$TLS_PORT" ] ||
	    demo_port_is_taken "$other"; do
		other=$((other < 65535 ? other + 1 : 8080))
	done
	export "$2=$other"
	die 1 "port $1 is in use$holder" \
	    "another program listens on 127.0.0.1:$1" \
	    "stop it, or choose another: $(again demo)"
}

# One start or stop at a time; the services do not inherit the lock.
demo_lock() {
	exec 9>"$STATE/lock"
	flock -n 9 && return 0
	step "waiting for another ./run that starts or stops this demo"
	attempt flock -w 600 9
	[ "$STATUS" -eq 0 ] || die 1 \
	    "another ./run is starting or stopping this demo" \
	    "$STATE/lock has been held for ten minutes" \
	    "wait for it, or end it"
}

demo_unlock() {
	exec 9>&-
}

# Reports a running demo; cleans up after one that was killed.
demo_leftovers() {
	local name
	if services_all_run && { service_pid run || [ -f "$STATE/background" ]; }
	then
		say "run: this demo is already running; to stop it: $(again stop)"
		# shellcheck disable=SC1091
		[ ! -f "$STATE/summary" ] || cat "$STATE/summary"
		exit 0
	fi
	for name in "${SERVICES[@]}"; do
		if [ -f "$STATE/pid/$name" ]; then
			step "cleaning up after an earlier demo"
			services_stop
			break
		fi
	done
	place_run_remove
	rm -f "$STATE/background" "$STATE/summary"
	if [ "$FRESH" = yes ]; then
		step "deleting the data of the earlier demo"
		rm -rf "${STATE:?}"/{pgdata,media,mail,models,nginx,conf,bin,loaded,account}
	fi
}

# Refuses the data of another major version of PostgreSQL.
demo_data_is_ours() {
	local major
	[ -s "$STATE/pgdata/PG_VERSION" ] || return 0
	major=$(<"$STATE/pgdata/PG_VERSION")
	[ "$major" = "$PG_MAJOR" ] || die 1 \
	    "the data in $STATE is from PostgreSQL $major" \
	    "this demo runs PostgreSQL $PG_MAJOR, which cannot read it" \
	    "delete it: $(again demo --fresh); or $(place_other)"
}

# ------------------------------------------------------------------ starting

demo_start() {
	place_run
	place_folders
	if [ -n "$(ls -A "$STATE/pgdata")" ]; then
		step "starting the services (with the data of the earlier demo)"
	else
		step "starting the services in $DEMO"
	fi
	demo_postgres
	demo_programs
	demo_settings
	demo_memcached
	attempt logged "$STATE/log/mxmctl.log" ctl migrate
	[ "$STATUS" -eq 0 ] || demo_ctl_failed migrate
	demo_load
	demo_train
	service_start mxmd "$USER_APP" "$RUN/state/bin/mxmd" \
	    --config "$RUN/state/conf/mxm.conf"
	service_start mxm-jobs "$USER_APP" "$RUN/state/bin/mxm-jobs" \
	    --config "$RUN/state/conf/mxm.conf"
	demo_nginx
	service_await mxmd "waiting for mxmd" demo_is_ready
	service_await mxm-jobs "waiting for mxm-jobs to fetch the model" \
	    demo_model_is_here
	demo_account
}

# In conditions: the last test is its status.
demo_is_ready() {
	local code
	code=$(web -o /dev/null -m 5 -w '%{http_code}' "$ORIGIN/readyz") &&
	    [ "$code" = 200 ]
}

# curl without the configuration and proxies of the user.
# In conditions: one command.
web() {
	curl -q -s --noproxy '*' "$@"
}

# Copies the programs, because the users of the services may not access the
# build.
demo_programs() {
	local name
	for name in mxmd mxm-image mxm-jobs mxmctl; do
		install -m 755 "$BUILD/$name" "$STATE/bin/.$name"
		mv -f "$STATE/bin/.$name" "$STATE/bin/$name"
	done
}

# mxmctl with the settings of this demo, as the current user.
# In conditions: one command.
ctl() {
	env -i PATH="$PATH" LANG=C.UTF-8 HOME="${HOME:-/}" TERM="${TERM:-dumb}" \
	    MXM_DATADIR="$SRC" "$STATE/bin/mxmctl" \
	    --config "$STATE/conf/mxm.conf" "$@"
}

demo_ctl_failed() {
	show_tail "$STATE/log/mxmctl.log"
	die 1 "mxmctl $1 failed" "see above" \
	    "fix that and try again; with empty data: $(again demo --fresh)"
}

demo_postgres() {
	local data=$RUN/state/pgdata me found name
	me=$(id -un)
	if [ ! -f "$data/PG_VERSION" ]; then
		attempt logged "$STATE/log/postgres.log" demo_initdb "$data"
		if [ "$STATUS" -ne 0 ]; then
			show_tail "$STATE/log/postgres.log"
			die 1 "initdb failed" "see above" \
			    "fix that, then: $(again demo --fresh)"
		fi
	fi
	demo_postgres_files "$me"
	demo_postgres_pidfile
	service_start postgres "$USER_PG" "$PG_BIN/postgres" -D "$data" \
	    -k "$RUN/pg"
	service_await postgres "waiting for PostgreSQL" demo_postgres_answers
	for name in mxm mxm_owner; do
		found=$(sql_admin "SELECT 1 FROM pg_roles
		    WHERE rolname = '$name'")
		[ "$found" = 1 ] || sql_admin "CREATE ROLE $name LOGIN"
	done
	found=$(sql_admin "SELECT 1 FROM pg_database WHERE datname = 'mxm'")
	[ "$found" = 1 ] || sql_admin "CREATE DATABASE mxm OWNER mxm_owner
	    ENCODING 'UTF8' TEMPLATE template0"
	# Earlier versions used one role.
	sql_admin_in_mxm "REASSIGN OWNED BY mxm TO mxm_owner"
}

demo_initdb() {
	cd /
	run_as "$USER_PG" "$PG_BIN/initdb" -D "$1" -U postgres -E UTF8 \
	    --locale=C.UTF-8 -A peer
}

# In conditions: one command.
demo_postgres_answers() {
	sql_admin "SELECT 1" >/dev/null
}

# In conditions: one command.
sql_admin() {
	psql -X -A -t -q -h "$RUN/pg" -U postgres -d postgres -c "$1" \
	    2>>"$STATE/log/psql.log"
}

demo_postgres_files() {
	local data=$STATE/pgdata user
	cat >"$data/mxm.conf" <<-'END'
	# Written by ./run demo at each start; put your settings into
	# postgresql.conf.
	listen_addresses = ''
	unix_socket_permissions = 0777
	max_connections = 100
	shared_buffers = 256MB
	random_page_cost = 1.1
	log_line_prefix = '%m [%p] %u@%d '
	log_error_verbosity = terse	# no mail addresses in its log
	END
	grep -q "^include_if_exists = 'mxm.conf'" "$data/postgresql.conf" ||
	    echo "include_if_exists = 'mxm.conf'" >>"$data/postgresql.conf"
	# Peer authentication, as in production: no passwords.
	echo 'local all all peer map=mxm' >"$data/pg_hba.conf"
	: >"$data/pg_ident.conf"
	for user in "$1" "$USER_PG"; do
		printf 'mxm %s postgres\nmxm %s mxm_owner\n' "$user" "$user" \
		    >>"$data/pg_ident.conf"
	done
	for user in "$1" "$USER_APP"; do
		printf 'mxm %s mxm\n' "$user" >>"$data/pg_ident.conf"
	done
}

# A killed server leaves a pid file, which prevents the next start if the id now
# belongs to another process of the same user.  A server that is still running
# was started by a ./run that was killed before it recorded it.
demo_postgres_pidfile() {
	local file=$STATE/pgdata/postmaster.pid pid
	[ -f "$file" ] || return 0
	read -r pid <"$file" || return 0
	if [ "$(readlink "/proc/$pid/cwd" || true)" != "$STATE/pgdata" ]; then
		rm -f "$file"
		return 0
	fi
	service_note postgres "$pid"
	service_stop postgres INT 60
}

demo_memcached() {
	service_start memcached "$USER_CACHE" memcached -s "$RUN/cache/sock" \
	    -a 0770 -m 128 -t 2 -c 1024
	service_await memcached "waiting for memcached" test -S "$RUN/cache/sock"
}

# Origins of front ends in development.
FRONT_ENDS="http://localhost:5173 http://127.0.0.1:5173"

demo_settings() {
	local key=$STATE/conf/signing.key
	if [ ! -s "$key" ]; then
		(umask 077 && openssl rand -hex 32 >"$key")
	fi
	cat >"$STATE/conf/mxm.conf" <<-END
	# Written by ./run demo at each start.  See mxm.conf(5).
	run_dir = $RUN/app
	socket_group =
	database = host=$RUN/pg dbname=mxm user=mxm
	database_owner = host=$RUN/pg dbname=mxm user=mxm_owner
	cache_servers = $RUN/cache/sock
	public_origin = $ORIGIN
	cors_origins = ${FRONT_ENDS// /, }
	media_root = $RUN/state/media
	model_file = $RUN/state/models/model
	limits_file = $RUN/state/models/limits
	signing_key_file = $RUN/state/conf/signing.key
	mail_transport = file
	mail_dir = $RUN/state/mail
	mail_from = movies@example.org
	log_target = stderr
	END
	chmod 640 "$STATE/conf/mxm.conf"
	chmod 400 "$key"
	if [ "$EUID" -eq 0 ]; then
		chown "$USER_APP:$USER_APP" "$key" "$STATE/conf/mxm.conf"
	fi
}

demo_nginx() {
	local dir=$RUN/state/nginx
	if [ ! -s "$dir/cert.pem" ]; then
		openssl req -x509 -newkey ec -nodes -days 3650 \
		    -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=localhost \
		    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
		    -keyout "$dir/key.pem" -out "$dir/cert.pem" \
		    2>>"$STATE/log/nginx.log"
	fi
	# A copy: the user of nginx may not be able to read the source.
	mkdir -p "$dir/data"
	cp -R "$SRC/admin" "$dir/data"
	"$SRC/nginx/render" "$dir" RUN_DIR="$RUN/app" PORT="$PORT" \
	    TLS_PORT="$TLS_PORT" MEDIA_ROOT="$RUN/state/media" \
	    DATA_DIR="$dir/data" ORIGINS="$FRONT_ENDS"
	if [ "$EUID" -eq 0 ]; then
		chown -R "$USER_WEB:$GROUP_WEB" "$dir"
	fi
	service_start nginx "$USER_WEB" nginx -e stderr -c "$dir/nginx.conf"
	service_await nginx "waiting for nginx" demo_nginx_answers
}

# In conditions: one command.
demo_nginx_answers() {
	web -o /dev/null -m 5 "$ORIGIN/healthz"
}

# ---------------------------------------------------------------------- data

demo_load() {
	local want=${MOVIELENS:-demo} have=
	[ ! -f "$STATE/loaded" ] || have=$(<"$STATE/loaded")
	if [ -n "$have" ]; then
		if [ "$have" != "$want" ] && [ -n "$MOVIELENS" ]; then
			die 1 "this demo has other data ($have)" \
			    "a demo loads its data once" \
			    "delete it: $(again demo --fresh --movielens "${MOVIELENS@Q}"); or $(place_other)"
		fi
		return 0
	fi
	if [ -n "$MOVIELENS" ]; then
		step "loading $MOVIELENS"
		attempt ctl import movielens "$MOVIELENS"
		[ "$STATUS" -eq 0 ] || demo_import_failed
		demo_pictures
	else
		step "loading the demo catalogue"
		attempt ctl import demo
		[ "$STATUS" -eq 0 ] || demo_import_failed
	fi
	if [ "$EUID" -eq 0 ]; then
		chown -R "$USER_APP:$GROUP_WEB" "$STATE/media"
	fi
	sql_admin_in_mxm "ANALYZE"
	printf '%s\n' "$want" >"$STATE/loaded"
}

# The default pictures; the demo catalogue includes them.
demo_pictures() {
	local picture
	for picture in person/default.png users/default.png \
	    movies/covers/no-movie.png awards/no-award.png; do
		install -D -m 644 "$SRC/media/$picture" \
		    "$STATE/media/$picture"
	done
}

sql_admin_in_mxm() {
	psql -X -q -h "$RUN/pg" -U postgres -d mxm -c "$1" \
	    >>"$STATE/log/psql.log" 2>&1
}

demo_import_failed() {
	die 1 "the import failed" "see above" \
	    "start again; it continues where it stopped: $(again demo)"
}

# Trains the recommendation model, unless an earlier start has done so.
demo_train() {
	step "training the recommendation model"
	attempt logged "$STATE/log/mxmctl.log" \
	    ctl recommend train --if-older-than 12h --quiet
	[ "$STATUS" -eq 0 ] || demo_ctl_failed "recommend train"
}

# This host uses the model in force, or there is none.
# In conditions: each test returns by itself.
demo_model_is_here() {
	local shown
	shown=$(ctl recommend show 2>>"$STATE/log/mxmctl.log") || return 1
	[[ $shown == *"in force, served here"* ]] ||
	    [[ $shown == *"no model has been published"* ]]
}

# An account to log in with, that of an administrator.  The demo catalogue has one;
# with other data one is created through the API: sign up, read the code in the
# mail, verify.
demo_account() {
	local name
	if [ -s "$STATE/account" ]; then
		read -r DEMO_USER DEMO_PASSWORD <"$STATE/account"
		return 0
	fi
	if [ -z "$MOVIELENS" ]; then
		DEMO_USER=demo DEMO_PASSWORD=popcorn-at-midnight-42
	else
		step "signing up a user"
		DEMO_PASSWORD=Popcorn-$(openssl rand -hex 4)
		for name in visitor visitor{2..9}; do
			DEMO_USER=$name
			demo_sign_up
			[ "$TAKEN" = yes ] || break
		done
	fi
	attempt logged "$STATE/log/mxmctl.log" \
	    ctl user set-admin "$DEMO_USER"
	# 65: it is one already, after an interrupted start
	[ "$STATUS" -eq 0 ] || [ "$STATUS" -eq 65 ] ||
	    demo_ctl_failed "user set-admin"
	(umask 077 && printf '%s %s\n' "$DEMO_USER" "$DEMO_PASSWORD" \
	    >"$STATE/account")
}

# Sets TAKEN to yes if an earlier, interrupted start has used the name.
demo_sign_up() {
	local mail="$DEMO_USER@example.org" answer token code
	TAKEN=no
	answer=$(demo_post signup/ "" \
	    "{\"username\": \"$DEMO_USER\", \"email\": \"$mail\",
	      \"first_name\": \"Demo\", \"last_name\": \"Visitor\",
	      \"password\": \"$DEMO_PASSWORD\"}")
	if [[ $answer == *'"username":["'* ]]; then
		TAKEN=yes
		return 0
	fi
	[[ $answer == *'"picture"'* ]] || demo_account_failed "$answer"
	answer=$(demo_post login/ "" "{\"username\": \"$DEMO_USER\",
	      \"password\": \"$DEMO_PASSWORD\"}")
	token=$(sed -n 's/.*"access": *"\([^"]*\)".*/\1/p' <<<"$answer")
	[ -n "$token" ] || demo_account_failed "$answer"
	if ! wait_for 20 demo_mail_code "$mail" >/dev/null; then
		show_tail "$STATE/log/mxm-jobs.log"
		demo_account_failed "no mail to $mail in $DEMO/mail"
	fi
	code=$(demo_mail_code "$mail")
	answer=$(demo_post verify/ "$token" "{\"verification_code\": \"$code\"}")
	[[ $answer == *true* ]] || demo_account_failed "$answer"
}

demo_post() {
	web -m 30 "$ORIGIN/api/auth/$1" -H 'Content-Type: application/json' \
	    ${2:+-H "Authorization: Bearer $2"} -d "$3" || true
}

# Prints the code in the newest mail to an address; fails if there is none.
# In conditions: each test returns by itself.
demo_mail_code() {
	local file
	file=$(grep -lsrxiE "To: .*$1.*" "$STATE/mail" | xargs -r -d '\n' ls -t |
	    head -n 1) || return 1
	[ -n "$file" ] || return 1
	sed '1,/^\r*$/d' "$file" | grep -owE -m 1 '[0-9]{6}'
}

demo_account_failed() {
	die 1 "the demo account could not be created" "$1" \
	    "see $DEMO/log; with empty data: $(again demo --fresh)"
}

# -------------------------------------------------------------------- output

# The output is saved for a second start while the demo is running.
demo_print() {
	demo_table >"$STATE/summary"
	cat "$STATE/summary"
}

demo_table() {
	local login token
	# Bypass a proxy of the user for this machine.
	CURL="curl -s"
	[ -z "${http_proxy:-}${all_proxy:-}${ALL_PROXY:-}" ] ||
	    CURL="curl -s --noproxy '*'"
	login="$CURL $ORIGIN/api/auth/login/ -d 'username=$DEMO_USER&password=$DEMO_PASSWORD'"
	token="\$($login | sed 's/.*\"access\": *\"//; s/\".*//')"
	say
	demo_row "what" "as" "pid" "where"
	demo_row "nginx, http" "$USER_WEB" "$(demo_pid nginx)" \
	    "$ORIGIN/ and $ORIGIN/api/"
	demo_row "nginx, https" "$USER_WEB" "$(demo_pid nginx)" \
	    "https://127.0.0.1:$TLS_PORT/ (self-signed)"
	demo_row "mxmd" "$USER_APP" "$(demo_pid mxmd)" "$RUN/app/"
	demo_row "mxm-jobs" "$USER_APP" "$(demo_pid mxm-jobs)" \
	    "$(quoted "$DEMO/log/mxm-jobs.log")"
	demo_row "memcached" "$USER_CACHE" "$(demo_pid memcached)" "$RUN/cache/sock"
	demo_row "PostgreSQL" "$USER_PG" "$(demo_pid postgres)" \
	    "psql -h $RUN/pg -U mxm mxm"
	say
	say "  mail       $(quoted "$DEMO/mail/")"
	say "  logs       $(quoted "$DEMO/log/")"
	say "  settings   $(quoted "$DEMO/conf/mxm.conf")"
	say "  command    $(quoted "$DEMO/bin/mxmctl") --config $(quoted "$DEMO/conf/mxm.conf") status"
	say "  account    $DEMO_USER, password $DEMO_PASSWORD (administrator)"
	say "  editor     $ORIGIN/admin/"
	say "  reference  $ORIGIN/api/docs/"
	say
	say "Try it (the last command rates the first recommended film and prints the new"
	say "recommendations):"
	say
	say "$login"
	say "$CURL '$ORIGIN/api/movies/' -H \"Authorization: Bearer $token\""
	say "$CURL '$ORIGIN/api/movies/searching/?$(demo_query)' -H \"Authorization: Bearer $token\""
	demo_rate "$token"
	say
	if [ "$BACKGROUND" = yes ]; then
		say "To stop it:"
		say
		say "$(again stop)"
		say
	else
		say "Press Ctrl-C to stop it."
	fi
	say "ready: $ORIGIN/api/"
}

# Quotes for the shell.
quoted() {
	printf '%q' "$1"
}

# Prints a command that prints the first five recommendations, rates the first
# with five stars, and prints the new first five.
demo_rate() {
	local first
	first="$CURL '$ORIGIN/api/movies/' -H \"Authorization: Bearer \$T\""
	first+=" | grep -o '\"title\":\"[^\"]*\",\"slug\":\"[^\"]*\"' | head -n 5"
	say "(T=$1; F=\$($first); echo \"\$F\"; $CURL \"$ORIGIN/api/movies/\$(echo \"\$F\" | head -n 1 | cut -d '\"' -f 8)/ratings/\" -H \"Authorization: Bearer \$T\" -H 'Content-Type: application/json' -d '{\"rating\": 5}'; echo; $first)"
}

demo_query() {
	printf 'name=%s' godfather
}

demo_row() {
	printf '  %-13s %-14s %-8s %s\n' "$@"
}

# demo_wait reports a service that has ended, with its log.
demo_pid() {
	service_pid "$1" || PID="-"
	printf '%s' "$PID"
}

# -------------------------------------------------------------------- ending

demo_wait() {
	if [ "$BACKGROUND" = yes ]; then
		: >"$STATE/background"
		rm -f "$STATE/pid/run"
		trap - EXIT INT TERM HUP PIPE
		demo_unlock
		exit 0
	fi
	demo_unlock
	local name
	while services_all_run; do
		wait -n || true
	done
	for name in "${SERVICES[@]}"; do
		if ! service_pid "$name"; then
			show_tail "$STATE/log/$name.log"
			die 1 "$name has ended" "see the end of its log above" \
			    "start again: $(again demo)"
		fi
	done
}

# Stopping is not interrupted by a second signal or a closed terminal.
demo_ending() {
	trap '' INT TERM HUP PIPE
	trap - EXIT
	exec >&7
	say 2>/dev/null || exec >/dev/null 2>&1
	attempt_end
	demo_end
}

# demo_interrupted STATUS: after Ctrl-C, ./run stop or a closed terminal.  For a
# demo that was ready this is a normal exit.
demo_interrupted() {
	demo_ending
	say "run: stopped"
	[ "$READY" = no ] || exit 0
	exit "$1"
}

# On any failure all processes are stopped.  A signal to the process group may
# end the command we wait for before our own handler runs.
demo_failed() {
	local status=$?
	case $status in
	129 | 130 | 143) demo_interrupted "$status" ;;
	esac
	if disk_is_full "$STATE"; then
		say "run: the disk of $STATE is full" >&2
	fi
	demo_ending
	exit "$status"
}

demo_end() {
	local name
	for name in "${SERVICES[@]}"; do
		[ -f "$STATE/pid/$name" ] || continue
		step "stopping"
		break
	done
	services_stop
	rm -f "$STATE/pid/run" "$STATE/background" "$STATE/summary"
	place_run_remove
}

stop_main() {
	[ $# -eq 0 ] || die 2 "stop takes no arguments" "" "./run help"
	place_demo
	interrupts_end
	if [ ! -d "$STATE/pid" ]; then
		say "run: no demo is running in $DEMO"
		return 0
	fi
	[ -w "$STATE/pid" ] || die 1 "$STATE is owned by another user" \
	    "it belongs to $(stat -c %U "$STATE")" "stop it as that user"
	if service_pid run; then
		kill -s TERM "$PID"
		wait_for 120 service_gone run || die 1 \
		    "the demo does not stop" "process $PID is still running" \
		    "check it, then: kill -9 $PID && $(again stop)"
	fi
	demo_lock
	if [ -z "$(ls -A "$STATE/pid")" ]; then
		say "run: stopped"
		return 0
	fi
	demo_end
	say "run: stopped"
}
