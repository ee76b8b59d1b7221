# SPDX-License-Identifier: GPL-3.0-or-later
# The editor of the catalogue, installed as $(pkgdatadir)/admin: nginx serves it
# from there at /admin/ (nginx/mxm-admin.conf).

nobase_dist_pkgdata_DATA += \
	admin/api.js \
	admin/audit.js \
	admin/base.css \
	admin/dom.js \
	admin/fields.js \
	admin/form.js \
	admin/frame.js \
	admin/icon.svg \
	admin/index.html \
	admin/kinds.js \
	admin/links.js \
	admin/list.js \
	admin/main.js \
	admin/pictures.js \
	admin/queue.js \
	admin/relay.js \
	admin/share.js \
	admin/style.css \
	admin/texts.js
