/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads the file of a backup with libarchive, in one pass. The file may be
 * damaged or hostile: everything in it is checked before it is passed on, and
 * memory is bounded whatever it claims.
 */
#include "base/base.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sodium.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/backup/backup.h"
#include "db/migrate.h"
#include "http/jsonscan.h"

#define BLOCK     ((size_t)64 * 1024)
#define TEXT_MAX  ((size_t)4 * 1024 * 1024) /* of a member held in memory */
#define FIELD_MAX 256
#define KEYS_MAX  32

enum kind { MANIFEST, SETTINGS, KEY, MEDIA, DATABASE, DIGESTS, END };

static const struct {
	const char *prefix;
	int64_t size_max; /* -1: any */
} kinds[] = {
	[MANIFEST] = { BACKUP_MANIFEST, 65536 },
	[SETTINGS] = { BACKUP_SETTINGS, 1 << 20 },
	[KEY] = { BACKUP_KEYS, BACKUP_SECRET_MAX },
	[MEDIA] = { BACKUP_MEDIA, -1 },
	[DATABASE] = { BACKUP_DATABASE, (int64_t)BACKUP_PART },
	[DIGESTS] = { BACKUP_DIGESTS, (int64_t)TEXT_MAX },
	[END] = { BACKUP_END, 65536 },
};

struct unpack {
	struct ctl *ctl;
	const char *path;
	int fd;
	int64_t size; /* of the file; 0: unknown */
	struct archive *from;
	struct backup_facts facts;
	/* the current member */
	enum kind kind;
	const char *name; /* without its prefix, below `member` */
	TALLOC_CTX *member;
	struct buf text; /* its data, if it is held in memory */
	crypto_hash_sha256_state one, all;
	struct buf digests; /* expected in the next digests/ */
	int batch, parts, lists, keys;
	bool ended;
};

static int
destroy(struct unpack *u)
{
	archive_read_free(u->from);
	if (u->fd > STDIN_FILENO)
		close(u->fd);
	return 0;
}

static int bad(const struct unpack *u, const char *fmt, ...) printf_like(2, 3);

static int
bad(const struct unpack *u, const char *fmt, ...)
{
	va_list ap;
	char *why;

	va_start(ap, fmt);
	why = mem_need(talloc_vasprintf(u->ctl->mem, fmt, ap));
	va_end(ap);
	return backup_fail(u->ctl, EX_DATAERR, "%s: %s", u->path, why);
}

static int
bad_archive(const struct unpack *u)
{
	const char *why = archive_error_string(u->from);

	if (backup_stopped(u->ctl) != EX_OK)
		return backup_stopped(u->ctl);
	return bad(u, "damaged, or not a backup: %s", why ? why : "no data");
}

/* ----------------------------------------------------------------- JSON */

/* A member of an object; NULL: missing, or of another type. */
static struct json_object *
field(struct json_object *object, const char *key, enum json_type type)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, type))
		return NULL;
	return value;
}

static bool
read_number(struct json_object *object, const char *key, int64_t *out)
{
	struct json_object *value = field(object, key, json_type_int);

	*out = value ? json_object_get_int64(value) : -1;
	return value && *out >= 0;
}

static bool
is_printable(const char *s)
{
	while ((unsigned char)*s >= 0x20 && *s != 0x7f)
		s++;
	return *s == '\0';
}

/* A text that can be printed on a terminal. */
static const char *
read_text(const struct unpack *u, struct json_object *object, const char *key)
{
	struct json_object *value = field(object, key, json_type_string);
	const char *s = value ? json_object_get_string(value) : NULL;

	return s && strlen(s) <= FIELD_MAX && is_printable(s) ?
		   mem_text(u->ctl->mem, s) :
		   NULL;
}

static struct json_object *
parse(const struct unpack *u)
{
	struct json_tokener *tokener = mem_need(json_tokener_new_ex(8));
	struct json_object *object;

	json_tokener_set_flags(tokener, json_flags());
	object =
	    json_tokener_parse_ex(tokener, u->text.data, (int)u->text.len + 1);
	json_tokener_free(tokener);
	return object;
}

static int
take_manifest(struct unpack *u)
{
	struct json_object *object = parse(u);
	int64_t format = -1, schema = -1;
	const char *program = read_text(u, object, "program");

	(void)read_number(object, "format", &format);
	(void)read_number(object, "schema", &schema);
	u->facts.version = read_text(u, object, "version");
	u->facts.host = read_text(u, object, "host");
	u->facts.created_at = read_text(u, object, "created_at");
	u->facts.schema = (int)schema;
	json_object_put(object);
	if (!program || strcmp(program, "moviesxmovies") != 0 || format < 1 ||
	    !u->facts.version || !u->facts.host || !u->facts.created_at ||
	    schema < 1 || schema > INT32_MAX)
		return bad(u, "not a backup of moviesxmovies");
	if (format > BACKUP_FORMAT || schema > migrate_newest())
		return bad(u,
		    "made by a newer version, %s, with migration %d; this one "
		    "is %s and has %d: install that version",
		    u->facts.version, u->facts.schema, PACKAGE_VERSION,
		    migrate_newest());
	return EX_OK;
}

