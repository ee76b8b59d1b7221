# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# ./run package: builds the Debian packages of the tree in build/package, checks
# them, builds them again to compare, and uses them in chroots of this release of
# Debian and of the next one.  debian/tests has what is run there.  It consists of
# parts.  A part that this machine cannot run, or whose downloads fail, is not
# tried: that is printed, again at the end, and is no failure.  --quick omits parts
# (package_main), for continuous integration.

PACKAGES_package=(
	dbus debhelper dh-apparmor dpkg-dev lintian blhc mmdebstrap po-debconf
	build-essential faketime git haproxy locales iproute2 mount util-linux
)

# What the tests in a chroot need beside the packages.
PACKAGE_BARE=systemd-sysv,apt-utils,ca-certificates,curl,procps,python3

NEXT_RELEASE=trixie

# The parts that were not tried.
UNTRIED=()

# package_part TEXT COMMAND…: runs a part and prints its time. STATUS is 0, or 77 if
# it was not tried.
package_part() {
	local text=$1 begin=$SECONDS
	shift
	step "$text"
	attempt "$@"
	case $STATUS in
	0) say "     $((SECONDS - begin)) s" ;;
	77) UNTRIED+=("$text") ;;
	*) die 1 "failed: $text" "see above" ;;
	esac
}

# package_untried WHY: ends a part that cannot be run here.
package_untried() {
	say "     not tried: $*"
	exit 77
}

package_version() {
	sed -n '1s/^moviesxmovies (\(.*\)-[^-]*).*/\1/p' "$SRC/debian/changelog"
}

# The tree may belong to another user than root.
# In conditions: one command.
package_git() {
	git -c safe.directory='*' -C "$SRC" "$@"
}

# A copy of the files under version control; the tree stays as it is.
package_copy() {
	local to=$1
	mkdir -p "$to"
	package_git ls-files -z --cached --others --exclude-standard |
	    tar -C "$SRC" --null --files-from - --ignore-failed-read -cf - |
	    tar -C "$to" -xf -
}

# package_log NAME COMMAND…: its output is in OUT/NAME.log; its status is 77 if it
# cannot be run here, for the reason in the last line.
package_log() {
	local log=$OUT/$1.log
	shift
	mkdir -p "$OUT"
	attempt logged "$log" "$@"
	[ "$STATUS" -ne 77 ] || package_untried "$(tail -n 1 "$log")"
	[ "$STATUS" -eq 0 ] || {
		show_tail "$log"
		die 1 "failed: ${log##*/}" "see above; all of it is in $log"
	}
}

package_build() {
	local version tree
	version=$(package_version)
	tree=$OUT/moviesxmovies-$version
	package_copy "$tree"
	tar -C "$OUT" --exclude=debian --sort=name -cJf \
	    "$OUT/moviesxmovies_$version.orig.tar.xz" "${tree##*/}"
	package_log build env -C "$tree" dpkg-buildpackage -us -uc
}

