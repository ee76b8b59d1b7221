/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pictures on disk. A file is written under a temporary name, synced and
 * renamed, so that it is complete under its final name.
 */
#include "base/base.h"

#include <sys/stat.h>
#include <unistd.h>

#include "api/upload.h"
#include "base/conf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "http/problem.h"
#include "i18n/msg.h"

#define NAME_BYTES    16
#define RETRY_SECONDS 30

/* Formats by their first bytes; '?' matches any byte. */
static const struct {
	const char *suffix;
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

static const char *
suffix_of(const struct upload *u)
{
	for (size_t i = 0; i < array_len(formats); i++) {
		if (begins_with(u, formats[i].magic, formats[i].n))
			return formats[i].suffix;
	}
	return NULL;
}

bool
upload_is_picture(const struct req *r, const struct upload *u)
{
	return u->len <= r->conf->upload_limit && suffix_of(u) != NULL;
}

static enum err
fail_write(struct req *r, const char *what, const char *path)
{
	log_error("media: cannot %s %s: %s", what, path, strerror(errno));
	return fail_retry(r, ERR_UNAVAILABLE, MSG_UNAVAILABLE, RETRY_SECONDS);
}

static bool
make_folder(const char *path)
{
	if (mkdir(path, 0755) == 0)
		return chmod(path, 0755) == 0;
	return errno == EEXIST;
}

enum err
upload_save(
    struct req *r, const struct upload *u, const char *folder, char **path)
{
	const char *suffix = suffix_of(u);
	char *dir, *file, name[2 * NAME_BYTES + 1];

	assert(suffix);
	random_hex(name, NAME_BYTES);
	dir = mem_printf(r->mem, "%s/%s", r->conf->media_root, folder);
	file = mem_printf(r->mem, "%s.%s", name, suffix);
	if (!make_folder(dir))
		return fail_write(r, "make", dir);
	if (!file_save(dir, file, u->data, u->len, 0644))
		return fail_write(r, "write a picture in", dir);
	*path = mem_printf(r->mem, "%s/%s", folder, file);
	return ERR_OK;
}

enum err
upload_and_run(struct req *r, const struct upload *u, const char *folder,
    upload_statement *run, void *arg)
{
	char *path = NULL;
	enum err e;

	if (u) {
		e = upload_save(r, u, folder, &path);
		if (e)
			return e;
	}
	e = run(r, path, arg);
	if (e && e != ERR_UNAVAILABLE && path)
		upload_unlink(r->mem, r->conf->media_root, path);
	return e;
}

bool
upload_is_ours(const char *path)
{
	const char *slash = strchr(path, '/');
	const char *name = slash ? slash + 1 : "";
	size_t n = strspn(name, "0123456789abcdef");

	if (!slash || n != (size_t)2 * NAME_BYTES || name[n] != '.')
		return false;
	for (size_t i = 0; i < array_len(formats); i++) {
		if (strcmp(name + n + 1, formats[i].suffix) == 0)
			return true;
	}
	return false;
}

void
upload_unlink(TALLOC_CTX *mem, const char *media_root, const char *path)
{
	char *full = mem_printf(mem, "%s/%s", media_root, path);

	if (unlink(full) != 0 && errno != ENOENT)
		log_warn("media: cannot remove %s: %s", full, strerror(errno));
}
