/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl movie, person, genre, platform, award, review, comment, list: the
 * documents of /api/admin (admin/documents.h), through the same functions. A
 * command makes the request that the API would serve, without a caller.
 */
#include "base/base.h"

#include <pwd.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin/documents.h"
#include "api/run.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/user.h"
#include "db/query.h"
#include "http/field.h"
#include "http/problem.h"
#include "http/route.h"

#define LISTED       200
#define LISTED_MAX   10000
#define DOCUMENT_MAX (16 << 20) /* bytes */
#define TIMEOUT_MS   60000      /* purging what many users have rated */

/* What a command line names. */
struct thing {
	struct ctl *ctl;
	struct db *db;
	const char *kind; /* "movies" */
	const char *os_user;
	int n; /* of operands */
	char **operands;
};

/* The login behind sudo, else the name of the real user. */
static const char *
os_user_of(TALLOC_CTX *mem)
{
	const char *login = getenv("SUDO_USER");
	const struct passwd *user = login ? getpwnam(login) : NULL;

	if (!user)
		user = getpwuid(getuid());
	return user ? mem_text(mem, user->pw_name) :
		      mem_printf(mem, "uid %u", (unsigned)getuid());
}

/* A request of /api/admin/{kind}/, or of {thing}/ below it. */
static struct req *
request_of(const struct thing *t, enum method method, const char *id)
{
	struct req *r = request_new(t->ctl->mem);
	struct conf *conf = mem_new(r->mem, struct conf);
	struct route_match match;

	*conf = *t->ctl->conf;
	conf->document_limit = DOCUMENT_MAX;
	route_find(r->mem, method,
	    mem_printf(r->mem, "/api/admin/%s/%s", t->kind, id ? id : ""),
	    &match);
	assert(match.route);
	r->route = match.route;
	memcpy(r->path_param, match.param, sizeof match.param);
	r->conf = conf;
	r->db = t->db;
	r->os_user = t->os_user;
	return r;
}

/* The errors, one a line, with their fields. */
static int
print_errors(const struct thing *t, struct req *r, enum err e)
{
	int i, n = r->problem ? r->problem->n : 0;

	if (n > 0 && r->problem->reason) {
		ctl_error(t->ctl, "%s\n", r->problem->reason);
		return EX_DATAERR;
	}
	for (i = 0; i < n; i++) {
		const struct error_entry *entry = &r->problem->list[i];

		ctl_error(t->ctl, "%s%s%s\n", entry->field ? entry->field : "",
		    entry->field ? ": " : "", problem_text(r, entry));
	}
	if (n == 0)
		return ctl_failed(t->ctl, t->db, e);
	return e == ERR_STALE ? EX_TEMPFAIL : EX_DATAERR;
}

/* The id of an operand; NULL: *status is set after a message. */
static const char *
find(const struct thing *t, const char *word, int *status)
{
	TALLOC_CTX *mem = t->ctl->mem;
	struct row row;
	int64_t *ids;
	size_t n = 0;
	enum err e;

	e = query_one(mem, t->db, &row, SQL_document_find, arg_text(t->kind),
	    arg_text(word));
	if (e) {
		*status = ctl_failed(t->ctl, t->db, e);
		return NULL;
	}
	ids = row_id_array(mem, &row, "ids", &n);
	if (n == 1)
		return mem_printf(mem, "%" PRId64, ids[0]);
	if (n == 0)
		ctl_error(t->ctl, "not found: \"%s\"\n", word);
	else
		ctl_error(t->ctl,
		    "\"%s\" fits several: id=%" PRId64 ", id=%" PRId64 "%s\n",
		    word, ids[0], ids[1], n > 2 ? " …" : "");
	*status = n == 0 ? EX_NOINPUT : EX_DATAERR;
	return NULL;
}

/* ------------------------------------------------------------- documents */

/* The members of a document, one a line. */
static int
print_members(const struct thing *t, const char *document)
{
	struct rows rows;
	struct row row;
	enum err e;

	e = query_all(t->ctl->mem, t->db, &rows, SQL_document_members,
	    arg_text(document));
	if (e)
		return ctl_failed(t->ctl, t->db, e);
	for (int i = 0; i < rows.count; i++) {
		rows_at(&rows, i, &row);
		printf("%-12s  ", row_text(&row, "key"));
		ctl_put_plain(row_text(&row, "text"));
		putchar('\n');
	}
	return EX_OK;
}

static int
show(const struct thing *t, const char *id)
{
	struct req *r = request_of(t, METHOD_GET, id);
	struct row row;
	enum err e;

	e = run_one(r, SQL_document_detail, &row);
	if (e)
		return print_errors(t, r, e);
	if (!t->ctl->json)
		return print_members(t, row_text(&row, "document"));
	printf("%s\n", row_text(&row, "document"));
	return EX_OK;
}

/* The document after a change, or a line. */
static int
print_changed(const struct thing *t, const struct row *row, const char *done)
{
	bool same = strcmp(row_text(row, "result"), "same") == 0;

	if (!t->ctl->json)
		printf(
		    "%s %s\n", row_text(row, "id"), same ? "unchanged" : done);
	else
		printf("%s\n", row_text(row, "document"));
	return EX_OK;
}

