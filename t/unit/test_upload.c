/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Uploaded pictures: what counts as one, and how it gets to the disk.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/upload.h"
#include "base/conf.h"
#include "base/mem.h"
#include "http/problem.h"

static char root[] = "/tmp/mxmu-XXXXXX";
static struct conf conf = { .upload_limit = 100,
	.image_memory = (size_t)512 << 20,
	.request_deadline = 30000 };
static struct req req;

static void
begin(void)
{
	mem_init();
	cr_assert_not_null(mkdtemp(root));
	conf.media_root = root;
	req.mem = talloc_new(NULL);
	conf.image_program =
	    mem_printf(req.mem, "%s/mxm-image", getenv("MXM_BUILD"));
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

/* One white pixel. */
static const char png[] =
    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\b\0\0\0\0:~\x9bU\0\0\0\n"
    "IDATx\x9c"
    "c\xf8\x0f\0\1\1\1\0\xb1"
    "8\xf6\x14\0\0\0\0IEND\xae"
    "B`\x82";

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

static void
expect_files(const char *path)
{
	static const char *const ends[] = { "-1024.jpg", "-1024.webp",
		"-384.jpg", "-384.webp", "-128.jpg", "-128.webp" };
	struct stat st;

	cr_assert_eq(strncmp(path, "users/", 6), 0);
	cr_expect_eq(strspn(path + 6, "0123456789abcdef"), 32);
	cr_expect_str_eq(path + 6 + 32, ends[0]);
	for (size_t i = 0; i < array_len(ends); i++) {
		char *full = mem_printf(
		    req.mem, "%s/%.*s%s", root, 6 + 32, path, ends[i]);

		cr_expect_eq(stat(full, &st), 0, "%s", full);
		cr_expect_eq(st.st_mode & 0777, 0644);
		cr_expect_gt(st.st_size, 0);
	}
	cr_expect_eq(files_in("users"), 6, "no temporary file is left");
}

Test(upload, saved_whole_before_the_statement)
{
	struct upload u = UPLOAD(png);
	struct statement s = { .ends = ERR_OK }, same = { .ends = ERR_OK };

	cr_assert_eq(
	    upload_and_run(&req, &u, "users", run_statement, &s), ERR_OK);
	cr_expect_eq(s.files, 6);
	expect_files(s.path);
	cr_expect(upload_is_ours(s.path));
	cr_assert_eq(
	    upload_and_run(&req, &u, "users", run_statement, &same), ERR_OK);
	cr_expect_str_eq(same.path, s.path, "equal pictures, equal files");
	expect_files(s.path);
	upload_unlink(req.mem, root, s.path);
	cr_expect_eq(files_in("users"), 0);
}

Test(upload, used_again_it_counts_as_new)
{
	struct upload u = UPLOAD(png);
	struct statement s = { .ends = ERR_OK };
	const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct stat st;
	char *full;

	cr_assert_eq(
	    upload_and_run(&req, &u, "users", run_statement, &s), ERR_OK);
	full = mem_printf(req.mem, "%s/%s", root, s.path);
	cr_assert_eq(utimensat(AT_FDCWD, full, old, 0), 0);
	cr_assert_eq(
	    upload_and_run(&req, &u, "users", run_statement, &s), ERR_OK);
	cr_assert_eq(stat(full, &st), 0);
	cr_expect_gt(st.st_mtime, 1000);
	upload_unlink(req.mem, root, s.path);
}

Test(upload, no_statement_for_what_is_no_picture)
{
	struct upload u = UPLOAD("\xff\xd8\xff");
	struct statement s = { .ends = ERR_OK };

	cr_expect(
	    upload_is_picture(&req, &u), "its first bytes do not show it");
	cr_expect_eq(
	    upload_and_run(&req, &u, "users", run_statement, &s), ERR_INVALID);
	cr_expect_eq(s.calls, 0);
	cr_expect_eq(files_in("users"), 0);
	cr_assert_not_null(req.problem);
	cr_expect_str_eq(req.problem->list[0].field, "picture");
}

Test(upload, stays_when_nobody_knows_how_the_statement_ended)
{
	struct upload u = UPLOAD(png);
	struct statement s = { .ends = ERR_UNAVAILABLE };

	cr_expect_eq(upload_and_run(&req, &u, "users", run_statement, &s),
	    ERR_UNAVAILABLE);
	cr_expect_eq(files_in("users"), 6);
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

static void
expect_unavailable(void)
{
	struct upload u = UPLOAD(png);
	struct statement s = { .ends = ERR_OK };

	cr_expect_eq(upload_and_run(&req, &u, "users", run_statement, &s),
	    ERR_UNAVAILABLE);
	cr_expect_eq(s.calls, 0);
	cr_assert_not_null(req.problem);
	cr_expect_gt(req.problem->retry_after, 0);
}

Test(upload, no_statement_without_the_file)
{
	conf.media_root = "/nowhere/at/all";
	expect_unavailable();
}

Test(upload, no_statement_without_the_program)
{
	conf.image_program = "/nowhere/mxm-image";
	expect_unavailable();
}

Test(upload, paths_that_the_job_may_remove)
{
	static const char *const good[] = {
		"users/0123456789abcdef0123456789abcdef-1024.jpg",
		"users/0123456789abcdef0123456789abcdef.gif",
	};
	static const char *const bad[] = {
		"users/default.png",
		"users/0123456789abcdef0123456789abcdef-1024.webp",
		"users/0123456789abcdef0123456789abcdef-128.jpg",
		"users/0123456789abcdef0123456789abcdef.svg",
		"users/0123456789abcdef0123456789abcdef-1024.jpg.part",
		"users/0123456789abcdef-1024.jpg",
		"0123456789abcdef0123456789abcdef-1024.jpg",
		"users/../0123456789abcdef0123456789abcdef-1024.jpg",
		"",
	};

	for (size_t i = 0; i < array_len(good); i++)
		cr_expect(upload_is_ours(good[i]), "%s", good[i]);
	for (size_t i = 0; i < array_len(bad); i++)
		cr_expect_not(upload_is_ours(bad[i]), "%s", bad[i]);
}
