/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pictures on disk. A file is written under a temporary name, synced and
 * renamed, so that it is complete under its final name. The widest JPEG is
 * written first and removed last: it stands for the others.
 */
#include "base/base.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/image.h"
#include "api/upload.h"
#include "base/conf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/query.h"
#include "db/row.h"
#include "http/problem.h"
#include "i18n/msg.h"

#define HASH_BYTES    16
#define HASH_DIGITS   ((size_t)2 * HASH_BYTES)
#define RETRY_SECONDS 30

struct statement {
	upload_statement *run;
	void *arg;
};

static const int widths[] = IMAGE_WIDTHS;
static const char *const suffixes[IMAGE_FORMATS] = { "jpg", "webp" };

/* Formats by their first bytes; '?' matches any byte. */
static const struct {
	const char *suffix; /* of a file of an earlier version */
	const char *magic;
	size_t n;
} formats[] = {
	{ "jpg", "\xff\xd8\xff", 3 },
	{ "png", "\x89PNG\r\n\x1a\n????IHDR", 16 },
	{ "webp", "RIFF????WEBPVP8", 15 },
	{ "gif", "GIF87a", 6 },
	{ "gif", "GIF89a", 6 },
};

static bool
begins_with(const struct upload *u, const char *magic, size_t n)
{
	if (u->len < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (magic[i] != '?' && magic[i] != u->data[i])
			return false;
	}
	return true;
}

bool
upload_is_picture(const struct req *r, const struct upload *u)
{
	if (u->len > r->conf->upload_limit)
		return false;
	for (size_t i = 0; i < array_len(formats); i++) {
		if (begins_with(u, formats[i].magic, formats[i].n))
			return true;
	}
	return false;
}

void
upload_refuse(struct req *r)
{
	const char *args[3] = { msg_size(
	    r->mem, r->lang, r->conf->upload_limit) };

	add_error(r, ERR_INVALID, "picture", MSG_PICTURE_INVALID, args);
}

/* ----------------------------------------------------------------- files */

/* The path of a file of a picture whose widest JPEG is at `path`. */
static char *
file_path(TALLOC_CTX *mem, const char *path, int i)
{
	return mem_printf(mem, "%.*s-%d.%s", (int)(strrchr(path, '-') - path),
	    path, widths[i / IMAGE_FORMATS], suffixes[i % IMAGE_FORMATS]);
}

static char *
path_of(TALLOC_CTX *mem, const char *folder, const struct image *image)
{
	unsigned char hash[HASH_BYTES];
	char hex[HASH_DIGITS + 1];
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, sizeof hash);
	for (int i = 0; i < IMAGE_FILES; i++)
		crypto_generichash_update(&state,
		    (const unsigned char *)image->file[i].data,
		    image->file[i].len);
	crypto_generichash_final(&state, hash, sizeof hash);
	sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
	return mem_printf(
	    mem, "%s/%s-%d.%s", folder, hex, widths[0], suffixes[0]);
}

static bool
make_folder(const char *path)
{
	if (mkdir(path, 0755) == 0)
		return chmod(path, 0755) == 0;
	return errno == EEXIST;
}

/*
 * Writes the files that do not exist. The time of one that exists is set, so
 * that the job takes it for new until the row has been written.
 */