/* Does an action. */
static int
change(const struct thing *t, struct req *r, const char *action,
    const char *document, const char *done)
{
	struct row row;
	enum err e;

	e = document_change(r, action, document, NULL, &row);
	return e ? print_errors(t, r, e) : print_changed(t, &row, done);
}

static int
remove_thing(const struct thing *t, const char *id)
{
	return change(
	    t, request_of(t, METHOD_DELETE, id), "remove", NULL, "removed");
}

static int
restore(const struct thing *t, const char *id)
{
	return change(
	    t, request_of(t, METHOD_DELETE, id), "restore", NULL, "restored");
}

static int
purge(const struct thing *t, const char *id)
{
	struct req *r = request_of(t, METHOD_DELETE, id);
	struct row row;
	enum err e;

	e = document_change(r, "purge", NULL, NULL, &row);
	if (e)
		return print_errors(t, r, e);
	if (t->ctl->json) {
		printf("{\"id\":%s,\"deleted_rows\":%s}\n", id,
		    row_text(&row, "deleted_rows"));
		return EX_OK;
	}
	printf("%s deleted\n", id);
	return print_members(t, row_text(&row, "deleted_rows"));
}

/* The file, "-" standard input; NULL: failed, with a message. */
static const char *
open_file(const struct thing *t, const char *path, size_t *n)
{
	if (strcmp(path, "-") != 0 && !freopen(path, "r", stdin)) {
		ctl_error(t->ctl, "%s: %s\n", path, strerror(errno));
		return NULL;
	}
	return ctl_input(t->ctl, path, DOCUMENT_MAX, n);
}

/* The same of a text. */
static const char *
read_file(const struct thing *t, const char *path)
{
	size_t n;
	const char *text = open_file(t, path, &n);

	if (!text || strlen(text) == n)
		return text;
	ctl_error(t->ctl, "%s: a NUL byte\n", path);
	return NULL;
}

static enum err
read_body(struct req *r, const char *text)
{
	enum err e = field_read_query(r);

	r->body = text;
	r->body_len = strlen(text);
	return e ? e : field_read_body(r);
}

/* Adds what --set NAME=VALUE sets to the document that was read. */
static enum err
add_settings(const struct thing *t, struct req *r, bool is_new)
{
	size_t n = t->ctl->n_options, k = 0;
	const char **names = mem_array(r->mem, const char *, n + 1);
	const char **values = mem_array(r->mem, const char *, n + 1);
	struct row row;
	enum err e;

	for (size_t i = 0; i < n; i++) {
		const char *set = t->ctl->options[i].value;

		if (strcmp(t->ctl->options[i].name, "--set") != 0)
			continue;
		names[k] = mem_textn(r->mem, set, strcspn(set, "="));
		values[k++] = set + strcspn(set, "=") + 1;
	}
	if (k == 0 && !is_new)
		return ERR_OK;
	e = query_one(r->mem, t->db, &row, SQL_document_settings,
	    arg_text(t->kind), arg_text(r->body), arg_bool(is_new),
	    arg_text_array(names, k), arg_text_array(values, k));
	return e ? e : read_body(r, row_text(&row, "document"));
}

/* add and edit: a document from a file and --set. */
static int
write_document(const struct thing *t, const char *id, const char *path)
{
	struct req *r = request_of(t, id ? METHOD_PATCH : METHOD_POST, id);
	const char *text = path ? read_file(t, path) : "{}";
	enum err e;

	if (!text)
		return EX_NOINPUT;
	e = read_body(r, text);
	if (!e)
		e = add_settings(t, r, !id);
	if (e)
		return print_errors(t, r, e);
	return change(t, r, id ? "edit" : "add", input_text(r, "document"),
	    id ? "edited" : "added");
}

/* ---------------------------------------------------------------- listing */

static void
print_listed(const struct row *row)
{
	const char *slug = row_text(row, "slug");

	printf("%-8s %-7s %s%s", row_text(row, "id"),
	    row_is_null(row, "deleted_at") ? "-" : "removed", slug ? slug : "",
	    slug ? "  " : "");
	ctl_put_plain(row_text(row, "label"));
	printf("  ");
	ctl_put_plain(row_text(row, "detail"));
	putchar('\n');
}

static void
put_listed(struct json *j, const struct row *row)
{
	static const char *const texts[] = { "slug", "label", "detail" };
	static const char *const times[] = { "updated_at", "deleted_at" };
	char iso[CLOCK_ISO_SIZE];
	size_t i;

	json_object(j);
	json_key(j, "id");
	json_int(j, row_id(row, "id"));
	for (i = 0; i < array_len(texts); i++) {
		json_key(j, texts[i]);
		json_text(j, row_text(row, texts[i]));
	}
	for (i = 0; i < array_len(times); i++) {
		clock_iso(iso, row_id(row, times[i]));
		json_key(j, times[i]);
		json_text(j, row_is_null(row, times[i]) ? NULL : iso);
	}
	json_object_end(j);
}