static int
take_end(struct unpack *u)
{
	struct json_object *object = parse(u);
	unsigned char digest[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof digest + 1];
	struct dump_counts *n = &u->facts.counts;
	const char *sha256 = read_text(u, object, "sha256");
	int64_t members;
	bool good;

	crypto_hash_sha256_final(&u->all, digest);
	sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
	good = read_number(object, "members", &members) &&
	       read_number(object, "accounts", &n->accounts) &&
	       read_number(object, "movies", &n->movies) &&
	       read_number(object, "ratings", &n->ratings) &&
	       read_number(object, "reviews", &n->reviews);
	json_object_put(object);
	if (!good || members != u->facts.members || u->parts == 0 ||
	    u->batch > 0 || !sha256 || strcmp(sha256, hex) != 0)
		return bad(u, "damaged: members are missing or altered");
	u->facts.bytes = archive_filter_bytes(u->from, -1);
	u->ended = true;
	return EX_OK;
}

/* -------------------------------------------------------------- members */

/* The first line that differs names the damaged member. */
static int
take_digests(struct unpack *u)
{
	const char *is = u->text.data, *expected = u->digests.data;
	size_t i = 0, n;

	if (u->batch == 0)
		return bad(u, "damaged: digests of no members");
	crypto_hash_sha256_update(
	    &u->all, (const unsigned char *)is, u->text.len);
	if (u->text.len == u->digests.len &&
	    memcmp(is, expected, u->text.len) == 0) {
		buf_cut(&u->digests, 0);
		u->batch = 0;
		return EX_OK;
	}
	while (is[i] && is[i] == expected[i])
		i++;
	while (i > 0 && expected[i - 1] != '\n')
		i--;
	n = strcspn(expected + i, "\n");
	return bad(u, "damaged: the digest of %.*s differs",
	    n > 66 ? (int)n - 66 : 0, n > 66 ? expected + i + 66 : "");
}

/* Numbered from 1 without gaps. */
static bool
is_next(const char *name, int *number)
{
	char expected[16];

	snprintf(expected, sizeof expected, "%08d", ++*number);
	return strcmp(name, expected) == 0;
}

static bool
is_setting(const char *name)
{
	return name[0] &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")] == 0;
}

/* Sets kind and name; false: it does not belong here. */
static bool
classify(struct unpack *u, const char *path)
{
	size_t i = 0;

	while (i < array_len(kinds) &&
	       strncmp(path, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
		i++;
	if (i == array_len(kinds))
		return false;
	u->kind = (enum kind)i;
	u->name = mem_text(u->member, path + strlen(kinds[i].prefix));
	switch (u->kind) {
	case SETTINGS:
	case MEDIA:
		return backup_is_path(u->name);
	case KEY:
		return is_setting(u->name) && ++u->keys <= KEYS_MAX;
	case DATABASE:
		return is_next(u->name, &u->parts);
	case DIGESTS:
		return is_next(u->name, &u->lists);
	default:
		return u->name[0] == '\0';
	}
}

/* A plain file with a known size, and nothing else. */
static bool
is_plain(struct archive_entry *entry)
{
	return archive_entry_filetype(entry) == AE_IFREG &&
	       !archive_entry_hardlink(entry) &&
	       !archive_entry_symlink(entry) &&
	       archive_entry_size_is_set(entry) &&
	       archive_entry_size(entry) >= 0 &&
	       archive_entry_sparse_count(entry) == 0;
}

/* The next member; at the end of the file *got is false. */
static int
next_member(struct unpack *u, bool *got)
{
	struct archive_entry *entry;
	int code = archive_read_next_header(u->from, &entry);
	const char *path;

	*got = code == ARCHIVE_OK;
	if (code == ARCHIVE_EOF)
		return EX_OK;
	if (code != ARCHIVE_OK)
		return bad_archive(u);
	path = archive_entry_pathname(entry);
	talloc_free(u->member);
	u->member = mem_need(talloc_new(u));
	if (u->ended || !path || strlen(path) > 2 * BACKUP_PATH_MAX ||
	    !classify(u, path) || !is_plain(entry) ||
	    (kinds[u->kind].size_max >= 0 &&
		archive_entry_size(entry) > kinds[u->kind].size_max))
		return bad(u, "it has a member that no backup has: %.100s",
		    path && text_is_utf8(path, strlen(path)) &&
			    backup_is_path(path) ?
			path :
			"(a path that is refused)");
	crypto_hash_sha256_init(&u->one);
	buf_cut(&u->text, 0);
	return EX_OK;
}

static void
add_digest(struct unpack *u)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof digest + 1];

	crypto_hash_sha256_final(&u->one, digest);
	buf_printf(&u->digests, "%s  %s%s\n",
	    sodium_bin2hex(hex, sizeof hex, digest, sizeof digest),
	    kinds[u->kind].prefix, u->name);
	u->facts.members++;
	u->batch++;
}

