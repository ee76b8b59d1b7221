/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Addresses. The origin is a setting and never what a client wrote into Host.
 */
#include "base/base.h"

#include "base/conf.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/url.h"

char *
url_media(struct req *r, const char *path)
{
	struct buf out;
	size_t n;

	buf_init(&out, r->mem, strlen(path) + 128);
	buf_puts(&out, r->conf->public_origin);
	buf_puts(&out, "/media");
	for (;;) {
		n = strcspn(path, "/");
		buf_putc(&out, '/');
		buf_puts(
		    &out, text_url_encode(r->mem, mem_textn(r->mem, path, n)));
		if (path[n] == '\0')
			return out.data;
		path += n + 1;
	}
}

char *
url_api(struct req *r, const char *kind, const char *segment)
{
	return mem_printf(r->mem, "%s/api/%s/%s/", r->conf->public_origin, kind,
	    text_url_encode(r->mem, segment));
}
