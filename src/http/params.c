/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Percent decoding and pairs. Values that do not decode to valid UTF-8 without
 * NUL are not passed on.
 */
#include "base/base.h"

#include "base/mem.h"
#include "base/text.h"
#include "http/params.h"

/* Value of a hexadecimal digit, -1 for any other byte. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes into `out`, which has room for n bytes; -1 if it is invalid. */
static ssize_t
decode_bytes(char *out, const char *s, size_t n, bool plus)
{
	size_t i, len = 0;
	int high, low;

	for (i = 0; i < n; i++) {
		if (s[i] == '+' && plus) {
			out[len++] = ' ';
			continue;
		}
		if (s[i] != '%') {
			out[len++] = s[i];
			continue;
		}
		if (n - i < 3)
			return -1;
		high = hex_digit(s[i + 1]);
		low = hex_digit(s[i + 2]);
		if (high < 0 || low < 0)
			return -1;
		out[len++] = (char)(high * 16 + low);
		i += 2;
	}
	return (ssize_t)len;
}

char *
params_decode(TALLOC_CTX *mem, const char *s, size_t n, bool plus)
{
	char *out = mem_need(talloc_size(mem, n + 1));
	ssize_t len = decode_bytes(out, s, n, plus);

	if (len < 0 || !text_is_utf8(out, (size_t)len)) {
		talloc_free(out);
		return NULL;
	}
	out[len] = '\0';
	return out;
}

static void
add_pair(TALLOC_CTX *mem, const char *s, size_t n, struct params *out)
{
	const char *equals = memchr(s, '=', n);
	size_t name_len = equals ? (size_t)(equals - s) : n;
	char *name, *value;

	if (out->n == PARAMS_MAX) {
		out->bad = true;
		return;
	}
	name = params_decode(mem, s, name_len, true);
	value = equals ?
		    params_decode(mem, equals + 1, n - name_len - 1, true) :
		    mem_text(mem, "");
	if (!name || !value) {
		out->bad = true;
		return;
	}
	out->list[out->n].name = name;
	out->list[out->n].value = value;
	out->n++;
}

void
params_parse(TALLOC_CTX *mem, const char *raw, size_t n, struct params *out)
{
	const char *s = raw, *end = raw + n;
	size_t pairs = 1;

	out->n = 0;
	out->bad = false;
	for (; s < end; s++)
		pairs += *s == '&';
	out->list = mem_array(
	    mem, struct param, pairs < PARAMS_MAX ? pairs : PARAMS_MAX);
	for (s = raw; s < end;) {
		const char *amp = memchr(s, '&', (size_t)(end - s));
		const char *stop = amp ? amp : end;

		if (stop > s)
			add_pair(mem, s, (size_t)(stop - s), out);
		s = stop + 1;
	}
}
