/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * FastCGI records of the start of a request (FastCGI specification 1.0,
 * sections 3, 4.1 and 5.1).
 */
#include "base/base.h"

#include <fastcgi.h>

#include "http/record.h"

#define HEADER sizeof(FCGI_Header)

struct head {
	unsigned type, id;
	size_t content, whole; /* whole: including header and padding */
};

/* State of a scan of name-value pairs across records. */
struct pairs {
	size_t skip;   /* bytes of name and value to skip */
	size_t total;  /* lengths read so far */
	size_t number; /* the one being read */
	int digits;    /* its remaining bytes */
	bool second;   /* it is the length of the value */
};

/* Reads a header; false if it is incomplete or invalid. */
static bool
read_head(const unsigned char *p, size_t n, struct head *out)
{
	if (n < HEADER)
		return false;
	out->type = p[1];
	out->id = (unsigned)(p[2] << 8 | p[3]);
	out->content = (size_t)(p[4] << 8 | p[5]);
	out->whole = HEADER + out->content + p[6];
	return true;
}

static void
end_number(struct pairs *at)
{
	at->total += at->number;
	if (at->second) {
		at->skip = at->total;
		at->total = 0;
	}
	at->second = !at->second;
}

/* Scans n more bytes of pairs. */
static void
follow(struct pairs *at, const unsigned char *p, size_t n)
{
	size_t i = 0, step;

	while (i < n) {
		if (at->skip > 0) {
			step = at->skip < n - i ? at->skip : n - i;
			at->skip -= step;
			i += step;
			continue;
		}
		if (at->digits > 0) {
			at->number = at->number << 8 | p[i++];
			at->digits--;
		} else {
			at->digits = p[i] & 0x80 ? 3 : 0;
			at->number = p[i++] & 0x7f;
		}
		if (at->digits == 0)
			end_number(at);
	}
}

static bool
is_complete(const struct pairs *at)
{
	return at->skip == 0 && at->digits == 0 && !at->second;
}

/* The records of the body, after the parameters. */
static enum record_verdict
look_at_body(const unsigned char *p, size_t n, unsigned id, size_t *size)
{
	struct head head;
	size_t done = 0;

	while (read_head(p + done, n - done, &head)) {
		if (p[done] != FCGI_VERSION_1 || head.type != FCGI_STDIN ||
		    head.id != id)
			return RECORD_BAD;
		if (n - done < head.whole)
			return RECORD_HEAD;
		done += head.whole;
		if (head.content == 0) {
			*size += done;
			return RECORD_READY;
		}
	}
	return RECORD_HEAD;
}

/* The parameter records after a valid first record, and the rest. */
static enum record_verdict
look_at_params(const unsigned char *p, size_t n, unsigned id, size_t *size)
{
	struct pairs at = { 0 };
	struct head head;
	size_t done = 0;

	while (read_head(p + done, n - done, &head)) {
		if (p[done] != FCGI_VERSION_1 || head.type != FCGI_PARAMS ||
		    head.id != id)
			return RECORD_BAD;
		if (n - done < head.whole)
			return RECORD_MORE;
		follow(&at, p + done + HEADER, head.content);
		done += head.whole;
		if (head.content == 0) {
			if (!is_complete(&at))
				return RECORD_BAD;
			*size += done;
			return look_at_body(p + done, n - done, id, size);
		}
	}
	return RECORD_MORE;
}

enum record_verdict
record_look(const unsigned char *p, size_t n, size_t *size)
{
	struct head head;

	*size = 0;
	if (n > 0 && p[0] != FCGI_VERSION_1)
		return RECORD_BAD;
	if (!read_head(p, n, &head))
		return RECORD_MORE;
	if (head.id == FCGI_NULL_REQUEST_ID) {
		*size = head.whole;
		return n < head.whole ? RECORD_MORE : RECORD_MANAGEMENT;
	}
	if (head.type != FCGI_BEGIN_REQUEST ||
	    head.content != sizeof(FCGI_BeginRequestBody))
		return RECORD_BAD;
	if (n < head.whole)
		return RECORD_MORE;
	if (p[HEADER] != 0 || p[HEADER + 1] != FCGI_RESPONDER)
		return RECORD_BAD;
	*size = head.whole;
	return look_at_params(p + head.whole, n - head.whole, head.id, size);
}

/* Whether `name` is among the requested names. */
static bool
asks_for(const unsigned char *p, size_t n, const char *name)
{
	size_t len = strlen(name), i;

	for (i = 0; i + 2 + len <= n; i += 2 + (size_t)p[i] + p[i + 1]) {
		if (p[i] & 0x80 || p[i + 1] & 0x80)
			return false;
		if (p[i] == len && memcmp(p + i + 2, name, len) == 0)
			return true;
	}
	return false;
}

static size_t
put_value(unsigned char *out, const char *name, const char *value)
{
	size_t name_len = strlen(name), value_len = strlen(value);

	out[0] = (unsigned char)name_len;
	out[1] = (unsigned char)value_len;
	memcpy(out + 2, name, name_len);
	memcpy(out + 2 + name_len, value, value_len);
	return 2 + name_len + value_len;
}

size_t
record_answer(
    const unsigned char *p, size_t n, unsigned char out[RECORD_ANSWER_SIZE])
{
	/* many connections with one request at a time each */
	static const struct {
		const char *name, *value;
	} values[] = {
		{ FCGI_MAX_CONNS, "1024" },
		{ FCGI_MAX_REQS, "1024" },
		{ FCGI_MPXS_CONNS, "0" },
	};
	struct head head = { 0 };
	size_t len = HEADER, i;
	bool whole = read_head(p, n, &head) && n >= HEADER + head.content;

	assert(whole);
	memset(out, 0, RECORD_ANSWER_SIZE);
	out[0] = FCGI_VERSION_1;
	if (head.type == FCGI_GET_VALUES) {
		out[1] = FCGI_GET_VALUES_RESULT;
		for (i = 0; i < array_len(values); i++) {
			if (asks_for(p + HEADER, head.content, values[i].name))
				len += put_value(
				    out + len, values[i].name, values[i].value);
		}
	} else {
		out[1] = FCGI_UNKNOWN_TYPE;
		out[HEADER] = (unsigned char)head.type;
		len += sizeof(FCGI_UnknownTypeBody);
	}
	out[5] = (unsigned char)(len - HEADER);
	return len;
}
