/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl user: accounts, for administrators.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/user.h"
#include "db/query.h"
#include "jobs/archive.h"

#define LISTED     200
#define LISTED_MAX 100000
#define TIMEOUT_MS 60000 /* deleting, exporting, importing an account */

static void
put_texts(struct json *j, const struct row *row, const char *const *names)
{
	for (; *names; names++) {
		json_key(j, *names);
		json_text(j, row_text(row, *names));
	}
}

/* The keys of admin_user_columns. */
static void
put_user(struct json *j, const struct row *row)
{
	static const char *const names[] = { "username", "email", "first_name",
		"last_name", "language", "state", "joined_at", "removed_at",
		NULL };

	json_key(j, "id");
	json_int(j, row_id(row, "id"));
	put_texts(j, row, names);
	json_key(j, "admin");
	json_bool(j, row_bool(row, "staff"));
	json_key(j, "training");
	json_bool(j, row_bool(row, "training"));
}

static void
put_listed(struct json *j, const struct row *row)
{
	json_object(j);
	put_user(j, row);
	json_object_end(j);
}

static void
print_user(const struct row *row)
{
	printf("%-8" PRId64 " %-10s %-5s %s  %s  %s\n", row_id(row, "id"),
	    row_text(row, "state"), row_bool(row, "staff") ? "admin" : "-",
	    row_text(row, "joined_at"), row_text(row, "username"),
	    row_text(row, "email"));
}

static int
list(struct ctl *ctl, struct db *db, const struct user_options *options)
{
	struct rows rows;
	enum err e;

	e = query_all(ctl->mem, db, &rows, SQL_admin_user_list,
	    arg_text(options->operands[0]), arg_id(options->limit));
	if (e)
		return ctl_failed(ctl, db, e);
	return ctl_rows(ctl, &rows, print_user, put_listed);
}

/* Control characters, which imported names can have, are replaced: a terminal
 * interprets them. */
static const char *
plain(TALLOC_CTX *mem, const char *s)
{
	char *copy = mem_text(mem, s), *p;

	for (p = copy; *p; p++) {
		unsigned char c = (unsigned char)p[0];

		if (c < ' ' || c == 0x7f)
			*p = '?';
		else if (c == 0xc2 && (unsigned char)p[1] < 0xa0)
			p[0] = p[1] = '?'; /* U+0080 to U+009F */
	}
	return copy;
}

void
ctl_put_plain(const char *s)
{
	char *copy = (char *)plain(NULL, s);

	fputs(copy, stdout);
	talloc_free(copy);
}

