/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes the file of a backup with libarchive, in one pass. The size of a
 * member stands before its data, so output of unknown length is cut into parts.
 */
#include "base/base.h"

#include <archive.h>
#include <archive_entry.h>
#include <sodium.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "ctl/backup/backup.h"

#define CHUNK ((size_t)64 * 1024)

struct pack {
	struct ctl *ctl;
	const char *path;
	struct file *file; /* NULL: standard output */
	struct archive *to;
	struct progress *shown;
	char label[48];
	struct buf digests; /* of members since the last digests/ */
	int batch;          /* their number */
	int lists;          /* number of the last digests/ */
	int64_t members;
	crypto_hash_sha256_state one, all; /* a member; all digests/ */
};

static int
destroy(struct pack *p)
{
	archive_write_free(p->to);
	return 0;
}

static int
failed(const struct pack *p)
{
	int error = archive_errno(p->to);

	return backup_fail(p->ctl, EX_IOERR, "%s: cannot write: %s", p->path,
	    error > 0 ? strerror(error) : archive_error_string(p->to));
}

static bool
is_in_media(const struct pack *p)
{
	const char *slash = strrchr(p->path, '/');
	const char *folder = !slash           ? "." :
			     slash == p->path ? "/" :
						mem_textn(p->ctl->mem, p->path,
						    (size_t)(slash - p->path));

	return ctl_is_in_media(p->ctl, folder);
}

/* Not over a device or a directory, which the rename would replace. */
static int
open_file(struct pack *p)
{
	struct stat st;

	if (lstat(p->path, &st) == 0 && !S_ISREG(st.st_mode))
		return backup_fail(p->ctl, EX_CANTCREAT,
		    "%s exists and is not a regular file; \"-\" writes to "
		    "standard output",
		    p->path);
	if (is_in_media(p))
		return backup_fail(p->ctl, EX_CANTCREAT,
		    "%s is in media_root, which the web server publishes",
		    p->path);
	p->file = file_new(p, p->path, 0600);
	if (!p->file)
		return backup_fail(p->ctl, EX_CANTCREAT, "cannot create %s: %s",
		    p->path, strerror(errno));
	return EX_OK;
}

int
pack_open(struct ctl *ctl, const char *path, bool zstd, struct progress *shown,
    struct pack **out)
{
	struct pack *p = mem_new(ctl->mem, struct pack);
	bool is_stdout = strcmp(path, "-") == 0;
	int status = EX_OK;

	p->ctl = ctl;
	p->shown = shown;
	p->path = is_stdout ? "standard output" : path;
	if (is_stdout && isatty(STDOUT_FILENO))
		return backup_fail(ctl, EX_USAGE,
		    "standard output is a terminal; redirect it to a file");
	if (!is_stdout)
		status = open_file(p);
	if (status != EX_OK)
		return status;
	backup_use_utf8();
	buf_init(&p->digests, p, CHUNK);
	crypto_hash_sha256_init(&p->all);
	p->to = mem_need(archive_write_new());
	talloc_set_destructor(p, destroy);
	*out = p;
	snprintf(p->label, sizeof p->label, "backup");
	progress_begin(shown, p->label, 0);
	/* no zeros after the end, which are not zstd */
	if (archive_write_set_bytes_in_last_block(p->to, 1) != ARCHIVE_OK ||
	    (zstd && archive_write_add_filter_zstd(p->to) != ARCHIVE_OK) ||
	    archive_write_set_format_pax_restricted(p->to) != ARCHIVE_OK ||
	    (is_stdout ?
		    archive_write_open_fd(p->to, STDOUT_FILENO) :
		    archive_write_open_FILE(p->to, p->file->to)) != ARCHIVE_OK)
		return failed(p);
	return EX_OK;
}

static int
begin(struct pack *p, const char *name, int64_t size, time_t changed)
{
	struct archive_entry *entry = mem_need(archive_entry_new());
	bool good;

	archive_entry_set_pathname(entry, name);
	archive_entry_set_size(entry, size);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_mtime(entry, changed, 0);
	good = archive_write_header(p->to, entry) == ARCHIVE_OK;
	archive_entry_free(entry);
	crypto_hash_sha256_init(&p->one);
	return good ? EX_OK : failed(p);
}

