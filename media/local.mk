# SPDX-License-Identifier: GPL-3.0-or-later
# The default pictures, installed as $(pkgdatadir)/media: nginx serves them from
# there, and "mxmctl pictures" copies them to media_root.

nobase_dist_pkgdata_DATA += \
	media/awards/no-award.png \
	media/movies/covers/no-movie.png \
	media/person/default.png \
	media/users/default.png

EXTRA_DIST += media/draw.py