# lintian does not want to be root, if another user can read the packages.
package_lint() {
	local as=(setpriv --reuid nobody --clear-groups)
	[ "$EUID" -eq 0 ] && "${as[@]}" test -r "$OUT/build.log" || as=()
	"${as[@]}" lintian --pedantic --fail-on error,warning,info,pedantic \
	    --tag-display-limit 0 "$OUT"/*.changes ||
	    die 1 "lintian has findings" "see above" "fix or override them"
	blhc "$OUT/build.log" ||
	    die 1 "blhc has findings" "see above" "fix the compiler flags"
}

# A second build: another directory, time, time zone, locale, umask, user, host
# and number of processes. The packages must not differ in a byte.
package_again() {
	local dir=$OUT/again
	mkdir -p "$dir/locale"
	localedef -i de_CH -f UTF-8 "$dir/locale/de_CH.UTF-8"
	dpkg-source -x "$OUT"/*.dsc "$dir/elsewhere"
	cat >"$dir/build" <<-'END'
		umask 0077
		cd "$1/elsewhere"
		[ -z "$2" ] || hostname elsewhere
		exec faketime '+400 days' dpkg-buildpackage -us -uc -b
	END
	local apart=()
	! unshare --uts true || apart=(unshare --uts)
	"${apart[@]}" env LOCPATH="$dir/locale" LC_ALL=de_CH.UTF-8 LANG=de_CH.UTF-8 \
	    TZ=Pacific/Kiritimati HOME="$dir" USER=elsewhere \
	    DEB_BUILD_OPTIONS=parallel=3 bash "$dir/build" "$dir" "${apart[*]}"
	package_same "$dir"
}

# The same from the .buildinfo: the versions it has, its environment, and the
# checksums it has of the packages.
package_rebuild() {
	local dir=$OUT/rebuild info=("$OUT"/*.buildinfo) name version found line
	mkdir -p "$dir"
	while read -r name version; do
		found=$(dpkg-query -W -f '${Version}' "$name")
		[ "$found" = "$version" ] || {
			echo "$name is $found here, and $version in ${info[0]}"
			return 1
		}
	done < <(sed -n '/^Installed-Build-Depends/,/^[^ ]/s/^ \(.*\) (= \(.*\)).*/\1 \2/p' \
	    "${info[0]}")
	local names=(PATH="$PATH" HOME="$dir")
	while read -r line; do
		line=${line//\"/}
		names+=("$line")
	done < <(sed -n '/^Environment/,/^[^ ]/s/^ \(.*=.*\)/\1/p' "${info[0]}")
	dpkg-source -x "$OUT"/*.dsc "$dir/tree"
	env -C "$dir/tree" -i "${names[@]}" dpkg-buildpackage -us -uc -b
	package_same "$dir"
	sed -n '/^Checksums-Sha256/,/^[^ ]/s/^ \([0-9a-f]*\) [0-9]* \(.*deb\)$/\1  \2/p' \
	    "${info[0]}" | env -C "$dir" sha256sum --check --strict
}

# package_same DIR: its packages are those of OUT; diffoscope shows what differs.
package_same() {
	local file status=0
	for file in "$OUT"/*.deb; do
		cmp "$file" "$1/${file##*/}" || {
			status=1
			! command -v diffoscope >/dev/null ||
			    diffoscope "$file" "$1/${file##*/}" || true
		}
	done
	return $status
}

package_release() {
	sed -n 's/^VERSION_CODENAME=//p' /etc/os-release
}

# package_bare RELEASE: a minimal Debian in OUT/RELEASE, with the lists of its
# packages.
package_bare() {
	unshare --mount --pid --fork true ||
	    package_untried "no namespaces can be made here"
	attempt logged "$OUT/$1.log" mmdebstrap --quiet --variant=minbase \
	    --skip=cleanup/apt/lists --dpkgopt=force-unsafe-io \
	    --include="$PACKAGE_BARE" "$1" "$OUT/$1"
	[ "$STATUS" -eq 0 ] || package_untried \
	    "its packages cannot be downloaded and installed ($OUT/$1.log)"
}

# For the commands below. fetch ARGUMENT…: the downloads of apt-get, if it could
# install; get ARGUMENT…: downloads and installs.
PACKAGE_FETCH='
fetch() {
	apt-get -qq -s "$@" >/dev/null
	apt-get -qq --download-only "$@" || {
		echo "packages cannot be downloaded"
		exit 77
	}
}
get() {
	fetch --no-install-recommends "$@"
	apt-get -qq --no-install-recommends "$@" >/dev/null
}
'

# package_inside KEEP LOWER DEBS COMMAND: what it changes is kept in OUT/KEEP.
package_inside() {
	KEEP=$OUT/$1 "$SRC/debian/tests/chroot" "$2" "$3" \
	    sh -euc "$PACKAGE_FETCH$4"
}

# package_roots RELEASE DEBS: chroots to install DEBS in: OUT/RELEASE-fetched has
# the downloads, OUT/RELEASE-full all that the package depends on, and PostgreSQL.
# shellcheck disable=SC2016
package_roots() {
	package_inside "$1-fetched" "$OUT/$1" "$2" \
	    'fetch install /packages/*.deb
	     fetch install dbconfig-no-thanks'
	package_inside "$1-full" "$OUT/$1-fetched:$OUT/$1" "$2" \
	    'get install postgresql
	     get satisfy "$(dpkg-deb -f /packages/moviesxmovies_*.deb Depends)"'
}

