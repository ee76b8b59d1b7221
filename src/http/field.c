/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Declared input: reads values from their sources, checks their types and
 * limits, and adds errors.
 */
#include "base/base.h"

#include <math.h>

#include "base/conf.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/body.h"
#include "http/field.h"
#include "http/params.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/source.h"

#define PAGE_MAX  1000000000
#define LIMIT_MAX 100
#define LIMIT_DEF 10

#define FIELD_LIST_MAX_TEXT "50"
_Static_assert(
    FIELD_LIST_MAX == 50, "FIELD_LIST_MAX_TEXT differs from FIELD_LIST_MAX");

/* Maximum length of an invalid value in an error message (code points). */
#define ECHO_MAX 100

/* Factor of the maximum length that is checked before a conversion. */
#define ROUGHLY 4

/* Doubles up to here are exact as integers. */
#define EXACT_MAX 9007199254740992.0

const struct field no_input[] = { { 0 } };

/* A field whose value is being read. */
struct filling {
	struct req *r;
	const struct field *f;
	struct field_value *out;
};

/* A text for a message: truncated, or "…" if it is not UTF-8. */
static const char *
truncated(struct req *r, const char *text)
{
	const char *s;
	size_t points = 0;

	if (!text_is_utf8(text, strlen(text)))
		return "…";
	for (s = text; *s; s++) {
		points += ((unsigned char)*s & 0xc0) != 0x80;
		if (points > ECHO_MAX)
			return mem_printf(
			    r->mem, "%.*s…", (int)(s - text), text);
	}
	return text;
}

/* A value for a message; "…" for a secret. */
static const char *
echo_of(const struct filling *x, const struct raw *raw)
{
	if (x->f->flags & SECRET)
		return "…";
	switch (raw->kind) {
	case RAW_INT:
		return mem_printf(x->r->mem, "%" PRId64, raw->number);
	case RAW_BOOL:
		return raw->number ? "true" : "false";
	case RAW_LIST:
		return "[…]";
	case RAW_OTHER:
		return "{…}";
	case RAW_TEXT:
	case RAW_DOUBLE:
		return truncated(x->r, raw->text);
	default:
		return "…";
	}
}

static void
add_field_error(
    const struct filling *x, enum msg msg, const char *arg0, const char *arg1)
{
	add_error(x->r, ERR_INVALID, x->f->name, msg,
	    (const char *const[3]){ arg0, arg1 });
}

/*
 * A wrong type or a value out of range. A message of the field itself is an
 * error of the whole request in styles with a single text.
 */
static void
add_value_error(const struct filling *x, const struct raw *raw, enum msg msg)
{
	enum style style = x->r->route->style;
	const char *echo = echo_of(x, raw);

	if (x->f->invalid_msg == MSG_NONE)
		add_field_error(x, msg, echo, NULL);
	else if (style == STYLE_ERROR || style == STYLE_STATUS)
		add_error(x->r, ERR_INVALID, NULL, x->f->invalid_msg,
		    (const char *const[3]){ echo });
	else
		add_field_error(x, x->f->invalid_msg, echo, NULL);
}

static void
add_bound_error(const struct filling *x, enum msg msg, int64_t bound)
{
	const char *text = mem_printf(x->r->mem, "%" PRId64, bound);
	struct raw raw = { .kind = RAW_TEXT, .text = text };

	if (x->f->invalid_msg == MSG_NONE)
		add_field_error(x, msg, text, NULL);
	else
		add_value_error(x, &raw, msg);
}

/* ASCII digits only; saturates at INT64_MAX. */
static bool
read_digits(const char *s, int64_t *out)
{
	const char *p;

	if (!*s)
		return false;
	*out = 0;
	for (p = s; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		if (*out > (INT64_MAX - 9) / 10)
			*out = INT64_MAX;
		else
			*out = *out * 10 + (*p - '0');
	}
	return true;
}