static int
list(const struct thing *t)
{
	const char *limit = ctl_option(t->ctl, "--limit");
	const char *removed = ctl_option(t->ctl, "--removed");
	int64_t most = LISTED;
	struct rows rows;
	enum err e;

	if (limit &&
	    (!text_to_int64(limit, &most) || most < 1 || most > LISTED_MAX))
		return ctl_usage(t->ctl,
		    "--limit: \"%s\" is not a number from 1 to %d", limit,
		    LISTED_MAX);
	e = query_all(t->ctl->mem, t->db, &rows, SQL_document_page,
	    arg_text(t->kind), arg_text(t->operands[0]),
	    arg_text(removed ? removed : "no"), arg_null(), arg_id(1),
	    arg_id(most));
	if (e)
		return ctl_failed(t->ctl, t->db, e);
	rows.count = rows_listed(&rows);
	return ctl_rows(t->ctl, &rows, print_listed, put_listed);
}

/* --------------------------------------------------------------- pictures */

/* The request of a picture of the thing. */
static struct req *
picture_request(const struct thing *t, const char *id)
{
	const char *language = ctl_option(t->ctl, "--language");
	const char *field = strcmp(t->kind, "movies") == 0 ? "cover" :
			    strcmp(t->kind, "awards") == 0 ? "icon" :
							     "image";

	if (language)
		field = mem_printf(t->ctl->mem, "image-%s", language);
	return request_of(t, METHOD_PUT,
	    mem_printf(t->ctl->mem, "%s/pictures/%s", id, field));
}

/* A picture from a file, or the default one. */
static int
picture(const struct thing *t)
{
	const char *path = t->operands[1], *id;
	struct upload u = { .data = NULL };
	int status = EX_OK;
	struct req *r;
	struct row row;
	enum err e;

	if (!path == !ctl_option(t->ctl, "--default"))
		return ctl_usage(t->ctl, "either FILE or --default is needed");
	id = find(t, t->operands[0], &status);
	if (!id)
		return status;
	if (path)
		u.data = open_file(t, path, &u.len);
	if (path && !u.data)
		return EX_NOINPUT;
	r = picture_request(t, id);
	e = document_set_picture(r, path ? &u : NULL, &row);
	return e ? print_errors(t, r, e) : print_changed(t, &row, "edited");
}

/* --------------------------------------------------------------- commands */

static const struct verb {
	const char *name;
	int (*run)(const struct thing *t, const char *id);
} verbs[] = {
	{ "purge", purge },
	{ "remove", remove_thing },
	{ "restore", restore },
	{ "show", show },
};

/* Runs it for each operand; the first failure ends it. */
static int
run_each(const struct thing *t, const struct verb *verb)
{
	int status = EX_OK;

	for (int i = 0; i < t->n && status == EX_OK; i++) {
		const char *id = find(t, t->operands[i], &status);

		if (id)
			status = verb->run(t, id);
	}
	return status;
}

static int
edit(const struct thing *t)
{
	int status = EX_OK;
	const char *id;

	if (!t->operands[1] && !ctl_option(t->ctl, "--set"))
		return ctl_usage(t->ctl, "nothing to change");
	id = find(t, t->operands[0], &status);
	return id ? write_document(t, id, t->operands[1]) : status;
}

int
ctl_thing(struct ctl *ctl, int argc, char **argv)
{
	struct thing t = { .ctl = ctl, .n = argc - 1, .operands = argv + 1 };
	enum err e;

	for (size_t i = 0; i < ctl->n_options; i++) {
		const char *set = ctl->options[i].value;

		if (strcmp(ctl->options[i].name, "--set") == 0 &&
		    (*set == '=' || !strchr(set, '=')))
			return ctl_usage(
			    ctl, "--set: \"%s\" is not FIELD=VALUE", set);
		if (!text_is_utf8(set, strlen(set)))
			return ctl_usage(ctl, "--set: not UTF-8");
	}
	for (int i = 0; i < t.n && t.operands[i]; i++)
		if (!text_is_utf8(t.operands[i], strlen(t.operands[i])))
			return ctl_usage(ctl, "an argument is not UTF-8");
	t.kind = mem_printf(
	    ctl->mem, "%.*ss", (int)strcspn(ctl->command, " "), ctl->command);
	t.os_user = os_user_of(ctl->mem);
	t.db = db_new(ctl->mem, ctl->conf->database, TIMEOUT_MS);
	e = user_raise_touched(ctl, t.db);
	if (e)
		return ctl_failed(ctl, t.db, e);
	for (size_t v = 0; v < array_len(verbs); v++)
		if (strcmp(verbs[v].name, argv[0]) == 0)
			return run_each(&t, &verbs[v]);
	if (strcmp(argv[0], "add") == 0)
		return write_document(&t, NULL, t.operands[0]);
	if (strcmp(argv[0], "picture") == 0)
		return picture(&t);
	return strcmp(argv[0], "edit") == 0 ? edit(&t) : list(&t);
}
