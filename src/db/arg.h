/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Arguments of a statement, $1 first. Texts and arrays are not copied and must
 * live until the statement has run; numbers are stored in the argument itself.
 */
#ifndef DB_ARG_H
#define DB_ARG_H

#include "base/base.h"

/* Arguments of a statement at most. */
#define ARGS_MAX 32

enum arg_kind {
	ARG_END,
	ARG_NULL,
	ARG_NUMBER,
	ARG_TEXT,
	ARG_BYTES,
	ARG_TEXT_ARRAY,
	ARG_INT_ARRAY,
	ARG_DOUBLE_ARRAY
};

struct arg {
	enum arg_kind kind;
	const void *p;
	size_t n;
	char digits[32];
};

/* Terminates every list; NO_ARGS is an empty list. */
#define arg_end ((struct arg){ .kind = ARG_END })
#define NO_ARGS arg_end

static inline struct arg
arg_null(void)
{
	return (struct arg){ .kind = ARG_NULL };
}

static inline struct arg
arg_id(int64_t v)
{
	struct arg a = { .kind = ARG_NUMBER };

	snprintf(a.digits, sizeof a.digits, "%" PRId64, v);
	return a;
}

static inline struct arg
arg_int(int v)
{
	return arg_id(v);
}

static inline struct arg
arg_bool(bool v)
{
	return (struct arg){ .kind = ARG_TEXT, .p = v ? "t" : "f" };
}

/* 17 digits represent every double exactly. */
static inline struct arg
arg_double(double v)
{
	struct arg a = { .kind = ARG_NUMBER };

	snprintf(a.digits, sizeof a.digits, "%.17g", v);
	return a;
}

/* NULL is SQL's NULL. */
static inline struct arg
arg_text(const char *s)
{
	return (struct arg){ .kind = s ? ARG_TEXT : ARG_NULL, .p = s };
}

/* NULL is SQL's NULL; zero bytes are an empty bytea. */
static inline struct arg
arg_bytes(const void *p, size_t n)
{
	return (struct arg){ .kind = p ? ARG_BYTES : ARG_NULL, .p = p, .n = n };
}

/* A NULL element is SQL's NULL. */
static inline struct arg
arg_text_array(const char *const *v, size_t n)
{
	return (struct arg){ .kind = ARG_TEXT_ARRAY, .p = v, .n = n };
}

static inline struct arg
arg_int_array(const int64_t *v, size_t n)
{
	return (struct arg){ .kind = ARG_INT_ARRAY, .p = v, .n = n };
}

/* 17 digits each, as arg_double(). */
static inline struct arg
arg_double_array(const double *v, size_t n)
{
	return (struct arg){ .kind = ARG_DOUBLE_ARRAY, .p = v, .n = n };
}

#endif