static void
fill_page(const struct filling *x, const struct raw *raw)
{
	int64_t n;

	x->out->number = x->f->def > 0 ? x->f->def : 1;
	if (raw->kind != RAW_TEXT || !read_digits(raw->text, &n))
		return;
	/* page 0 means the last page, like any page past the end */
	x->out->number = n < 1 || n > PAGE_MAX ? PAGE_MAX : n;
	x->out->given = true;
}

static void
fill_limit(const struct filling *x, const struct raw *raw)
{
	int64_t n;

	x->out->number = x->f->def > 0 ? x->f->def : LIMIT_DEF;
	if (raw->kind != RAW_TEXT || !read_digits(raw->text, &n) || n < 1)
		return;
	x->out->number = n > LIMIT_MAX ? LIMIT_MAX : n;
	x->out->given = true;
}

static void
fill_cursor(const struct filling *x, const struct raw *raw)
{
	int64_t n;

	if (raw->kind != RAW_TEXT || !read_digits(raw->text, &n) || n < 1)
		return;
	x->out->number = n;
	x->out->given = true;
}

/* Whether a text has more than `most` code points; adds an error if so. */
static bool
is_too_long(const struct filling *x, const struct raw *raw, const char *text,
    size_t most)
{
	size_t length = text_length(text);

	if (length <= most)
		return false;
	if (x->f->flags & LENIENT)
		return true;
	if (x->f->invalid_msg != MSG_NONE)
		add_value_error(x, raw, x->f->invalid_msg);
	else
		add_field_error(x, MSG_FIELD_LENGTH,
		    mem_printf(x->r->mem, "%zu", x->f->max_length),
		    mem_printf(x->r->mem, "%zu", length));
	return true;
}

static bool
is_blank(const struct field *f, const char *text)
{
	return f->type == T_PROSE ? text_is_invisible(text) :
				    text_is_blank(text);
}

/* Whether the content of a text is invalid; adds an error if so. */
static bool
is_invalid_text(const struct filling *x, const struct raw *raw)
{
	if ((x->f->flags & NOT_BLANK) && is_blank(x->f, raw->text)) {
		add_field_error(x,
		    x->r->route->style == STYLE_FRAMEWORK ?
			MSG_FIELD_MAY_NOT_BLANK :
			MSG_FIELD_BLANK,
		    NULL, NULL);
		return true;
	}
	if ((x->f->flags & DIGITS_ONLY) &&
	    strspn(raw->text, "0123456789") != strlen(raw->text)) {
		add_value_error(x, raw, MSG_FIELD_INTEGER);
		return true;
	}
	return false;
}

/*
 * NULL if it is not text or invalid; adds an error then. A multiple of the
 * maximum length is checked first, because the conversions cost more than
 * counting; the exact length is checked after them.
 */
static const char *
take_text(const struct filling *x, const struct raw *raw)
{
	const char *text = raw->text;
	size_t most = x->f->max_length;
	bool changed =
	    x->f->type == T_PROSE || x->f->flags & (NORMALIZED | TRIMMED);
	bool later = x->f->flags & MEASURED_LATER;

	assert(x->f->max_length > 0);
	if (raw->kind != RAW_TEXT && (x->f->flags & LENIENT))
		return NULL;
	if (raw->kind != RAW_TEXT) {
		add_value_error(x, raw,
		    raw->kind == RAW_BAD ? MSG_FIELD_BAD_TEXT : MSG_FIELD_TEXT);
		return NULL;
	}
	if (changed || later)
		most *= ROUGHLY;
	if (is_too_long(x, raw, text, most) || is_invalid_text(x, raw))
		return NULL;
	if (!changed)
		return text;
	if (x->f->type == T_PROSE)
		text = text_markup_undo(x->r->mem, text);
	if (x->f->flags & NORMALIZED)
		text = text_nfkc(x->r->mem, text);
	if (x->f->flags & TRIMMED)
		text = text_trim(x->r->mem, text);
	if (!later && is_too_long(x, raw, text, x->f->max_length))
		return NULL;
	return text;
}