static int
pass_on(
    struct unpack *u, const struct unpack_sink *sink, const void *p, size_t n)
{
	if (u->kind == MEDIA && sink->media)
		return sink->media(sink->arg, u->name, p, n);
	if (u->kind == DATABASE && sink->dump && n > 0)
		return sink->dump(sink->arg, p, n);
	if (u->kind != MEDIA && u->kind != DATABASE && u->kind != SETTINGS)
		buf_add(&u->text, p, n);
	return EX_OK;
}

/* The data of a member. libarchive returns pieces with their offset. */
static int
read_data(
    struct unpack *u, const struct unpack_sink *sink, struct progress *shown)
{
	int status = EX_OK;
	int64_t done = 0;

	while (status == EX_OK) {
		la_int64_t offset;
		const void *p;
		size_t n;
		int code = archive_read_data_block(u->from, &p, &n, &offset);

		if (code == ARCHIVE_EOF)
			break;
		if (code != ARCHIVE_OK || offset != done)
			return bad_archive(u);
		crypto_hash_sha256_update(&u->one, p, n);
		done += (int64_t)n;
		if (n > 0)
			status = pass_on(u, sink, p, n);
		if (status == EX_OK)
			status = backup_stopped(u->ctl);
		if (shown)
			progress_at(shown, archive_filter_bytes(u->from, -1));
	}
	return status == EX_OK && u->kind == MEDIA ? pass_on(u, sink, "", 0) :
						     status;
}

static int
take_key(struct unpack *u, const struct unpack_sink *sink)
{
	size_t n = u->text.len;

	if (n > 0 && u->text.data[n - 1] == '\n')
		buf_cut(&u->text, --n);
	if (n == 0 || !text_is_utf8(u->text.data, n) ||
	    !is_printable(u->text.data))
		return bad(u, "damaged: keys/%s is not a secret", u->name);
	return sink->key ? sink->key(sink->arg, u->name, u->text.data) : EX_OK;
}

static int
read_member(
    struct unpack *u, const struct unpack_sink *sink, struct progress *shown)
{
	int status = read_data(u, sink, shown);

	if (status != EX_OK)
		return status;
	if (u->kind == END)
		return take_end(u);
	if (u->kind == DIGESTS)
		return take_digests(u);
	add_digest(u);
	if (u->batch > BACKUP_BATCH)
		return bad(u, "damaged: digests are missing");
	if (u->kind == KEY)
		return take_key(u, sink);
	u->facts.pictures += u->kind == MEDIA;
	return EX_OK;
}

/* ----------------------------------------------------------- whole file */

static int
open_archive(struct unpack *u)
{
	backup_use_utf8();
	u->from = mem_need(archive_read_new());
	talloc_set_destructor(u, destroy);
	if (archive_read_support_format_tar(u->from) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(u->from) != ARCHIVE_OK ||
	    archive_read_open_fd(u->from, u->fd, BLOCK) != ARCHIVE_OK)
		return bad_archive(u);
	return EX_OK;
}

int
unpack_open(struct ctl *ctl, const char *path, struct unpack **out)
{
	static const struct unpack_sink none = { NULL, NULL, NULL, NULL };
	struct unpack *u = mem_new(ctl->mem, struct unpack);
	bool is_stdin = strcmp(path, "-") == 0, got = false;
	int status;

	u->ctl = ctl;
	u->path = is_stdin ? "standard input" : path;
	u->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (u->fd < 0)
		return backup_fail(ctl,
		    errno == ENOENT ? EX_NOINPUT : EX_NOPERM,
		    "cannot open %s: %s", path, strerror(errno));
	buf_init(&u->text, u, 4096);
	buf_init(&u->digests, u, 4096);
	crypto_hash_sha256_init(&u->all);
	status = open_archive(u);
	if (status == EX_OK)
		status = next_member(u, &got);
	if (status == EX_OK && (!got || u->kind != MANIFEST))
		status = bad(u, "not a backup of moviesxmovies");
	if (status == EX_OK)
		status = read_member(u, &none, NULL);
	if (status == EX_OK)
		status = take_manifest(u);
	*out = u;
	return status;
}

const struct backup_facts *
unpack_facts(const struct unpack *u)
{
	return &u->facts;
}

int
unpack_run(
    struct unpack *u, const struct unpack_sink *sink, struct progress *shown)
{
	int status = EX_OK;
	bool got = true;

	while (status == EX_OK) {
		status = next_member(u, &got);
		if (status != EX_OK || !got)
			break;
		if (u->kind == MANIFEST)
			return bad(u, "damaged: a second manifest");
		status = read_member(u, sink, shown);
	}
	if (status == EX_OK && !u->ended)
		return bad(u, "truncated: its end is missing");
	return status;
}
