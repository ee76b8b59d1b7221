/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lookup in the route table. Rows with the same path are one entry of an index,
 * sorted so that the first match has priority; it is built at the first lookup.
 */
#include "base/base.h"

#include "base/mem.h"
#include "base/text.h"
#include "http/route.h"

#define SEGMENTS_MAX 10

struct segment {
	const char *s; /* of a parameter: without the braces */
	size_t len;
	bool param;
};

struct pattern {
	int n;
	struct segment segment[SEGMENTS_MAX];
	const struct route *by_method[METHOD_OTHER];
	unsigned allowed;
};

/*
 * The parameters of paths. TEXT: any text; NUMBER: decimal digits; RESERVING: a
 * text that cannot be a literal of the table in its position, because it is
 * chosen by users or made from a title (route_is_reserved()). `model` of the
 * 404 body, or the message of a 404 without a model. Sorted by name; t/lint
 * compares the names with routes.def.
 */
static const struct param {
	const char *name;
	enum { TEXT, NUMBER, RESERVING } type;
	const char *model;
	enum msg missing;
} params[] = {
	{ "award", TEXT, "Award", MSG_NONE },
	{ "comment", NUMBER, "Comment", MSG_NONE },
	{ "kind", TEXT, "Kind", MSG_NONE },
	{ "list", TEXT, NULL, MSG_LIST_NOT_FOUND },
	{ "movie", RESERVING, "Movie", MSG_NONE },
	{ "person", TEXT, "Person", MSG_NONE },
	{ "picture", TEXT, "Picture", MSG_NONE },
	{ "provider", TEXT, "Provider", MSG_NONE },
	{ "reaction", NUMBER, "Reaction", MSG_NONE },
	{ "review", NUMBER, "Review", MSG_NONE },
	{ "session", TEXT, "Session", MSG_NONE },
	{ "thing", NUMBER, "Thing", MSG_NONE },
	{ "username", RESERVING, "User", MSG_NONE },
};

static struct {
	struct pattern *list;
	int n;
	int begin[SEGMENTS_MAX +
		  2]; /* of the entries with that many segments */
} table;

/*
 * Splits a path at its slashes and returns the number of segments; -1: it does
 * not begin with a slash, or has an empty segment, or too many.
 */
static int
split(const char *path, struct segment out[SEGMENTS_MAX])
{
	int n = 0;
	size_t len;

	if (*path++ != '/')
		return -1;
	while (*path) {
		len = strcspn(path, "/");
		if (len == 0 || n == SEGMENTS_MAX)
			return -1;
		out[n].s = path;
		out[n].len = len;
		out[n].param = false;
		n++;
		path += len + (path[len] == '/');
	}
	return n;
}

static void
read_pattern(const char *text, struct pattern *out)
{
	int i;

	memset(out, 0, sizeof *out);
	out->n = split(text, out->segment);
	assert(out->n >= 0);
	for (i = 0; i < out->n; i++) {
		struct segment *segment = &out->segment[i];

		if (segment->s[0] != '{')
			continue;
		assert(segment->len > 2 && segment->s[segment->len - 1] == '}');
		segment->s++;
		segment->len -= 2;
		segment->param = true;
	}
}

