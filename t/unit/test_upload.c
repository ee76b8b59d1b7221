/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Uploaded pictures: what counts as one, and how it gets to the disk.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/upload.h"
#include "base/conf.h"
#include "base/mem.h"
#include "http/problem.h"

static char root[] = "/tmp/mxmu-XXXXXX";
static struct conf conf = { .upload_limit = 100 };
static struct req req;

static void
begin(void)
{
	mem_init();
	cr_assert_not_null(mkdtemp(root));
	conf.media_root = root;
	req.mem = talloc_new(NULL);
	req.conf = &conf;
}

static void
end(void)
{
	talloc_free(req.mem);
	rmdir(mem_printf(NULL, "%s/users", root));
	rmdir(root);
}

TestSuite(upload, .init = begin, .fini = end);

#define UPLOAD(BYTES) \
	((struct upload){ "me.jpg", "image/jpeg", (BYTES), sizeof(BYTES) - 1 })

static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1";

static int
files_in(const char *folder)
{
	DIR *dir = opendir(mem_printf(req.mem, "%s/%s", root, folder));
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n > 2 ? n - 2 : 0;
}

Test(upload, pictures_by_their_first_bytes)
{
	const struct upload good[] = {
		UPLOAD("\xff\xd8\xff\xe0 and so on"),
		UPLOAD(png),
		UPLOAD("GIF87a..."),
		UPLOAD("GIF89a"),
		UPLOAD("RIFF\x10\0\0\0WEBPVP8 "),
		UPLOAD("RIFF\x10\0\0\0WEBPVP8X"),
	};
	const struct upload bad[] = {
		UPLOAD(""),
		UPLOAD("\xff\xd8"),
		UPLOAD("GIF88a"),
		UPLOAD(" GIF89a"),
		UPLOAD("\x89PNG\r\n\x1a\n"),
		UPLOAD("RIFF\x10\0\0\0WAVEfmt "),
		UPLOAD("<svg xmlns='http://www.w3.org/2000/svg'/>"),
		UPLOAD("<html><script>"),
		UPLOAD("BM......"),
	};

	for (size_t i = 0; i < array_len(good); i++)
		cr_expect(upload_is_picture(&req, &good[i]), "%zu", i);
	for (size_t i = 0; i < array_len(bad); i++)
		cr_expect_not(upload_is_picture(&req, &bad[i]), "%zu", i);
}

Test(upload, size_is_limited)
{
	char data[101] = "GIF89a";
	struct upload u = { "a", "b", data, 100 };

	cr_expect(upload_is_picture(&req, &u));
	u.len = 101;
	cr_expect_not(upload_is_picture(&req, &u));
}

Test(upload, saved_whole_under_a_name_of_our_own)
{
	struct upload u = UPLOAD(png);
	char *path, *again, *full, back[64];
	struct stat s;
	FILE *f;

	cr_assert_eq(upload_save(&req, &u, "users", &path), ERR_OK);
	cr_assert_eq(upload_save(&req, &u, "users", &again), ERR_OK);
	cr_expect_str_neq(path, again);
	cr_expect_eq(strncmp(path, "users/", 6), 0);
	cr_expect_eq(strspn(path + 6, "0123456789abcdef"), 32);
	cr_expect_str_eq(path + 6 + 32, ".png");
	full = mem_printf(req.mem, "%s/%s", root, path);
	cr_assert_eq(stat(full, &s), 0);
	cr_expect_eq(s.st_mode & 0777, 0644);
	f = fopen(full, "rb");
	cr_assert_not_null(f);
	cr_expect_eq(fread(back, 1, sizeof back, f), sizeof png - 1);
	cr_expect_eq(memcmp(back, png, sizeof png - 1), 0);
	fclose(f);
	cr_expect_eq(files_in("users"), 2, "no temporary file is left");
	upload_unlink(req.mem, root, path);
	upload_unlink(req.mem, root, again);
	cr_expect_eq(files_in("users"), 0);
}

Test(upload, a_disk_that_refuses_is_503)
{
	struct upload u = UPLOAD(png);
	char *path;

	conf.media_root = "/nowhere/at/all";
	cr_expect_eq(upload_save(&req, &u, "users", &path), ERR_UNAVAILABLE);
	cr_assert_not_null(req.problem);
	cr_expect_gt(req.problem->retry_after, 0);
}

/* ------------------------------------------- a picture and its statement */

struct statement {
	enum err ends;    /* how it ends */
	char *path;       /* with which it ran */
	int files, calls; /* files that were there when it ran */
};

static enum err
run_statement(struct req *r, const char *picture, void *arg)
{
	struct statement *s = arg;

	s->calls++;
	s->path = picture ? mem_text(r->mem, picture) : NULL;
	s->files = files_in("users");
	return s->ends;
}

Test(upload, stays_when_the_statement_succeeds)
{
	struct upload u = UPLOAD(png);
	struct statement s = { .ends = ERR_OK };

	cr_expect_eq(
	    upload_and_run(&req, &u, "users", run_statement, &s), ERR_OK);
	cr_expect_eq(s.files, 1, "it is saved before the statement runs");
	cr_expect(upload_is_ours(s.path));
	cr_expect_eq(files_in("users"), 1);
	upload_unlink(req.mem, root, s.path);
}

Test(upload, goes_when_the_statement_fails)
{
	struct upload u = UPLOAD(png);
	struct statement s = { .ends = ERR_CONFLICT };

	cr_expect_eq(
	    upload_and_run(&req, &u, "users", run_statement, &s), ERR_CONFLICT);
	cr_expect_eq(s.files, 1);
	cr_expect_eq(files_in("users"), 0);
}

Test(upload, stays_when_nobody_knows_how_the_statement_ended)
{
	struct upload u = UPLOAD(png);
	struct statement s = { .ends = ERR_UNAVAILABLE };

	cr_expect_eq(upload_and_run(&req, &u, "users", run_statement, &s),
	    ERR_UNAVAILABLE);
	cr_expect_eq(files_in("users"), 1);
	upload_unlink(req.mem, root, s.path);
}

Test(upload, no_picture_is_no_file)
{
	struct statement s = { .ends = ERR_OK };

	cr_expect_eq(
	    upload_and_run(&req, NULL, "users", run_statement, &s), ERR_OK);
	cr_expect_eq(s.calls, 1);
	cr_expect_null(s.path);
	cr_expect_eq(files_in("users"), 0);
}

Test(upload, no_statement_without_the_file)
{
	struct upload u = UPLOAD(png);
	struct statement s = { .ends = ERR_OK };

	conf.media_root = "/nowhere/at/all";
	cr_expect_eq(upload_and_run(&req, &u, "users", run_statement, &s),
	    ERR_UNAVAILABLE);
	cr_expect_eq(s.calls, 0);
}