# package_try RELEASE DEBS LAYER TEST [CASE]: a test of debian/tests. LAYER is fetched,
# full, or TEST, which has more packages than full.
package_try() {
	local lower=$OUT/$1-fetched:$OUT/$1 log=$1-$4${5:+-$5}
	[ "$3" = fetched ] || lower=$OUT/$1-full:$lower
	[ "$3" != "$4" ] || lower=$OUT/$1-$4:$lower
	package_log "$log" timeout 3600 "$SRC/debian/tests/chroot" "$lower" \
	    "$2" "/packages/$4" "${@:5}"
	sed -n 's/^figure: /     /p' "$OUT/$log.log"
}

# package_previous: the version to upgrade from, in OUT/previous: the newest
# release (a tag v*), or until there is one the tree before its last migration; in a
# clone without that commit the present tree.
package_previous() {
	local from tree=$OUT/previous/tree
	rm -rf "$OUT/previous"
	mkdir -p "$tree"
	from=$(package_git describe --tags --match 'v*' --abbrev=0 'HEAD^' \
	    2>/dev/null) ||
	    from=$(package_git log -1 --diff-filter=A --format=%H^ -- \
	    sql/migrations)
	if [ -n "$from" ] &&
	    package_git cat-file -e "$from:systemd/mxmd.socket"; then
		package_git archive "$from" | tar -C "$tree" -xf -
	else
		package_copy "$tree"
	fi
	sed -i '1s/(.*)/(0.1.0-0.1)/' "$tree/debian/changelog"
	env -C "$tree" DEB_BUILD_OPTIONS='nocheck noautodbgsym' \
	    PATH="/usr/lib/ccache:$PATH" dpkg-buildpackage -us -uc -b
	rm -r "$tree"
}

# package_manual RELEASE: the examples of moviesxmovies(7).
package_manual() {
	package_log "$1-more" package_inside "$1-manual" \
	    "$OUT/$1-full:$OUT/$1-fetched:$OUT/$1" "$OUT" \
	    'get install pgbackrest barman'
	package_try "$1" "$OUT" manual manual
}

# package_upgrade RELEASE: from the previous version.
package_upgrade() {
	package_log previous package_previous
	package_try "$1" "$OUT" full upgrade
}