/* An integer or an integer string; fractions and booleans are errors. */
static bool
take_int(const struct filling *x, const struct raw *raw, int64_t *out)
{
	bool good = false;

	if (raw->kind == RAW_INT) {
		*out = raw->number;
		good = true;
	} else if (raw->kind == RAW_DOUBLE) {
		good = fabs(raw->fraction) <= EXACT_MAX &&
		       trunc(raw->fraction) == raw->fraction;
		if (good)
			*out = (int64_t)raw->fraction;
	} else if (raw->kind == RAW_TEXT) {
		good = text_to_int64(raw->text, out);
	}
	if (!good) {
		add_value_error(x, raw, MSG_FIELD_INTEGER);
		return false;
	}
	if (x->f->max <= x->f->min)
		return true;
	if (*out < x->f->min)
		add_bound_error(x, MSG_FIELD_MIN, x->f->min);
	else if (*out > x->f->max)
		add_bound_error(x, MSG_FIELD_MAX, x->f->max);
	else
		return true;
	return false;
}

/* A decimal number; not what else strtod() accepts: hexadecimal, nan, inf. */
static void
fill_number(const struct filling *x, const struct raw *raw)
{
	const char *s = raw->kind == RAW_TEXT ? raw->text : "";
	double value;
	char *end;

	value = strtod(s, &end);
	if (!*s || *end || s[strspn(s, "0123456789+-.eE")] != '\0' ||
	    !isfinite(value))
		add_value_error(x, raw, MSG_FIELD_NUMBER);
	else if (value < (double)x->f->min)
		add_bound_error(x, MSG_FIELD_MIN, x->f->min);
	else if (value > (double)x->f->max)
		add_bound_error(x, MSG_FIELD_MAX, x->f->max);
	else
		x->out->given = true;
	if (x->out->given)
		x->out->fraction = value + 0.0; /* -0 becomes 0 */
}

static void
fill_bool(const struct filling *x, const struct raw *raw)
{
	bool text = raw->kind == RAW_TEXT, yes;

	if (text && !*raw->text && (x->f->flags & NULLABLE))
		return; /* of a form that sends all its fields */
	yes = text ? strcmp(raw->text, "true") == 0 : raw->number != 0;
	if (x->f->from != FROM_QUERY && raw->kind != RAW_BOOL &&
	    !(text && (yes || strcmp(raw->text, "false") == 0))) {
		add_value_error(x, raw, MSG_FIELD_BOOLEAN);
		return;
	}
	x->out->number = yes;
	x->out->given = true;
}

static void
fill_choice(const struct filling *x, const struct raw *raw)
{
	const char *choice = x->f->choices;
	size_t n, len;

	if (raw->kind == RAW_TEXT) {
		n = strlen(raw->text);
		for (; *choice; choice += len + (choice[len] == ',')) {
			len = strcspn(choice, ",");
			if (len == n && memcmp(choice, raw->text, n) == 0) {
				x->out->text = raw->text;
				x->out->given = true;
				return;
			}
		}
	}
	add_value_error(x, raw, MSG_FIELD_CHOICE);
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts n texts and keeps each once; returns how many remain. */
static size_t
sort_texts(const char **texts, size_t n)
{
	size_t kept = 0;

	qsort(texts, n, sizeof *texts, compare_texts);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || strcmp(texts[kept - 1], texts[i]) != 0)
			texts[kept++] = texts[i];
	}
	return kept;
}