static int
put(struct pack *p, const void *data, size_t n)
{
	if (n > 0 && archive_write_data(p->to, data, n) != (la_ssize_t)n)
		return failed(p);
	crypto_hash_sha256_update(&p->one, data, n);
	snprintf(p->label, sizeof p->label, "backup, %" PRId64 " MB",
	    pack_bytes(p) / 1000000);
	progress_at(p->shown, 0);
	return EX_OK;
}

static int
put_whole(struct pack *p, const char *name, const void *data, size_t n)
{
	int status = begin(p, name, (int64_t)n, time(NULL));

	return status == EX_OK ? put(p, data, n) : status;
}

/* Not a member of which there is a digest. */
static int
put_digests(struct pack *p)
{
	char name[32];
	int status;

	if (p->batch == 0)
		return EX_OK;
	snprintf(name, sizeof name, BACKUP_DIGESTS "%08d", ++p->lists);
	crypto_hash_sha256_update(
	    &p->all, (const unsigned char *)p->digests.data, p->digests.len);
	status = put_whole(p, name, p->digests.data, p->digests.len);
	buf_cut(&p->digests, 0);
	p->batch = 0;
	return status;
}

static void
put_hex(struct buf *out, crypto_hash_sha256_state *state)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof digest + 1];

	crypto_hash_sha256_final(state, digest);
	buf_puts(out, sodium_bin2hex(hex, sizeof hex, digest, sizeof digest));
}

static int
end(struct pack *p, const char *name)
{
	put_hex(&p->digests, &p->one);
	buf_printf(&p->digests, "  %s\n", name);
	p->members++;
	return ++p->batch == BACKUP_BATCH ? put_digests(p) : EX_OK;
}

int
pack_add(struct pack *p, const char *name, const void *data, size_t n)
{
	int status = put_whole(p, name, data, n);

	return status == EX_OK ? end(p, name) : status;
}

int
pack_copy(
    struct pack *p, const char *name, int fd, int64_t size, time_t changed)
{
	static char chunk[CHUNK];
	int status = begin(p, name, size, changed);

	while (status == EX_OK && size > 0) {
		size_t most = size < (int64_t)CHUNK ? (size_t)size : CHUNK;
		ssize_t n = read(fd, chunk, most);

		if (n < 0 && errno == EINTR)
			status = backup_stopped(p->ctl);
		else if (n <= 0)
			return backup_fail(p->ctl, EX_IOERR,
			    "cannot read %s: %s", name,
			    n < 0 ? strerror(errno) :
				    "it became shorter meanwhile");
		else
			status = put(p, chunk, (size_t)n);
		size -= n > 0 ? n : 0;
	}
	return status == EX_OK ? end(p, name) : status;
}

static int
put_end(struct pack *p, const struct dump_counts *counts)
{
	struct json j;
	struct buf out, hex;

	buf_init(&out, p, 512);
	buf_init(&hex, p, 128);
	put_hex(&hex, &p->all);
	json_init(&j, &out);
	json_object(&j);
	json_key(&j, "members");
	json_int(&j, p->members);
	json_key(&j, "sha256");
	json_text(&j, hex.data);
	json_key(&j, "accounts");
	json_int(&j, counts->accounts);
	json_key(&j, "movies");
	json_int(&j, counts->movies);
	json_key(&j, "ratings");
	json_int(&j, counts->ratings);
	json_key(&j, "reviews");
	json_int(&j, counts->reviews);
	json_object_end(&j);
	buf_putc(&out, '\n');
	return put_whole(p, BACKUP_END, out.data, out.len);
}

int
pack_finish(struct pack *p, const struct dump_counts *counts)
{
	int status = put_digests(p);

	if (status == EX_OK)
		status = put_end(p, counts);
	if (status != EX_OK)
		return status;
	if (archive_write_close(p->to) != ARCHIVE_OK)
		return failed(p);
	if (p->file && !file_finish(p->file))
		return backup_fail(p->ctl, EX_IOERR, "cannot write %s: %s",
		    p->path, strerror(errno));
	p->file = NULL;
	return EX_OK;
}

int64_t
pack_bytes(const struct pack *p)
{
	return archive_filter_bytes(p->to, -1);
}
