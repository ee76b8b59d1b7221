# SPDX-License-Identifier: GPL-3.0-or-later
# Manual pages.
dist_man_MANS += man/mxmd.8 man/mxm-image.8 man/mxm-jobs.8 man/mxmctl.8 man/mxm.conf.5 \
	man/mxm-metrics.5 man/moviesxmovies.7
EXTRA_DIST += man/mxm.conf.5.in man/settings.awk man/mxm-metrics.5.in \
	man/metrics.awk