static int
show(struct ctl *ctl, struct db *db, const struct row *row,
    const struct user_options *options)
{
	static const char *const counts[] = { "sessions", "ratings",
		"reviews" };
	struct json *j = ctl_json(ctl);
	const char *removed = row_text(row, "removed_at"), *since = "";
	size_t i;

	(void)db;
	(void)options;
	if (removed)
		since =
		    row_bool(row, "locked") ? ", removed since " : " since ";
	if (!ctl->json) {
		printf("id          %" PRId64 "\nname        %s\n"
		       "address     %s%s\nnames       %s %s\n"
		       "language    %s\nstate       %s%s%s%s\n"
		       "joined      %s\npassword    %s\ntraining    %s\n",
		    row_id(row, "id"), row_text(row, "username"),
		    row_text(row, "email"),
		    row_bool(row, "verified") ? "" : " (not verified)",
		    plain(ctl->mem, row_text(row, "first_name")),
		    plain(ctl->mem, row_text(row, "last_name")),
		    row_text(row, "language"), row_text(row, "state"),
		    row_bool(row, "staff") ? ", administrator" : "", since,
		    removed ? removed : "", row_text(row, "joined_at"),
		    row_bool(row, "has_password") ? "set" : "none",
		    row_bool(row, "training") ? "yes" : "no");
		for (i = 0; i < array_len(counts); i++)
			printf("%-11s %" PRId64 "\n", counts[i],
			    row_id(row, counts[i]));
		return EX_OK;
	}
	json_object(j);
	put_user(j, row);
	json_key(j, "verified");
	json_bool(j, row_bool(row, "verified"));
	json_key(j, "has_password");
	json_bool(j, row_bool(row, "has_password"));
	for (i = 0; i < array_len(counts); i++) {
		json_key(j, counts[i]);
		json_int(j, row_id(row, counts[i]));
	}
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

int
user_done(
    struct ctl *ctl, const struct row *row, const char *what, const char *text)
{
	struct json *j = ctl_json(ctl);

	if (!ctl->json) {
		printf("%s (%" PRId64 ") %s\n", row_text(row, "username"),
		    row_id(row, "id"), text);
		return EX_OK;
	}
	json_object(j);
	json_key(j, "id");
	json_int(j, row_id(row, "id"));
	json_key(j, "username");
	json_text(j, row_text(row, "username"));
	json_key(j, "done");
	json_text(j, what);
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

/* Runs a statement with the id; no row was changed: `unchanged` is printed. */
static int
change(struct ctl *ctl, struct db *db, const struct row *row,
    enum stmt statement, const char *const text[3])
{
	enum err e;
	long n;

	e = query_exec(ctl->mem, db, &n, statement, arg_id(row_id(row, "id")));
	if (e)
		return ctl_failed(ctl, db, e);
	if (n > 0)
		return user_done(ctl, row, text[0], text[1]);
	ctl_error(ctl, "%s %s\n", row_text(row, "username"), text[2]);
	return EX_DATAERR;
}

static int
set_password(struct ctl *ctl, struct db *db, const struct row *row,
    const struct user_options *options)
{
	(void)options;
	return user_set_password(ctl, db, row);
}

static int
set_admin(struct ctl *ctl, struct db *db, const struct row *row,
    const struct user_options *options)
{
	if (options->no)
		return change(ctl, db, row, SQL_admin_user_demote,
		    (const char *const[]){ "set-admin",
			"is no administrator any more",
			"is no administrator" });
	return change(ctl, db, row, SQL_admin_user_promote,
	    (const char *const[]){ "set-admin", "is an administrator now",
		"is an administrator already" });
}

static int
verify(struct ctl *ctl, struct db *db, const struct row *row,
    const struct user_options *options)
{
	(void)options;
	return change(ctl, db, row, SQL_admin_user_verify,
	    (const char *const[]){
		"verify", "verified", "is verified already" });
}

static int
lock(struct ctl *ctl, struct db *db, const struct row *row,
    const struct user_options *options)
{
	(void)options;
	return change(ctl, db, row, SQL_admin_user_lock,
	    (const char *const[]){ "lock", "locked; all sessions have ended",
		"is locked already" });
}

static int
unlock(struct ctl *ctl, struct db *db, const struct row *row,
    const struct user_options *options)
{
	(void)options;
	return change(ctl, db, row, SQL_admin_user_unlock,
	    (const char *const[]){ "unlock", "unlocked", "is not locked" });
}

static int
remove_user(struct ctl *ctl, struct db *db, const struct row *row,
    const struct user_options *options)
{
	if (options->now)
		return change(ctl, db, row, SQL_admin_user_delete,
		    (const char *const[]){
			"delete", "deleted", "does not exist any more" });
	return change(ctl, db, row, SQL_admin_user_remove,
	    (const char *const[]){ "remove",
		"removed; it is deleted after removal_delay, and a log-in or "
		"unlock restores it",
		"is locked or removed already; --now deletes it" });
}

static const char *const times[] = { "created_at", "last_used_at", "expires_at",
	NULL };

static void
print_session(const struct row *row)
{
	const char *client = row_text(row, "client");
	const char *network = row_text(row, "network");
	char iso[CLOCK_ISO_SIZE];
	size_t i;

	printf("%s", row_text(row, "id"));
	for (i = 0; times[i]; i++) {
		clock_iso(iso, row_id(row, times[i]));
		printf("  %s", iso);
	}
	printf("  %-20s %s\n", client ? client : "-", network ? network : "-");
}

static void
put_session(struct json *j, const struct row *row)
{
	static const char *const texts[] = { "id", "client", "network", NULL };
	char iso[CLOCK_ISO_SIZE];
	size_t i;

	json_object(j);
	put_texts(j, row, texts);
	for (i = 0; times[i]; i++) {
		clock_iso(iso, row_id(row, times[i]));
		json_key(j, times[i]);
		json_text(j, iso);
	}
	json_object_end(j);
}

static int
list_sessions(struct ctl *ctl, struct db *db, const struct row *user)
{
	struct rows rows;
	enum err e;

	e = query_all(ctl->mem, db, &rows, SQL_session_list,
	    arg_id(row_id(user, "id")), arg_null());
	return e ? ctl_failed(ctl, db, e) :
		   ctl_rows(ctl, &rows, print_session, put_session);
}

static int
sessions(struct ctl *ctl, struct db *db, const struct row *user,
    const struct user_options *options)
{
	struct arg id = arg_id(row_id(user, "id"));
	struct row row;
	enum err e;

	if (!options->end && !options->end_all)
		return list_sessions(ctl, db, user);
	if (options->end)
		e = query_one(ctl->mem, db, &row, SQL_session_end_one, id,
		    arg_text(options->end));
	else
		e = query_one(ctl->mem, db, &row, SQL_session_end_all, id,
		    arg_null(), arg_bool(false));
	if (e == ERR_NOT_FOUND) {
		ctl_error(ctl, "%s has no session %s\n",
		    row_text(user, "username"), options->end);
		return EX_DATAERR;
	}
	if (e)
		return ctl_failed(ctl, db, e);
	return user_done(ctl, user, "sessions",
	    options->end ? "has one session less" : "has no session any more");
}

static int
export_user(struct ctl *ctl, struct db *db, const struct row *user,
    const struct user_options *options)
{
	const char *path = options->operands[1];
	struct archive archive;
	struct progress shown;
	struct file *file;
	enum err e;

	progress_init(&shown, ctl_shows_progress(ctl));
	e = archive_make(ctl->mem, db, row_id(user, "id"),
	    ctl->conf->media_root, 0, &shown, &archive);
	if (e)
		return ctl_failed(ctl, db, e);
	file = file_new(ctl->mem, path, 0600);
	if (!file ||
	    fwrite(archive.data, 1, archive.len, file->to) != archive.len ||
	    !file_finish(file)) {
		ctl_error(ctl, "%s: %s\n", path, strerror(errno));
		talloc_free(file);
		return EX_CANTCREAT;
	}
	return user_done(ctl, user, "export", "exported");
}

static const struct verb {
	const char *name;
	int (*run)(struct ctl *ctl, struct db *db, const struct row *user,
	    const struct user_options *options);
} verbs[] = {
	{ "export", export_user },
	{ "import", user_import },
	{ "lock", lock },
	{ "remove", remove_user },
	{ "sessions", sessions },
	{ "set-admin", set_admin },
	{ "set-password", set_password },
	{ "show", show },
	{ "unlock", unlock },
	{ "verify", verify },
};

/* Finds the user of the first operand, and runs the subcommand. */
static int
run(struct ctl *ctl, struct db *db, const struct verb *verb,
    const struct user_options *options)
{
	struct row row;
	enum err e;

	e = query_one(ctl->mem, db, &row, SQL_admin_user_find,
	    arg_text(options->operands[0]));
	if (e == ERR_NOT_FOUND) {
		ctl_error(ctl, "unknown user \"%s\"\n", options->operands[0]);
		return EX_NOUSER;
	}
	if (!e && row_id(&row, "matches") > 1) {
		ctl_error(ctl,
		    "\"%s\" is the name, address or number of "
		    "several accounts; use id=NUMBER\n",
		    options->operands[0]);
		return EX_DATAERR;
	}
	return e ? ctl_failed(ctl, db, e) : verb->run(ctl, db, &row, options);
}

/* What the options have set; EX_OK, or EX_USAGE after a message. */
static int
read_options(struct ctl *ctl, struct user_options *out)
{
	const char *limit = ctl_option(ctl, "--limit");

	out->admin = ctl_option(ctl, "--admin") != NULL;
	out->no = ctl_option(ctl, "--no") != NULL;
	out->now = ctl_option(ctl, "--now") != NULL;
	out->end_all = ctl_option(ctl, "--end-all") != NULL;
	out->end = ctl_option(ctl, "--end");
	out->language = ctl_option(ctl, "--language");
	out->limit = LISTED;
	if (limit && (!text_to_int64(limit, &out->limit) || out->limit < 1 ||
			 out->limit > LISTED_MAX))
		return ctl_usage(ctl,
		    "--limit: \"%s\" is not a number from 1 to %d", limit,
		    LISTED_MAX);
	return EX_OK;
}

int
ctl_user(struct ctl *ctl, int argc, char **argv)
{
	struct user_options options = { .n = argc - 1, .operands = argv + 1 };
	int status = read_options(ctl, &options);
	struct db *db;
	enum err e;
	size_t v;

	if (status != EX_OK)
		return status;
	db = db_new(ctl->mem, ctl->conf->database, TIMEOUT_MS);
	e = user_raise_touched(ctl, db);
	if (e)
		return ctl_failed(ctl, db, e);
	for (v = 0; v < array_len(verbs); v++)
		if (strcmp(verbs[v].name, argv[0]) == 0)
			return run(ctl, db, &verbs[v], &options);
	return strcmp(argv[0], "create") == 0 ? user_create(ctl, db, &options) :
						list(ctl, db, &options);
}