static bool
write_files(struct req *r, const char *path, const struct image *image)
{
	const char *root = r->conf->media_root;

	for (int i = 0; i < IMAGE_FILES; i++) {
		char *full = mem_printf(
		    r->mem, "%s/%s", root, file_path(r->mem, path, i));
		char *name = strrchr(full, '/');

		if (utimensat(AT_FDCWD, full, NULL, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		*name = '\0';
		if (!file_save(full, name + 1, image->file[i].data,
			image->file[i].len, 0644)) {
			log_event(LOG_LEVEL_ERROR, EVENT_MEDIA_FAILED,
			    "media: cannot write a picture in %s: %s", full,
			    strerror(errno));
			return false;
		}
	}
	return true;
}

void
upload_unlink(TALLOC_CTX *mem, const char *media_root, const char *path)
{
	bool single = strchr(path, '-') == NULL;

	for (int i = single ? 0 : IMAGE_FILES - 1; i >= 0; i--) {
		char *full = mem_printf(mem, "%s/%s", media_root,
		    single ? path : file_path(mem, path, i));

		if (unlink(full) != 0 && errno != ENOENT)
			log_warn("media: cannot remove %s: %s", full,
			    strerror(errno));
	}
}

bool
upload_is_ours(const char *path)
{
	const char *slash = strchr(path, '/');
	const char *name = slash ? slash + 1 : "";
	size_t n = strspn(name, "0123456789abcdef");
	char widest[32];

	if (!slash || n != HASH_DIGITS)
		return false;
	snprintf(widest, sizeof widest, "-%d.%s", widths[0], suffixes[0]);
	if (strcmp(name + n, widest) == 0)
		return true;
	for (size_t i = 0; i < array_len(formats); i++) {
		if (name[n] == '.' &&
		    strcmp(name + n + 1, formats[i].suffix) == 0)
			return true;
	}
	return false;
}

/* ------------------------------------------------------------------ lock */

/* The lock is on the folder itself. */
static int
lock_folder(const char *folder, int how)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	while (flock(fd, how) != 0) {
		if (errno == EINTR)
			continue;
		close(fd);
		return -1;
	}
	return fd;
}

int
upload_lock(TALLOC_CTX *mem, const char *media_root, const char *folder)
{
	const char *path = mem_printf(mem, "%s/%s", media_root, folder);
	int fd = lock_folder(path, LOCK_EX);

	if (fd < 0 && errno != ENOENT)
		log_error("media: cannot lock %s: %s", path, strerror(errno));
	return fd;
}

/* Removes the files of a failed statement unless something has them. */
static void
remove_unused(struct req *r, const char *folder, const char *path)
{
	const char *paths[] = { path };
	struct rows rows;
	int lock = upload_lock(r->mem, r->conf->media_root, folder);

	if (lock < 0)
		return;
	if (!query_all(r->mem, r->db, &rows, SQL_pictures_unused,
		arg_text_array(paths, 1)) &&
	    rows.count > 0)
		upload_unlink(r->mem, r->conf->media_root, path);
	close(lock);
}

static enum err
fail_write(struct req *r)
{
	return fail_retry(r, ERR_UNAVAILABLE, MSG_UNAVAILABLE, RETRY_SECONDS);
}

/* Files and statement under one lock. *in_use: there may be a row with it. */
static enum err
store_and_run(struct req *r, const char *path, const struct image *image,
    const struct statement *s, bool *in_use)
{
	const char *folder = mem_printf(r->mem, "%s/%.*s", r->conf->media_root,
	    (int)(strrchr(path, '/') - path), path);
	int lock = make_folder(folder) ? lock_folder(folder, LOCK_SH) : -1;
	enum err e;

	if (lock < 0) {
		log_event(LOG_LEVEL_ERROR, EVENT_MEDIA_FAILED, "media: %s: %s",
		    folder, strerror(errno));
		return fail_write(r);
	}
	if (write_files(r, path, image)) {
		e = s->run(r, path, s->arg);
		*in_use = !e || e == ERR_UNAVAILABLE;
	} else {
		e = fail_write(r);
	}
	close(lock);
	return e;
}

enum err
upload_and_run(struct req *r, const struct upload *u, const char *folder,
    upload_statement *run, void *arg)
{
	const struct statement s = { run, arg };
	struct image image;
	bool in_use = false;
	char *path;
	enum err e;

	if (!u)
		return run(r, NULL, arg);
	e = image_convert(r->mem, r->conf, u->data, u->len, &image);
	if (e == ERR_INVALID)
		upload_refuse(r);
	if (e)
		return e == ERR_INVALID ? e : fail_write(r);
	path = path_of(r->mem, folder, &image);
	e = store_and_run(r, path, &image, &s, &in_use);
	if (!in_use)
		remove_unused(r, folder, path);
	return e;
}