# package_build_on RELEASE DEBS: builds the source package on it.
package_build_on() {
	package_bare "$1"
	package_log "$1-build" package_inside "$1-build" "$OUT/$1" "$OUT" \
	    'get install build-essential debhelper
	     mkdir /src
	     cd /src
	     dpkg-source -x /packages/*.dsc tree
	     cd tree
	     get build-dep ./
	     dpkg-buildpackage -us -uc -b'
	mkdir -p "$2"
	cp "$OUT/$1-build/src"/*.deb "$2"
	rm -r "$OUT/$1-build"
}

# The package built and tried on the next release.
package_next() {
	local release=$NEXT_RELEASE debs=$OUT/$NEXT_RELEASE-debs
	package_part "$release: building" package_build_on "$release" "$debs"
	[ "$STATUS" -eq 0 ] || return 0
	package_part "$release: more packages" package_log "$release-roots" \
	    package_roots "$release" "$debs"
	[ "$STATUS" -eq 0 ] || return 0
	package_part "$release: install" \
	    package_try "$release" "$debs" fetched install
	package_part "$release: upgrade" \
	    package_try "$release" "$debs" full upgrade
}

# package_by_hand RELEASE: the commands of HACKING and README, one by one.
# shellcheck disable=SC2016
package_by_hand() {
	local debs=$OUT/by-hand
	mkdir -p "$debs"
	package_copy "$debs/source"
	/usr/bin/python3 "$SRC/t/lib/recipe.py" >"$debs/commands"
	package_log "$1-hand" package_inside "$1-hand" "$OUT/$1" "$debs" \
	    'cd /packages/source
	     fetch install --no-install-recommends \
	         $(bash tools/packages.sh build demo) certbot'
	package_log "$1-by-hand" timeout 3600 "$SRC/debian/tests/chroot" \
	    "$OUT/$1-hand:$OUT/$1" "$debs" /packages/by-hand
}

# The units under systemd itself, on this machine's file system, in memory.
package_units() {
	local version
	version=$(package_version)
	"$SRC/t/systemd/boot" "$OUT/moviesxmovies-$version"
}

# Several hosts, as network namespaces of this one, with the programs of the package.
package_hosts() {
	local version
	version=$(package_version)
	unshare --net --mount --propagation private sh -c \
	    'ip link add mxm-test type bridge && mount -t tmpfs tmpfs /mnt' ||
	    package_untried "no namespaces can be made here"
	MXM_BUILD=$OUT/moviesxmovies-$version /usr/bin/python3 -B -m pytest -q \
	    -p no:cacheprovider "$SRC/t/hosts"
}

# package_chroots QUICK: what is done in chroots.
package_chroots() {
	local release name
	release=$(package_release)
	package_part "$release: making a chroot" package_bare "$release"
	[ "$STATUS" -eq 0 ] || return 0
	package_part "$release: more packages" package_log "$release-roots" \
	    package_roots "$release" "$OUT"
	[ "$STATUS" -eq 0 ] || return 0
	package_part "$release: install" \
	    package_try "$release" "$OUT" fetched install
	package_part "$release: upgrade from the previous version" \
	    package_upgrade "$release"
	[ -z "$1" ] || return 0
	for name in $("$SRC/debian/tests/traps"); do
		package_part "$release: traps $name" \
		    package_try "$release" "$OUT" full traps "$name"
	done
	package_part "$release: the examples of the manual" \
	    package_manual "$release"
	package_part "$release: by hand, as HACKING has it" \
	    package_by_hand "$release"
	[ "$release" = "$NEXT_RELEASE" ] || package_next
}

# promtool on the metrics and the example for Prometheus, without its service.
package_metrics() {
	local place=$OUT/prometheus version
	version=$(package_version)
	mkdir "$place"
	env -C "$place" apt-get download -qq prometheus ||
	    package_untried "promtool cannot be downloaded"
	dpkg-deb -x "$place"/prometheus_*.deb "$place"
	MXM_PROMTOOL=$place/usr/bin/promtool /usr/bin/python3 -B \
	    "$SRC/t/run_checks" --build "$OUT/moviesxmovies-$version" \
	    t/api/test_metrics.py
	rm -rf "$place"
}

package_sbom() {
	/usr/bin/python3 "$SRC/tools/sbom" "$OUT"/*.buildinfo \
	    >"$OUT/moviesxmovies_$(package_version).spdx.json"
}

# package_main [--quick]: without the second and third build, the traps, the manual,
# the installation by hand and the next release.
package_main() {
	local quick='' text
	[ "${1:-}" != --quick ] || {
		quick=1
		shift
	}
	[ $# -eq 0 ] || die 2 "unknown argument: $1"
	interrupts_end
	OUT=$BUILD/package
	UNFETCHED=77
	packages_install build demo test package
	rm -rf "$OUT"
	mkdir -p "$OUT"
	package_part "building the packages in $OUT" package_build
	package_part "lintian, blhc" package_lint
	package_part "checking the metrics with promtool" package_metrics
	if [ -z "$quick" ]; then
		package_part "building them again, elsewhere and later, to compare" \
		    package_log again package_again
		package_part "building them again from the .buildinfo, to compare" \
		    package_log rebuild package_rebuild
	fi
	package_part "writing the bill of materials" package_sbom
	if [ "$EUID" -eq 0 ]; then
		package_part "using the units under systemd" package_units
		package_part "several hosts, in network namespaces" package_hosts
		package_chroots "$quick"
	else
		UNTRIED+=("what needs root")
	fi
	for text in "${UNTRIED[@]}"; do
		step "not tried: $text"
	done
	ls -l "$OUT"/*.deb "$OUT"/*.spdx.json
}
