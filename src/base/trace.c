/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * traceparent: version, trace id, span id and flags in lower-case hexadecimal
 * digits, "00-<32>-<16>-<2>". A later version may have more after a hyphen.
 */
#include "base/base.h"

#include "base/random.h"
#include "base/trace.h"

#define ID_AT    3
#define SPAN_AT  36
#define FLAGS_AT 53
#define LENGTH   55

#define SAMPLED 1

static const char digits[] = "0123456789abcdef";

/* Whether these are n digits, not all zero. */
static bool
is_id(const char *s, size_t n)
{
	return strspn(s, digits) >= n && strspn(s, "0") < n;
}

static int
digit(char c)
{
	return (int)(strchr(digits, c) - digits);
}

static bool
is_valid(const char *s)
{
	/* from left to right: a check ends at the NUL */
	if (strspn(s, digits) != 2 || strncmp(s, "ff", 2) == 0 || s[2] != '-' ||
	    strspn(s + ID_AT, digits) != 32 || s[SPAN_AT - 1] != '-' ||
	    strspn(s + SPAN_AT, digits) != 16 || s[FLAGS_AT - 1] != '-' ||
	    strspn(s + FLAGS_AT, digits) != 2)
		return false;
	if (s[LENGTH] && (strncmp(s, "00", 2) == 0 || s[LENGTH] != '-'))
		return false;
	return is_id(s + ID_AT, 32) && is_id(s + SPAN_AT, 16);
}

void
trace_begin(struct trace *t, const char *header, const char *id)
{
	memset(t, 0, sizeof *t);
	if (header && is_valid(header)) {
		t->given = true;
		t->sampled = digit(header[FLAGS_AT + 1]) & SAMPLED;
		memcpy(t->id, header + ID_AT, TRACE_ID_SIZE - 1);
		random_hex(t->span, (TRACE_SPAN_SIZE - 1) / 2);
	} else if (strlen(id) == TRACE_ID_SIZE - 1 &&
		   is_id(id, TRACE_ID_SIZE - 1)) {
		memcpy(t->id, id, TRACE_ID_SIZE);
	} else {
		random_hex(t->id, (TRACE_ID_SIZE - 1) / 2);
	}
}

void
trace_parent(const struct trace *t, char out[TRACE_PARENT_SIZE])
{
	assert(t->given);
	snprintf(out, TRACE_PARENT_SIZE, "00-%s-%s-%02d", t->id, t->span,
	    t->sampled ? SAMPLED : 0);
}