/* Literals before parameters, then by bytes; all parameters are equal. */
static int
compare_segments(const struct segment *a, const struct segment *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int order;

	if (a->param || b->param)
		return (int)a->param - (int)b->param;
	order = memcmp(a->s, b->s, n);
	if (order == 0 && a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return order;
}

static int
compare_patterns(const void *va, const void *vb)
{
	const struct pattern *a = va, *b = vb;
	int order = a->n - b->n, i;

	for (i = 0; order == 0 && i < a->n; i++)
		order = compare_segments(&a->segment[i], &b->segment[i]);
	return order;
}

/* Adds the methods of the second to the first. */
static void
merge(struct pattern *into, const struct pattern *from)
{
	int i;

	for (i = 0; i < METHOD_OTHER; i++) {
		if (!from->by_method[i])
			continue;
		assert(!into->by_method[i]);
		into->by_method[i] = from->by_method[i];
	}
	into->allowed |= from->allowed;
}

static void
make_table(void)
{
	struct pattern *list = mem_array(NULL, struct pattern, n_routes);
	int i, k, n = 0;

	for (i = 0; i < n_routes; i++) {
		const struct route *route = &routes[i];

		read_pattern(route->pattern, &list[i]);
		list[i].by_method[route->method] = route;
		list[i].allowed = 1u << METHOD_OPTIONS | 1u << route->method;
		if (route->method == METHOD_GET)
			list[i].allowed |= 1u << METHOD_HEAD;
	}
	qsort(list, (size_t)n_routes, sizeof *list, compare_patterns);
	for (i = 1; i < n_routes; i++) {
		if (compare_patterns(&list[n], &list[i]) == 0)
			merge(&list[n], &list[i]);
		else
			list[++n] = list[i];
	}
	table.list = list;
	table.n = n + 1;
	for (i = 0, k = 0; k <= SEGMENTS_MAX + 1; k++) {
		while (i < table.n && list[i].n < k)
			i++;
		table.begin[k] = i;
	}
}

/* Both have n segments. */
static bool
fits(const struct pattern *pattern, const struct segment *path, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		const struct segment *segment = &pattern->segment[i];

		if (segment->param)
			continue;
		if (segment->len != path[i].len ||
		    memcmp(segment->s, path[i].s, segment->len) != 0)
			return false;
	}
	return true;
}

/* A decoded segment of the path. */
static char *
capture(TALLOC_CTX *mem, const struct segment *segment)
{
	const size_t mark = sizeof PATH_SLASH - 1;
	const char *s = segment->s, *end = s + segment->len, *found;
	struct buf out;

	buf_init(&out, mem, segment->len + 1);
	while ((found = memmem(s, (size_t)(end - s), PATH_SLASH, mark))) {
		buf_add(&out, s, (size_t)(found - s));
		buf_putc(&out, '/');
		s = found + mark;
	}
	buf_add(&out, s, (size_t)(end - s));
	return out.data;
}

void
route_find(TALLOC_CTX *mem, enum method method, const char *path,
    struct route_match *out)
{
	struct segment segment[SEGMENTS_MAX];
	const struct pattern *found = NULL;
	int n = split(path, segment), i, n_params = 0;

	memset(out, 0, sizeof *out);
	if (!table.list)
		make_table();
	if (n < 0)
		return;
	for (i = table.begin[n]; i < table.begin[n + 1] && !found; i++) {
		if (fits(&table.list[i], segment, n))
			found = &table.list[i];
	}
	if (!found)
		return;
	out->allowed = found->allowed;
	if (method == METHOD_HEAD)
		method = METHOD_GET;
	if (method == METHOD_OTHER || !found->by_method[method])
		return;
	out->route = found->by_method[method];
	for (i = 0; i < n; i++) {
		if (!found->segment[i].param)
			continue;
		assert(n_params < PATH_PARAMS_MAX);
		out->param[n_params++] = capture(mem, &segment[i]);
	}
}

char *
route_allow(TALLOC_CTX *mem, unsigned allowed)
{
	struct buf out;
	size_t i;

	buf_init(&out, mem, 64);
	for (i = 0; i < METHOD_OTHER; i++) {
		if (!(allowed & 1u << i))
			continue;
		if (out.len > 0)
			buf_puts(&out, ", ");
		buf_puts(&out, method_name((enum method)i));
	}
	return out.data;
}

/*
 * The name of the next parameter of a pattern, terminated by a brace. NULL:
 * none. *at is the pattern at first.
 */
static const char *
next_param(const char **at, size_t *len)
{
	const char *name = strchr(*at, '{');

	if (!name)
		return NULL;
	name++;
	*len = strcspn(name, "}");
	*at = name + *len;
	return name;
}

/* The row of a parameter; asserts that it exists. */
static const struct param *
find_param(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < array_len(params); i++) {
		if (strncmp(params[i].name, name, len) == 0 &&
		    params[i].name[len] == '\0')
			return &params[i];
	}
	assert(!"a path parameter without a row in params");
	return NULL;
}

/* Only decimal digits; false: not a number. */
static bool
read_number(const char *s, int64_t *out)
{
	return s[strspn(s, "0123456789")] == '\0' && text_to_int64(s, out);
}

/* The position of a parameter in the pattern; -1: the route does not have it.
 */
