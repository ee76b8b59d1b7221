/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copying pictures: what is copied, links, what is in the way, and the end by a
 * signal.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <ftw.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "import/media.h"

static TALLOC_CTX *mem;
static char folder[] = "/tmp/mxm-media-XXXXXX";
static volatile sig_atomic_t stop;
static struct media_copy copy;

static const char *
at(const char *path)
{
	return mem_printf(mem, "%s/%s", folder, path);
}

static void
put(const char *name, const char *text)
{
	cr_assert(file_save(folder, name, text, strlen(text), 0644));
}

static void
set_up(void)
{
	static const char *const folders[] = { "from", "from/a", "from/a/b",
		"to", "secret" };

	mem = talloc_new(NULL);
	cr_assert_not_null(mkdtemp(folder));
	for (size_t i = 0; i < array_len(folders); i++)
		cr_assert_eq(mkdir(at(folders[i]), 0755), 0);
	put("from/a/b/1.png", "one");
	put("from/2.png", "two");
	put("secret/3.png", "three");
	cr_assert_eq(symlink("../../secret/3.png", at("from/a/4.png")), 0);
	cr_assert_eq(symlink("../secret", at("from/c")), 0);
	cr_assert_eq(mkfifo(at("from/5.png"), 0644), 0);
	copy = (struct media_copy){
		.from = at("from"), .to = at("to"), .stop = &stop
	};
}

static int
remove_entry(
    const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	return remove(path);
}

static void
tear_down(void)
{
	cr_expect_eq(nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
	talloc_free(mem);
}

TestSuite(import_media, .init = set_up, .fini = tear_down);

/* Names of files in a folder of the target, hidden ones too; -1: no folder. */
static int
files_in(const char *path)
{
	DIR *dir = opendir(at(path));
	struct dirent *entry;
	int n = 0;

	if (!dir)
		return -1;
	while ((entry = readdir(dir)) != NULL)
		n += strcmp(entry->d_name, ".") != 0 &&
		     strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static size_t missing[16];
static size_t n_missing;

static void
note(void *arg, size_t i, int why)
{
	cr_expect_eq(why == ENOENT, i == 1 || i == 5);
	missing[n_missing++] = i;
	if (arg)
		stop = 1;
}

Test(import_media, listed)
{
	static const char *const paths[] = { "a/b/1.png", "gone/4.png", "5.png",
		"c/3.png", "2.png", "no.png", "a/b", "a/4.png" };
	struct media_list list = {
		.paths = paths, .n = array_len(paths), .missing = note
	};

	cr_assert(media_copy_list(mem, &copy, &list), "%s", copy.why);
	cr_expect_eq(copy.copied, 2);
	cr_expect_eq(n_missing, 6);
	cr_expect_eq(missing[0], 1);
	cr_expect_eq(missing[1], 2);
	cr_expect_eq(missing[2], 3);
	cr_expect_eq(files_in("to"), 2);
	cr_expect_eq(files_in("to/a/b"), 1);
	cr_assert(media_copy_list(mem, &copy, &list));
	cr_expect_eq(copy.copied, 0);
	cr_expect_eq(copy.there, 2);
}

Test(import_media, folder)
{
	cr_assert(media_copy(mem, &copy), "%s", copy.why);
	cr_expect_eq(copy.copied, 2);
	cr_expect_eq(files_in("to"), 2);
	cr_expect_eq(files_in("to/a"), 1);
}

Test(import_media, links_of_the_target)
{
	cr_assert_eq(symlink("../secret", at("to/a")), 0);
	cr_expect_not(media_copy(mem, &copy));
	cr_expect_not_null(strstr(copy.why, "cannot make a: "));
	cr_expect_eq(files_in("secret"), 1);
}

Test(import_media, signal_between_files)
{
	static const char *const paths[] = { "2.png", "no.png", "a/b/1.png" };
	struct media_list list = { .paths = paths,
		.n = array_len(paths),
		.missing = note,
		.arg = &list };

	cr_expect_not(media_copy_list(mem, &copy, &list));
	cr_expect_eq(copy.copied, 1);
	cr_expect_eq(files_in("to"), 1);
}

Test(import_media, signal_within_a_file)
{
	stop = 1;
	cr_expect_not(media_copy(mem, &copy));
	cr_expect_eq(copy.copied, 0);
	cr_expect_leq(files_in("to/a/b"), 0);
	cr_expect_leq(files_in("to"), 1); /* the folder a */
	cr_expect_eq(access(at("to/2.png"), F_OK), -1);
}

Test(import_media, no_room)
{
	const struct rlimit limit = { 4, 4 };

	signal(SIGXFSZ, SIG_IGN);
	put("from/2.png", "more than four bytes");
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_not(media_copy(mem, &copy));
	cr_expect_not_null(strstr(copy.why, "cannot write 2.png: "));
	cr_expect_eq(access(at("to/2.png"), F_OK), -1);
	cr_expect_eq(access(at("to/.2.png.part"), F_OK), -1);
}
