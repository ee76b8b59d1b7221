/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that are written atomically, and reading with a deadline.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

static char folder[] = "/tmp/mxm-file-XXXXXX";

static void
begin(void)
{
	cr_assert_not_null(mkdtemp(folder));
}

/* How many things lie in the folder; all are removed. */
static int
swept(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int n = 0;

	cr_assert_not_null(dir);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		(void)unlink(mem_printf(NULL, "%s/%s", folder, entry->d_name));
		n++;
	}
	closedir(dir);
	return n;
}

static void
end(void)
{
	(void)swept();
	(void)rmdir(folder);
}

TestSuite(file, .init = begin, .fini = end);

Test(file, is_written_with_its_mode)
{
	struct stat st;
	char text[8] = "";
	FILE *in;

	(void)umask(0077);
	cr_assert(file_save(folder, "a", "bytes", 5, 0644));
	cr_assert_eq(stat(mem_printf(NULL, "%s/a", folder), &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0644);
	in = fopen(mem_printf(NULL, "%s/a", folder), "r");
	cr_assert_eq(fread(text, 1, sizeof text, in), 5);
	fclose(in);
	cr_assert_str_eq(text, "bytes");
	cr_assert_eq(swept(), 1);
}

Test(file, leaves_nothing_of_what_failed)
{
	const struct rlimit small = { 4096, 4096 };
	char *big = mem_array(NULL, char, 100000);

	(void)signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	cr_assert_not(file_save(folder, "big", big, 100000, 0644));
	cr_assert_eq(errno, EFBIG);
	cr_assert_eq(swept(), 0);
}

Test(file, takes_the_place_of_another)
{
	const char *a = mem_printf(NULL, "%s/a", folder);
	const char *b = mem_printf(NULL, "%s/b", folder);

	cr_assert(file_save(folder, "a", "new", 3, 0644));
	cr_assert(file_save(folder, "b", "old", 3, 0644));
	cr_assert(file_rename(a, b));
	cr_assert_eq(swept(), 1);
	cr_assert_not(file_rename(a, b));
	cr_assert_eq(errno, ENOENT);
	cr_assert_eq(chdir(folder), 0);
	cr_assert(file_save(".", "a", "new", 3, 0644));
	cr_assert(file_rename("a", "b"), "in the current folder");
	cr_assert_eq(swept(), 1);
}

Test(file, needs_a_folder)
{
	cr_assert_not(file_save("/nonexistent", "a", "", 0, 0644));
	cr_assert_eq(errno, ENOENT);
}

Test(file, is_there_when_it_is_finished)
{
	const char *path = mem_printf(NULL, "%s/a", folder);
	struct file *file;
	struct stat st;

	(void)umask(0027);
	cr_assert(file_save(folder, "a", "old", 3, 0600));
	file = file_new(NULL, path, 0666);
	cr_assert_not_null(file);
	fputs("bytes", file->to);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_size, 3, "the old one until then");
	cr_assert(file_finish(file));
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_size, 5);
	cr_assert_eq(st.st_mode & 0777, 0640);
	cr_assert_eq(swept(), 1);
}

Test(file, leaves_nothing_unfinished)
{
	struct file *file =
	    file_new(NULL, mem_printf(NULL, "%s/a", folder), 0666);

	cr_assert_not_null(file);
	fputs("bytes", file->to);
	talloc_free(file);
	cr_assert_eq(swept(), 0);
	cr_assert_null(file_new(NULL, "/nonexistent/a", 0666));
	cr_assert_eq(errno, ENOENT);
}

Test(file, reads_until_the_end_or_the_deadline)
{
	int64_t far = clock_steady_us() + INT64_C(60000000);
	char text[4];
	int fd[2];

	cr_assert_eq(pipe(fd), 0);
	cr_assert(file_write_all(fd[1], "ab", 2));
	cr_assert_not(
	    file_read_until(fd[0], text, sizeof text, clock_steady_us() - 1));
	cr_assert_str_eq(text, "");
	cr_assert_not(file_read_until(
	    fd[0], text, sizeof text, clock_steady_us() + 20000));
	cr_assert_str_eq(text, "ab", "what came before the deadline");
	cr_assert(file_write_all(fd[1], "cdefg", 5));
	cr_assert(file_read_until(fd[0], text, sizeof text, far));
	cr_assert_str_eq(text, "cde", "no more than fits");
	close(fd[1]);
	cr_assert(file_read_until(fd[0], text, sizeof text, far));
	cr_assert_str_eq(text, "fg");
}

Test(file, is_the_same_until_it_is_written)
{
	const char *path = mem_printf(NULL, "%s/a", folder);
	struct stat before, after;

	cr_assert(file_save(folder, "a", "one", 3, 0644));
	cr_assert_eq(stat(path, &before), 0);
	cr_assert_eq(stat(path, &after), 0);
	cr_assert(file_is_same(&before, &after));
	cr_assert_eq(chmod(path, 0600), 0);
	cr_assert_eq(stat(path, &after), 0);
	cr_assert(file_is_same_inode(&before, &after));
	cr_assert(file_save(folder, "b", "two", 3, 0644));
	cr_assert(file_rename(mem_printf(NULL, "%s/b", folder), path));
	cr_assert_eq(stat(path, &after), 0);
	cr_assert_not(file_is_same(&before, &after));
	cr_assert_not(file_is_same_inode(&before, &after));
}