static void
fill_list(const struct filling *x, const struct source *s)
{
	struct field_value *v = x->out;
	struct raw *list;
	size_t n = source_all(x->r, s, x->f, &list), i;

	if (n > FIELD_LIST_MAX) {
		add_field_error(x, MSG_FIELD_ITEMS, FIELD_LIST_MAX_TEXT,
		    mem_printf(x->r->mem, "%zu", n));
		return;
	}
	if (x->f->type == T_LIST)
		v->texts = mem_array(x->r->mem, const char *, n + 1);
	else
		v->numbers = mem_array(x->r->mem, int64_t, n + 1);
	for (i = 0; i < n; i++) {
		if (x->f->type == T_LIST) {
			v->texts[i] = take_text(x, &list[i]);
			if (!v->texts[i])
				return;
		} else if (!take_int(x, &list[i], &v->numbers[i])) {
			return;
		}
	}
	if (x->f->flags & UNORDERED)
		n = sort_texts(v->texts, n);
	v->count = n;
	v->given = n > 0 || (s->body && s->body->json);
}

static void
fill_file(const struct filling *x, const struct raw *raw)
{
	if (raw->kind == RAW_TEXT && raw->text[0] == '\0')
		return;
	if (raw->kind == RAW_FILE) {
		x->out->file = raw->file;
		x->out->given = true;
		return;
	}
	if (raw->kind == RAW_TEXT && (x->f->flags & OR_TEXT)) {
		x->out->text = raw->text;
		return;
	}
	if (x->f->flags & HISTORY)
		add_field_error(x, MSG_HISTORY_FILE,
		    msg_size(x->r->mem, x->r->lang, x->r->conf->import_limit),
		    NULL);
	else
		add_field_error(x, MSG_PICTURE_INVALID,
		    msg_size(x->r->mem, x->r->lang, x->r->conf->upload_limit),
		    NULL);
}

/* A scalar that is present and not null. */
static void
fill_value(const struct filling *x, const struct raw *raw)
{
	switch (x->f->type) {
	case T_TEXT:
	case T_PROSE:
		x->out->text = take_text(x, raw);
		x->out->given = x->out->text != NULL;
		break;
	case T_INT:
		x->out->given = take_int(x, raw, &x->out->number);
		break;
	case T_NUMBER:
		fill_number(x, raw);
		break;
	case T_BOOL:
		fill_bool(x, raw);
		break;
	case T_CHOICE:
		fill_choice(x, raw);
		break;
	case T_FILE:
		fill_file(x, raw);
		break;
	default:
		assert(!"not a scalar field type");
	}
}

static void
fill_null(const struct filling *x)
{
	x->out->is_null = true;
	if (x->f->flags & NULLABLE)
		return;
	add_field_error(x,
	    x->r->route->style == STYLE_FRAMEWORK ? MSG_FIELD_MAY_NOT_NULL :
						    MSG_FIELD_NULL,
	    NULL, NULL);
}

/* A query has it from a form with an empty field. */
static bool
is_unset_number(
    const struct field *f, const struct source *s, const struct raw *raw)
{
	return s->query && (f->type == T_INT || f->type == T_NUMBER) &&
	       raw->kind == RAW_TEXT && raw->text[0] == '\0';
}

static void
fill(const struct filling *x, const struct source *s)
{
	struct raw raw = source_last(s, x->f);

	switch (x->f->type) {
	case T_PAGE:
		fill_page(x, &raw);
		return;
	case T_LIMIT:
		fill_limit(x, &raw);
		return;
	case T_CURSOR:
		fill_cursor(x, &raw);
		return;
	default:
		break;
	}
	if (raw.kind == RAW_ABSENT ||
	    (raw.kind == RAW_NULL && x->f->type == T_FILE) ||
	    is_unset_number(x->f, s, &raw))
		return;
	if (raw.kind == RAW_NULL)
		fill_null(x);
	else if (x->f->type == T_LIST || x->f->type == T_INTS)
		fill_list(x, s);
	else
		fill_value(x, &raw);
}

static bool
is_from(const struct req *r, const struct field *f, bool query)
{
	if (query)
		return f->from == FROM_QUERY;
	return f->from == FROM_BODY || f->from == FROM_FILE ||
	       ((f->flags & OR_BODY) && !r->values[f - r->route->input].given);
}

