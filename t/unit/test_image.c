/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The program that decodes a picture, from the side of its caller: whatever it
 * answers or does not answer. Scripts stand in for a decoder that was taken
 * over; t/api/test_pictures.py has the pictures.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/image.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

static char folder[] = "/tmp/mxmi-XXXXXX";
static struct conf conf = { .image_memory = (size_t)512 << 20,
	.request_deadline = 30000 };
static TALLOC_CTX *mem;

static void
begin(void)
{
	mem_init();
	mem = talloc_new(NULL);
	cr_assert_not_null(mkdtemp(folder));
	conf.image_program = mem_printf(mem, "%s/program", folder);
}

static void
end(void)
{
	(void)unlink(conf.image_program);
	rmdir(folder);
	talloc_free(mem);
}

TestSuite(image, .init = begin, .fini = end);

/* Converts a megabyte with a shell script as the program. */
static enum err
with(const char *script, struct image *out)
{
	static char data[1 << 20];
	const char *text = mem_printf(mem, "#!/bin/sh\n%s\n", script);

	cr_assert(
	    file_save(folder, "program", text, strlen(text), (mode_t)0755));
	return image_convert(mem, &conf, data, sizeof data, out);
}

/* An answer whose first file has `first` bytes: a head and six files. */
#define HEAD    "printf 'mxmimg1\\000"
#define SIZE(N) "\\" N "\\000\\000\\000"
#define JPEG    "\\377\\330\\377................"
#define WEBP    "RIFF..............."
#define REST    SIZE("023") SIZE("023") SIZE("023") SIZE("023") SIZE("023")
#define FILES   JPEG WEBP JPEG WEBP JPEG WEBP
#define ANSWER(N)                       \
	"cat >/dev/null; " HEAD SIZE(N) \
	REST FILES "'"

Test(image, an_answer_with_all_files)
{
	struct image image;

	cr_assert_eq(with(ANSWER("023"), &image), ERR_OK);
	for (int i = 0; i < IMAGE_FILES; i++)
		cr_expect_eq(image.file[i].len, 19);
	cr_expect_eq(memcmp(image.file[5].data, "RIFF", 4), 0);
}

Test(image, an_answer_before_the_input_was_read)
{
	struct image image;

	cr_expect_eq(
	    with(HEAD SIZE("023") REST FILES "'; exec >&-", &image), ERR_OK);
}

Test(image, answers_that_are_not_believed)
{
	static const char *const bad[] = {
		ANSWER("022"), /* a byte too many */
		ANSWER("024"), /* a byte too few */
		ANSWER("377"), /* beyond the end */
		ANSWER("000"), /* no file */
		HEAD "'",      /* half a head */
		"true",        /* nothing */
		"exit 71",     /* the host is at fault */
		"kill -9 $$",  /* as the kernel does for lack of memory */
		"cat >/dev/null; " HEAD SIZE("023")
		    REST WEBP WEBP WEBP WEBP WEBP WEBP
		"'",                            /* not the formats */
		"cat /dev/zero",                /* without an end */
		ANSWER("023") "; echo; exit 0", /* more than it announced */
	};
	struct image image;

	for (size_t i = 0; i < array_len(bad); i++)
		cr_expect_eq(
		    with(bad[i], &image), ERR_UNAVAILABLE, "%s", bad[i]);
}

Test(image, what_a_picture_is_to_blame_for)
{
	static const char *const refused[] = { "exit 65", "kill -SEGV $$",
		"kill -ABRT $$", "kill -XCPU $$", "kill -SYS $$" };
	struct image image;

	for (size_t i = 0; i < array_len(refused); i++)
		cr_expect_eq(
		    with(refused[i], &image), ERR_INVALID, "%s", refused[i]);
}

/* A decoder that does not end is killed, whatever it has closed. */
Test(image, the_time_is_limited)
{
	static const char *const endless[] = {
		"exec sleep 1000",
		"exec sleep 1000 >&- <&-",
		"trap '' TERM HUP INT; exec sleep 1000",
	};
	struct image image;
	int64_t began;

	conf.request_deadline = 400;
	for (size_t i = 0; i < array_len(endless); i++) {
		began = clock_steady_us();
		cr_expect_eq(with(endless[i], &image), ERR_UNAVAILABLE, "%s",
		    endless[i]);
		cr_expect_geq(clock_steady_us() - began, 200000);
	}
}

Test(image, it_gets_no_environment)
{
	struct image image;

	cr_assert_eq(setenv("SECRET", "x", 1), 0);
	cr_expect_eq(
	    with("test -z \"$SECRET\" && exit 65", &image), ERR_INVALID);
}

Test(image, its_signals_are_the_standard_ones)
{
	struct image image;
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	/* INT and PIPE; TERM */
	cr_expect_eq(
	    with("value() { sed -n \"s/^$1:\\t/0x/p\" /proc/$$/status; }\n"
		 "[ $(($(value SigIgn) & 0x1002)) = 0 ] &&\n"
		 "    [ $(($(value SigBlk) & 0x4000)) = 0 ] && exit 65",
		&image),
	    ERR_INVALID);
}
