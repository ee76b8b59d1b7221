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
#define TIMEOUT_MS 60000 /* deleting or exporting an account */

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

	if (options->n > 1)
		return ctl_usage(
		    ctl, "unexpected argument \"%s\"", options->operands[1]);
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
	fprintf(stderr, "mxmctl %s: %s %s\n", ctl->command,
	    row_text(row, "username"), text[2]);
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
		fprintf(stderr, "mxmctl %s: %s has no session %s\n",
		    ctl->command, row_text(user, "username"), options->end);
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
	struct file *file;
	enum err e;

	e = archive_make(ctl->mem, db, row_id(user, "id"),
	    ctl->conf->media_root, 0, &archive);
	if (e)
		return ctl_failed(ctl, db, e);
	file = file_new(ctl->mem, path, 0600);
	if (!file ||
	    fwrite(archive.data, 1, archive.len, file->to) != archive.len ||
	    !file_finish(file)) {
		fprintf(stderr, "mxmctl %s: %s: %s\n", ctl->command, path,
		    strerror(errno));
		talloc_free(file);
		return EX_CANTCREAT;
	}
	return user_done(ctl, user, "export", "exported");
}

static const struct verb {
	const char *name;
	int (*run)(struct ctl *ctl, struct db *db, const struct row *user,
	    const struct user_options *options);
	int operands;
	const char *options; /* that it has, separated by blanks */
} verbs[] = {
	{ "export", export_user, 2, "" },
	{ "lock", lock, 1, "" },
	{ "remove", remove_user, 1, "--now" },
	{ "sessions", sessions, 1, "--end --end-all" },
	{ "set-password", set_password, 1, "" },
	{ "show", show, 1, "" },
	{ "unlock", unlock, 1, "" },
	{ "verify", verify, 1, "" },
};

/* Finds the user of the first operand, and runs the subcommand. */
static int
run(struct ctl *ctl, struct db *db, const struct verb *verb,
    const struct user_options *options)
{
	struct row row;
	enum err e;

	if (options->n < verb->operands)
		return ctl_usage(ctl, "missing operand: %s",
		    options->n == 0 ? "USER" : "FILE");
	if (options->n > verb->operands)
		return ctl_usage(ctl, "unexpected argument \"%s\"",
		    options->operands[verb->operands]);
	e = query_one(ctl->mem, db, &row, SQL_admin_user_find,
	    arg_text(options->operands[0]));
	if (e == ERR_NOT_FOUND) {
		fprintf(stderr, "mxmctl %s: unknown user \"%s\"\n",
		    ctl->command, options->operands[0]);
		return EX_NOUSER;
	}
	if (!e && row_id(&row, "matches") > 1) {
		fprintf(stderr,
		    "mxmctl %s: \"%s\" is the name, address or number of "
		    "several accounts; use id=NUMBER\n",
		    ctl->command, options->operands[0]);
		return EX_DATAERR;
	}
	return e ? ctl_failed(ctl, db, e) : verb->run(ctl, db, &row, options);
}

/* An option with a value: the next argument. */
static const char *
value_of(char **argv, int argc, int *i)
{
	return *i + 1 < argc ? argv[++*i] : "";
}

/* Reads an option; false: unknown, or of another subcommand. */
static bool
read_option(struct ctl *ctl, const char *allowed, char **argv, int argc, int *i,
    struct user_options *out)
{
	const char *option = argv[*i];

	if (strcmp(option, "--json") == 0)
		return ctl->json = true;
	if (!strstr(allowed, option))
		return false;
	if (strcmp(option, "--admin") == 0)
		return out->admin = true;
	if (strcmp(option, "--now") == 0)
		return out->now = true;
	if (strcmp(option, "--end-all") == 0)
		return out->end_all = true;
	if (strcmp(option, "--end") == 0)
		return *(out->end = value_of(argv, argc, i)) != '\0';
	if (strcmp(option, "--language") == 0)
		return *(out->language = value_of(argv, argc, i)) != '\0';
	return strcmp(option, "--limit") == 0 &&
	       text_to_int64(value_of(argv, argc, i), &out->limit) &&
	       out->limit > 0 && out->limit <= LISTED_MAX;
}

/* Sorts the arguments into options and operands; the bad one, or NULL. */
static const char *
read_arguments(struct ctl *ctl, const char *allowed, int argc, char **argv,
    struct user_options *out)
{
	bool only_operands = false;
	int i;

	for (i = 0; i < argc; i++) {
		const char *argument = argv[i];

		if (only_operands || argument[0] != '-')
			out->operands[out->n++] = argv[i];
		else if (strcmp(argument, "--") == 0)
			only_operands = true;
		else if (!read_option(ctl, allowed, argv, argc, &i, out))
			return argument;
	}
	out->operands[out->n] = NULL;
	return NULL;
}

int
ctl_user(struct ctl *ctl, int argc, char **argv)
{
	struct user_options options = { .limit = LISTED, .language = "en" };
	const struct verb *verb = NULL;
	const char *name, *allowed = NULL, *bad;
	struct db *db;
	enum err e;
	size_t v;

	while (argc > 1 && strcmp(argv[1], "--json") == 0) {
		ctl->json = true;
		argc--;
		argv++;
	}
	name = argc > 1 ? argv[1] : "";
	for (v = 0; v < array_len(verbs); v++)
		if (strcmp(verbs[v].name, name) == 0)
			verb = &verbs[v];
	if (verb)
		allowed = verb->options;
	else if (strcmp(name, "create") == 0)
		allowed = "--admin --language";
	else if (strcmp(name, "list") == 0)
		allowed = "--limit";
	if (!allowed)
		return ctl_usage(ctl,
		    *name ? "unknown subcommand \"%s\"" :
			    "missing subcommand%s",
		    name);
	options.operands = mem_array(ctl->mem, char *, (size_t)argc + 1);
	bad = read_arguments(ctl, allowed, argc - 2, argv + 2, &options);
	if (bad)
		return ctl_usage(ctl, "invalid option \"%s\"", bad);
	db = db_new(ctl->mem, ctl->conf->database, TIMEOUT_MS);
	e = user_raise_touched(ctl, db);
	if (e)
		return ctl_failed(ctl, db, e);
	if (verb)
		return run(ctl, db, verb, &options);
	return *name == 'c' ? user_create(ctl, db, &options) :
			      list(ctl, db, &options);
}