/* Whether a required value is missing by the rules of the style. */
static bool
is_missing(const struct req *r, const struct source *s, const struct field *f)
{
	struct raw raw;

	if (!(f->flags & REQUIRED) || (s->query && f->flags & OR_BODY))
		return false;
	raw = source_last(s, f);
	if (raw.kind == RAW_ABSENT)
		return true;
	return r->route->style == STYLE_FORM &&
	       (raw.kind == RAW_NULL ||
		   (raw.kind == RAW_TEXT && (f->flags & NOT_BLANK) &&
		       text_is_blank(raw.text)));
}

/*
 * Adds errors for missing keys: STYLE_FRAMEWORK for each, STYLE_FORM for the
 * first, the other styles one for the request. true: no further errors are
 * added.
 */
static bool
report_missing(struct req *r, const struct source *s)
{
	const struct field *f;
	enum style style = r->route->style;
	enum msg msg;

	for (f = r->route->input; f->from != FROM_NONE; f++) {
		if (!is_from(r, f, s->query != NULL) || !is_missing(r, s, f))
			continue;
		if (style == STYLE_FRAMEWORK)
			msg = MSG_FIELD_REQUIRED;
		else if (style == STYLE_FORM)
			msg = MSG_FIELD_IS_REQUIRED;
		else
			msg = MSG_MISSING_FIELDS;
		if (f->required_msg != MSG_NONE)
			msg = f->required_msg;
		add_error_label(r, ERR_INVALID,
		    style == STYLE_FRAMEWORK || style == STYLE_FORM ? f->name :
								      NULL,
		    msg, f->name);
		if (style != STYLE_FRAMEWORK)
			return true;
	}
	return false;
}

/* Fills the fields of the source and adds errors. */
static enum err
fill_all(struct req *r, const struct source *s)
{
	const struct field *f = r->route->input;
	bool query = s->query != NULL;
	int before = r->problem ? r->problem->n : 0;

	if (!report_missing(r, s)) {
		for (; f->from != FROM_NONE; f++) {
			struct filling x = { r, f,
				&r->values[f - r->route->input] };

			if (is_from(r, f, query))
				fill(&x, s);
		}
	}
	return r->problem && r->problem->n > before ? ERR_INVALID : ERR_OK;
}

static size_t
count_fields(const struct field *f)
{
	size_t n = 0;

	while (f[n].from != FROM_NONE)
		n++;
	return n;
}

enum err
field_read_query(struct req *r)
{
	struct params query;
	struct source source = { .query = &query };

	r->values = mem_array(
	    r->mem, struct field_value, count_fields(r->route->input) + 1);
	params_parse(r->mem, r->query, strlen(r->query), &query);
	if (query.bad)
		return fail(r, ERR_INVALID, NULL, MSG_QUERY_BAD);
	return fill_all(r, &source);
}

/* The input of a route that is in the body. */
struct body_input {
	bool body, required, forms, files, history;
};

static struct body_input
body_input_of(const struct req *r)
{
	enum style style = r->route->style;
	struct body_input w = { .forms = style == STYLE_FORM ||
					 style == STYLE_FRAMEWORK };
	const struct field *f;

	for (f = r->route->input; f->from != FROM_NONE; f++) {
		if (!is_from(r, f, false))
			continue;
		w.body = true;
		w.required |= (f->flags & (REQUIRED | OR_BODY)) == REQUIRED;
		w.files |= f->from == FROM_FILE;
		w.history |= (f->flags & HISTORY) != 0;
	}
	w.forms |= w.files;
	return w;
}

static enum err
fail_large(struct req *r, size_t limit)
{
	return fail_with(r, ERR_TOO_LARGE, NULL, MSG_TOO_LARGE,
	    (const char *const[3]){ msg_size(r->mem, r->lang, limit) });
}

/*
 * The error of a body that cannot be parsed. If its message is fixed by the
 * contract, `detail` is the reason and the position.
 */
