/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings: what is read from where, and how each fault is told.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/mem.h"

#define KEY "signing_key = 0123456789abcdef0123456789abcdef\n"

static char folder[] = "/tmp/mxm-conf-XXXXXX";
static char *file;
static struct conf *conf;
static struct conf_errors errors;

static void
put(const char *name, const char *text, mode_t mode)
{
	char *path = mem_printf(NULL, "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void
begin(void)
{
	cr_assert_not_null(mkdtemp(folder));
	file = mem_printf(NULL, "%s/mxm.conf", folder);
	cr_assert_eq(mkdir(mem_printf(NULL, "%s/conf.d", folder), 0700), 0);
}

static void
end(void)
{
	static const char *const names[] = { "mxm.conf", "conf.d/10.conf",
		"conf.d/20.conf", "key" };
	size_t i;

	for (i = 0; i < array_len(names); i++)
		(void)unlink(mem_printf(NULL, "%s/%s", folder, names[i]));
	(void)rmdir(mem_printf(NULL, "%s/conf.d", folder));
	(void)rmdir(folder);
}

static enum err
load(const char *text)
{
	put("mxm.conf", text, 0600);
	return conf_load(NULL, file, &conf, &errors);
}

/* One of the complaints holds both. */
static bool
told(const char *place, const char *word)
{
	size_t i;

	for (i = 0; i < errors.n; i++) {
		if (strstr(errors.list[i], place) &&
		    strstr(errors.list[i], word))
			return true;
	}
	for (i = 0; i < errors.n; i++)
		cr_log_warn("%s", errors.list[i]);
	return false;
}

TestSuite(conf, .init = begin, .fini = end);

Test(conf, defaults_are_there)
{
	cr_assert_eq(load(KEY), ERR_OK);
	cr_assert_eq(conf->limit_user, 2000);
	cr_assert_eq(conf->access_lifetime, 3600);
	cr_assert_eq(conf->request_deadline, 30000);
	cr_assert_eq(conf->body_limit, 1024 * 1024);
	cr_assert(conf->answer_cache);
	cr_assert_str_eq(conf->listen_fast, "/run/moviesxmovies/fast.sock");
	cr_assert(conf_is_default(conf, CONF_ID_limit_user));
	cr_assert_not(conf_is_default(conf, CONF_ID_signing_key));
}

Test(conf, values_comments_and_units)
{
	cr_assert_eq(load("# a comment\n\n  limit_user=5 \n"
			  "refresh_lifetime = 2d\nbody_limit = 64K\n"
			  "statement_timeout = 500ms\n"
			  "answer_cache = off\nrun_dir = /tmp/x\n" KEY),
	    ERR_OK);
	cr_assert_eq(conf->limit_user, 5);
	cr_assert_eq(conf->refresh_lifetime, 2 * 86400);
	cr_assert_eq(conf->body_limit, 65536);
	cr_assert_eq(conf->statement_timeout, 500);
	cr_assert_not(conf->answer_cache);
	cr_assert_str_eq(conf->listen_slow, "/tmp/x/slow.sock");
}

Test(conf, later_files_and_the_environment_win)
{
	put("conf.d/10.conf", "limit_user = 10\nlimit_code = 10\n", 0600);
	put("conf.d/20.conf", "limit_user = 20\n", 0600);
	cr_assert_eq(setenv("MXM_LIMIT_LOGIN", "30", 1), 0);
	cr_assert_eq(load("limit_user = 5\nlimit_login = 5\n" KEY), ERR_OK);
	cr_assert_eq(conf->limit_user, 20);
	cr_assert_eq(conf->limit_code, 10);
	cr_assert_eq(conf->limit_login, 30);
}

Test(conf, all_faults_are_told_with_their_lines)
{
	cr_assert_eq(load("limit_user = many\n"
			  "workrs = 4\n"
			  "nonsense\n"
			  "public_origin = ftp://x/\n"
			  "body_limit = 1Q\n" KEY),
	    ERR_INVALID);
	cr_assert(told(":1:", "limit_user"));
	cr_assert(told(":2:", "workers"));
	cr_assert(told(":3:", "="));
	cr_assert(told(":4:", "public_origin"));
	cr_assert(told(":5:", "body_limit"));
	cr_assert_eq(errors.n, 5);
}

Test(conf, a_signing_key_is_needed)
{
	cr_assert_eq(load(""), ERR_INVALID);
	cr_assert(told("signing_key", "openssl"));
	cr_assert_eq(load("signing_key = short\n"), ERR_INVALID);
	cr_assert(told(":1:", "32"));
}

Test(conf, secrets_come_from_files_nobody_else_reads)
{
	char *line = mem_printf(NULL, "signing_key_file = %s/key\n", folder);

	put("key", "0123456789abcdef0123456789abcdef\n", 0640);
	cr_assert_eq(load(line), ERR_OK);
	cr_assert_str_eq(conf->signing_key, "0123456789abcdef0123456789abcdef");
	put("key", "0123456789abcdef0123456789abcdef\n", 0644);
	cr_assert_eq(load(line), ERR_INVALID);
	cr_assert(told("key", "chmod"));
}

Test(conf, secrets_come_from_credentials)
{
	put("key", "x", 0600);
	cr_assert_eq(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
	cr_assert_eq(rename(mem_printf(NULL, "%s/key", folder),
			 mem_printf(NULL, "%s/signing_key", folder)),
	    0);
	cr_assert_eq(load(""), ERR_INVALID); /* too short, but found */
	cr_assert(told("signing_key", "32"));
	(void)unlink(mem_printf(NULL, "%s/signing_key", folder));
}

Test(conf, a_file_that_is_not_there)
{
	cr_assert_eq(conf_load(NULL, "/nonexistent/mxm.conf", &conf, &errors),
	    ERR_NOT_FOUND);
	cr_assert_geq(errors.n, 1);
}