static int
position_of(const struct route *route, const char *name)
{
	const char *at = route->pattern, *found;
	size_t len;
	int i;

	for (i = 0; (found = next_param(&at, &len)); i++) {
		if (strncmp(found, name, len) == 0 && name[len] == '\0')
			return i;
	}
	return -1;
}

const char *
path_of(const struct req *r, const char *name)
{
	int i = position_of(r->route, name);

	assert(i >= 0 && i < PATH_PARAMS_MAX && r->path_param[i]);
	return r->path_param[i];
}

void
path_replace(struct req *r, const char *name, const char *to)
{
	int i = position_of(r->route, name);

	assert(i >= 0);
	r->path_param[i] = to;
}

enum path_kind
path_kind(const struct route *route, const char *name)
{
	if (position_of(route, name) < 0)
		return PATH_NONE;
	return find_param(name, strlen(name))->type == NUMBER ? PATH_NUMBER :
								PATH_TEXT;
}

const char *
path_last(const struct route *route)
{
	const char *at = route->pattern, *found, *last = NULL;
	size_t len;

	while ((found = next_param(&at, &len)))
		last = find_param(found, len)->name;
	return last;
}

int64_t
path_number(const struct req *r, const char *name)
{
	int64_t n = 0;
	bool good = find_param(name, strlen(name))->type == NUMBER &&
		    read_number(path_of(r, name), &n);

	assert(good);
	return n;
}

const char *
path_key(const struct req *r, const char *name)
{
	const char *text = path_of(r, name);
	int64_t n;

	if (find_param(name, strlen(name))->type == NUMBER &&
	    read_number(text, &n))
		return mem_printf(r->mem, "%" PRId64, n);
	return text;
}

enum err
fail_param(struct req *r, const char *name)
{
	const struct param *param = find_param(name, strlen(name));

	if (param->missing)
		return fail(r, ERR_NOT_FOUND, NULL, param->missing);
	return fail_path(r, param->model, path_of(r, name));
}

enum err
route_check_numbers(struct req *r)
{
	const char *at = r->route->pattern, *name;
	const struct param *param;
	size_t len;
	int64_t n;
	int i;

	for (i = 0; (name = next_param(&at, &len)); i++) {
		param = find_param(name, len);
		if (param->type == NUMBER && !read_number(r->path_param[i], &n))
			return fail_param(r, param->name);
	}
	return ERR_OK;
}

static bool
is_reserving(const struct segment *segment)
{
	return segment->param &&
	       find_param(segment->s, segment->len)->type == RESERVING;
}

/* Whether a pattern has the literal in the position of segment i of `place`. */
static bool
is_literal_at(const struct pattern *place, int i, const char *literal)
{
	const struct pattern *p;
	int k;

	for (p = table.list; p < table.list + table.n; p++) {
		if (p->n <= i || p->segment[i].param ||
		    p->segment[i].len != strlen(literal) ||
		    memcmp(p->segment[i].s, literal, strlen(literal)) != 0)
			continue;
		for (k = 0; k < i; k++) {
			if (compare_segments(
				&p->segment[k], &place->segment[k]) != 0)
				break;
		}
		if (k == i)
			return true;
	}
	return false;
}

bool
route_is_reserved(const char *segment)
{
	/* reserved even without a row */
	static const char *const always[] = {
		"/api/users/{username}/",
		"/api/movies/{movie}/",
	};
	struct pattern place;
	int i, k;

	if (!table.list)
		make_table();
	for (i = 0; i < (int)array_len(always) + n_routes; i++) {
		read_pattern(i < (int)array_len(always) ?
				 always[i] :
				 routes[i - (int)array_len(always)].pattern,
		    &place);
		for (k = 0; k < place.n; k++) {
			if (is_reserving(&place.segment[k]) &&
			    is_literal_at(&place, k, segment))
				return true;
		}
	}
	return false;
}

const char **
route_reserved(TALLOC_CTX *mem, size_t *n)
{
	const char **out;
	int i, k;

	if (!table.list)
		make_table();
	out = mem_array(mem, const char *, (size_t)table.n *SEGMENTS_MAX);
	*n = 0;
	for (i = 0; i < table.n; i++) {
		for (k = 0; k < table.list[i].n; k++) {
			const struct segment *s = &table.list[i].segment[k];
			char *word = mem_textn(out, s->s, s->len);

			if (!s->param && route_is_reserved(word))
				out[(*n)++] = word;
		}
	}
	return out;
}