static enum err
fail_body(struct req *r, enum err e, const struct body *body, bool forms)
{
	const char *args[3] = { body_fault(r, body) };
	enum msg msg = MSG_INVALID_JSON;

	if (e == ERR_MEDIA_TYPE) {
		msg = MSG_MEDIA_TYPE;
		args[0] = truncated(r, r->content_type);
	} else if (body->kind == BODY_MULTIPART) {
		msg = MSG_MULTIPART_PARSE;
	} else if (body->kind == BODY_FORM) {
		msg = MSG_FORM_PARSE;
	} else if (forms) {
		msg = MSG_JSON_PARSE;
	}
	e = fail_with(r, e, NULL, msg, args);
	if (msg == MSG_INVALID_JSON)
		r->problem->reason =
		    msg_format(r->mem, r->lang, MSG_JSON_PARSE, args);
	return e;
}

/* The body of a route whose only field is a document. */
static enum err
read_document(struct req *r)
{
	struct body body;
	enum err e;

	e = body_document(r, &body);
	if (e)
		return fail_body(r, e, &body, false);
	r->values->given = true;
	r->values->text = r->body;
	r->values->document = body.json;
	return ERR_OK;
}

enum err
field_read_body(struct req *r)
{
	struct body_input w = body_input_of(r);
	bool upload = w.files && body_kind_of(r) == BODY_MULTIPART;
	bool document = r->route->input->type == T_DOCUMENT;
	size_t limit = document ? r->conf->document_limit : r->conf->body_limit;
	struct body body = { .kind = BODY_EMPTY };
	struct source source = { .body = &body };
	enum err e = ERR_OK;

	assert(r->values);
	if (upload)
		limit =
		    w.history ? r->conf->import_limit : r->conf->upload_limit;
	if (r->body_too_large)
		return fail_large(r, limit);
	if (document && r->body_len <= limit)
		return read_document(r);
	if (!w.body)
		return ERR_OK;
	if (r->body_len > limit + (upload ? FORM_SPARE : 0))
		return fail_large(r, limit);
	if (w.forms)
		e = body_any(r, &body);
	else if (r->body_len > 0 || w.required)
		e = body_json(r, &body);
	if (e)
		return fail_body(r, e, &body, w.forms);
	return fill_all(r, &source);
}

const struct field_value *
input_of(const struct req *r, const char *name)
{
	const struct field *f;

	for (f = r->route->input; f->from != FROM_NONE; f++) {
		if (strcmp(f->name, name) == 0)
			return &r->values[f - r->route->input];
	}
	assert(!"an input that the route does not declare");
	return NULL;
}

const char *
input_text(const struct req *r, const char *name)
{
	return input_of(r, name)->text;
}

int64_t
input_int(const struct req *r, const char *name)
{
	return input_of(r, name)->number;
}

bool
input_bool(const struct req *r, const char *name)
{
	return input_of(r, name)->number != 0;
}

bool
input_given(const struct req *r, const char *name)
{
	return input_of(r, name)->given;
}

const char *
input_member(const struct req *r, const char *name, const char *key)
{
	return body_member(input_of(r, name)->document, key);
}

/* Prefixed with its length, so that different lists have different digests. */
static void
digest_text(struct buf *out, const char *s)
{
	buf_printf(out, "%zu:%s,", strlen(s), s);
}

void
field_digest_text(const struct req *r, struct buf *out)
{
	const struct field *f = r->route->input;
	const struct field_value *v = r->values;
	size_t i;

	for (; f->from != FROM_NONE; f++, v++) {
		if (f->from != FROM_QUERY)
			continue;
		buf_printf(out, "%s=", f->name);
		if (v->text)
			digest_text(out, v->text);
		else if (f->type == T_NUMBER && v->given)
			buf_printf(out, "%.17g", v->fraction);
		else if (v->given || v->number)
			buf_printf(out, "%" PRId64, v->number);
		for (i = 0; i < v->count; i++) {
			if (v->texts)
				digest_text(out, v->texts[i]);
			else
				buf_printf(out, "%" PRId64 ",", v->numbers[i]);
		}
		buf_putc(out, ';');
	}
}
