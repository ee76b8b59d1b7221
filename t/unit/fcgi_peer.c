/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * FastCGI from the other side.
 */
#include "base/base.h"

#include <unistd.h>

#include "fcgi_peer.h"

#define BODY_PART 32768

void
peer_record(
    struct buf *out, unsigned type, unsigned id, const void *p, size_t n)
{
	size_t padding = (8 - n % 8) % 8;
	const unsigned char head[8] = { 1, (unsigned char)type,
		(unsigned char)(id >> 8), (unsigned char)id,
		(unsigned char)(n >> 8), (unsigned char)n,
		(unsigned char)padding, 0 };

	buf_add(out, head, sizeof head);
	buf_add(out, p, n);
	buf_add(out, "\0\0\0\0\0\0\0", padding);
}

void
peer_begin(struct buf *out, unsigned id, bool keep)
{
	const unsigned char body[8] = { 0, 1, keep };

	peer_record(out, 1, id, body, sizeof body);
}

void
peer_param(struct buf *out, unsigned id, const char *name, const char *value)
{
	struct buf pair;

	buf_init(&pair, NULL, 64);
	assert(strlen(name) < 128 && strlen(value) < 128);
	buf_putc(&pair, (char)strlen(name));
	buf_putc(&pair, (char)strlen(value));
	buf_puts(&pair, name);
	buf_puts(&pair, value);
	peer_record(out, 4, id, pair.data, pair.len);
	talloc_free(pair.data);
}

void
peer_request(struct buf *out, bool keep, const char *method, const char *uri,
    const char *body, size_t n)
{
	char length[24];

	snprintf(length, sizeof length, "%zu", n);
	peer_begin(out, 1, keep);
	peer_param(out, 1, "REQUEST_METHOD", method);
	peer_param(out, 1, "REQUEST_URI", uri);
	peer_param(out, 1, "CONTENT_LENGTH", n > 0 ? length : "");
	peer_record(out, 4, 1, "", 0);
	while (n > 0) {
		size_t part = n < BODY_PART ? n : BODY_PART;

		peer_record(out, 5, 1, body, part);
		body += part;
		n -= part;
	}
	peer_record(out, 5, 1, "", 0);
}

static bool
read_all(int fd, void *p, size_t n)
{
	char *to = p;

	while (n > 0) {
		ssize_t got = read(fd, to, n);

		if (got <= 0)
			return false;
		to += got;
		n -= (size_t)got;
	}
	return true;
}

bool
peer_answer(int fd, struct buf *out)
{
	unsigned char head[8];
	static char content[65535 + 255];
	size_t n;

	while (read_all(fd, head, sizeof head)) {
		n = (size_t)(head[4] << 8 | head[5]);
		if (!read_all(fd, content, n + head[6]))
			return false;
		if (head[1] == 6)
			buf_add(out, content, n);
		else if (head[1] == 3)
			return true;
		else
			return false;
	}
	return false;
}
