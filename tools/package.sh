# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# ./run package: builds the Debian packages of the tree in build/package, checks
# them (lintian, blhc), and installs and uses them in a chroot of this release.

PACKAGES_package=(
	dbus debhelper dh-apparmor dpkg-dev lintian blhc mmdebstrap po-debconf build-essential
	haproxy iproute2
)

package_version() {
	sed -n '1s/^moviesxmovies (\(.*\)-[^-]*).*/\1/p' "$SRC/debian/changelog"
}

# A copy of the files under version control; the tree stays as it is.
package_copy() {
	local to=$1
	git -C "$SRC" ls-files -z --cached --others --exclude-standard |
	    tar -C "$SRC" --null --files-from - --ignore-failed-read -cf - |
	    tar -C "$to" -xf -
}

package_build() {
	local version
	version=$(package_version)
	rm -rf "$OUT"
	mkdir -p "$OUT/moviesxmovies-$version"
	package_copy "$OUT/moviesxmovies-$version"
	tar -C "$OUT" --exclude=debian --sort=name -cJf \
	    "$OUT/moviesxmovies_$version.orig.tar.xz" "moviesxmovies-$version"
	(cd "$OUT/moviesxmovies-$version" &&
	    dpkg-buildpackage -us -uc) >"$OUT/build.log" 2>&1 || {
		tail -20 "$OUT/build.log"
		die 1 "the package was not built" "see above" "$OUT/build.log"
	}
}

# lintian does not want to be root.
package_lint() {
	local as=()
	[ "$EUID" -ne 0 ] || as=(setpriv --reuid nobody --clear-groups)
	"${as[@]}" lintian --pedantic --fail-on error,warning,info,pedantic \
	    --tag-display-limit 0 "$OUT"/*.changes ||
	    die 1 "lintian has findings" "see above" "mend or override them"
	blhc "$OUT/build.log" ||
	    die 1 "blhc has findings" "see above" "mend the compiler flags"
}

# A chroot of the release of this machine.
package_try() {
	local place=$OUT/root release
	release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	rm -rf "$place"
	mmdebstrap --quiet --variant=minbase \
	    --include=systemd,postgresql,apt-utils,curl,ca-certificates \
	    "$release" "$place"
	mkdir "$place/packages"
	cp "$OUT"/*.deb "$SRC/debian/tests/http" "$place/packages"
	unshare --mount --pid --fork --kill-child \
	    "$SRC/debian/tests/chroot" "$place"
	rm -rf "$place"
}

# The units under systemd itself, on this machine's file system, in memory.
package_units() {
	local status=0 version
	version=$(package_version)
	packages_install demo test
	"$SRC/t/systemd/boot" "$OUT/moviesxmovies-$version" || status=$?
	case $status in
	0) ;;
	77) step "systemd cannot run here: the units were not tested with it" ;;
	*) die 1 "the units do not work" "see above" "mend them" ;;
	esac
}

# Several hosts, as network namespaces of this one, with the programs of the package.
package_hosts() {
	local version
	version=$(package_version)
	MXM_BUILD=$OUT/moviesxmovies-$version python3 -B -m pytest -q \
	    -p no:cacheprovider "$SRC/t/hosts" ||
	    die 1 "several hosts do not work together" "see above" "mend them"
}

# promtool on the metrics and the example for Prometheus, without its service.
package_metrics() {
	local place=$OUT/prometheus version
	version=$(package_version)
	packages_install demo test
	mkdir "$place"
	(cd "$place" && apt-get download -qq prometheus &&
	    dpkg-deb -x prometheus_*.deb .)
	MXM_PROMTOOL=$place/usr/bin/promtool python3 -B "$SRC/t/run_checks" \
	    --build "$OUT/moviesxmovies-$version" t/api/test_metrics.py ||
	    die 1 "the metrics are not accepted" "see above" "mend them"
	rm -rf "$place"
}

package_main() {
	OUT=$BUILD/package
	packages_install build package
	step "building the packages in $OUT"
	package_build
	step "lintian, blhc"
	package_lint
	step "checking the metrics with promtool"
	package_metrics
	if [ "$EUID" -eq 0 ]; then
		step "installing, using and purging them in a chroot"
		package_try
		step "using the units under systemd"
		package_units
		step "several hosts, in network namespaces"
		package_hosts
	else
		step "not root: the packages were not installed in a chroot"
	fi
	ls -l "$OUT"/*.deb
}
