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

/* One of the errors has both. */
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
	cr_assert_eq(conf->body_limit, 64 * 1024);
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

/* Fault 11 of the original: a built-in key. */
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

/* ------------------------------------------------------------------ lines */

Test(conf, odd_lines)
{
	cr_assert_eq(load("\r\nlimit_user = 5\r\n"
			  "database = dbname=a user=b # no comment\n"
			  "smtp_user =\n"
			  "\t# indented comment\n" KEY),
	    ERR_OK);
	cr_assert_eq(conf->limit_user, 5);
	cr_assert_str_eq(conf->database, "dbname=a user=b # no comment");
	cr_assert_str_eq(conf->smtp_user, "");
}

Test(conf, a_last_line_without_its_end)
{
	cr_assert_eq(load(KEY "limit_user = 6"), ERR_OK);
	cr_assert_eq(conf->limit_user, 6);
}

Test(conf, a_line_of_any_length)
{
	char *name = mem_array(NULL, char, 5001);

	memset(name, 'x', 5000);
	cr_assert_eq(
	    load(mem_printf(NULL, "database = dbname=%s\n" KEY, name)), ERR_OK);
	cr_assert_eq(strlen(conf->database), 5007);
}

Test(conf, a_setting_given_twice_in_a_file)
{
	cr_assert_eq(
	    load("limit_user = 1\nlimit_code = 2\nlimit_user = 3\n" KEY),
	    ERR_INVALID);
	cr_assert(told(":3:", "line 1"));
	cr_assert_eq(errors.n, 1);
}

Test(conf, what_is_no_text)
{
	cr_assert_eq(load("database = \xff\nsmtp_user = a\x01"
			  "b\n" KEY),
	    ERR_INVALID);
	cr_assert(told(":1:", "UTF-8"));
	cr_assert(told(":2:", "control character"));
	cr_assert_eq(errors.n, 2);
}

Test(conf, only_names_that_end_in_conf_are_read)
{
	put("conf.d/10.conf", "limit_user = 10\n", 0600);
	put("conf.d/20.conf~", "limit_user = 20\n", 0600);
	put("conf.d/.30.conf", "limit_user = 30\n", 0600);
	cr_assert_eq(load(KEY), ERR_OK);
	cr_assert_eq(conf->limit_user, 10);
	(void)unlink(mem_printf(NULL, "%s/conf.d/20.conf~", folder));
	(void)unlink(mem_printf(NULL, "%s/conf.d/.30.conf", folder));
}

Test(conf, a_folder_is_no_file)
{
	cr_assert_eq(conf_load(NULL, folder, &conf, &errors), ERR_NOT_FOUND);
	cr_assert(told(folder, "plain file"));
}

/* ------------------------------------------------------------------ types */

/* Is the value taken, and how does it stand afterwards? */
static const char *
normal(const char *name, const char *value, enum conf_id id)
{
	char *text = mem_printf(NULL, "%s = %s\n" KEY, name, value);

	return load(text) == ERR_OK ? conf->text[id] : NULL;
}

static bool
refused(const char *name, const char *value, const char *word)
{
	return load(mem_printf(NULL, "%s = %s\n" KEY, name, value)) ==
		   ERR_INVALID &&
	       told(":1:", word) && errors.n == 1;
}

Test(conf, origins)
{
	const enum conf_id id = CONF_ID_public_origin;

	cr_assert_str_eq(
	    normal("public_origin", "https://Movies.Example.ORG/", id),
	    "https://movies.example.org");
	cr_assert_str_eq(normal("public_origin", "http://127.0.0.1:8080", id),
	    "http://127.0.0.1:8080");
	cr_assert_str_eq(
	    normal("public_origin", "http://[::1]:80", id), "http://[::1]:80");
	cr_assert(
	    refused("public_origin", "movies.example.org", "not an origin"));
	cr_assert(refused("public_origin", "https://a/b", "not an origin"));
	cr_assert(refused("public_origin", "https://a:b", "not an origin"));
	cr_assert(
	    refused("public_origin", "https://a:123456", "not an origin"));
	cr_assert(refused("public_origin", "https://u@a", "not an origin"));
	cr_assert(refused("public_origin", "https://", "not an origin"));
	cr_assert(refused("public_origin", "https://[::1", "not an origin"));
	cr_assert(refused("public_origin", "javascript://a", "not an origin"));
	cr_assert(refused("public_origin", "", "is empty"));
}

Test(conf, lists)
{
	cr_assert_str_eq(normal("cors_origins", "https://a/ , http://B:1",
			     CONF_ID_cors_origins),
	    "https://a,http://b:1");
	cr_assert_str_eq(normal("cors_origins", "", CONF_ID_cors_origins), "");
	cr_assert(
	    refused("cors_origins", "https://a,,https://b", "empty item"));
	cr_assert(refused("cors_origins", "https://a,", "empty item"));
	cr_assert(refused("cors_origins", "*", "not an origin"));
	cr_assert_str_eq(
	    normal("cache_servers", "/a.sock,/b.sock", CONF_ID_cache_servers),
	    "/a.sock,/b.sock");
	cr_assert_str_eq(
	    normal("cache_servers", "", CONF_ID_cache_servers), "");
	cr_assert(refused("cache_servers", "localhost:11211", "absolute"));
}

Test(conf, numbers_and_modes)
{
	cr_assert(refused("workers", "", "not a number"));
	cr_assert(refused("workers", "-1", "not a number"));
	cr_assert(refused("workers", "1.5", "not a number"));
	cr_assert(refused("workers", "0x4", "not a number"));
	cr_assert(refused("workers", "1025", "too large"));
	cr_assert(refused("workers", "99999999999999999999", "not a number"));
	cr_assert_not_null(normal("workers", "1024", CONF_ID_workers));
	cr_assert(refused("socket_mode", "rw", "not a file mode"));
	cr_assert(refused("socket_mode", "0888", "not a file mode"));
	cr_assert(refused("socket_mode", "7777", "not a file mode"));
	cr_assert_not_null(normal("socket_mode", "660", CONF_ID_socket_mode));
	cr_assert_eq(conf->socket_mode, 0660);
	cr_assert(refused("answer_cache", "yes", "on or off"));
	cr_assert(refused("log_level", "loud", "warning"));
	cr_assert(
	    refused("mail_transport", "pigeon", "smtp, sendmail or file"));
}

Test(conf, times_and_sizes)
{
	cr_assert_not_null(
	    normal("request_deadline", "90", CONF_ID_request_deadline));
	cr_assert_eq(conf->request_deadline, 90000);
	cr_assert_not_null(
	    normal("access_lifetime", "1d", CONF_ID_access_lifetime));
	cr_assert_eq(conf->access_lifetime, 86400);
	cr_assert_not_null(
	    normal("statement_timeout", "0", CONF_ID_statement_timeout));
	cr_assert_eq(conf->statement_timeout, 0);
	cr_assert(refused("request_deadline", "99ms", "too short"));
	cr_assert(refused("request_deadline", "5s", "reduce it"));
	cr_assert(refused("statement_timeout", "30s", "reduce it"));
	cr_assert_not_null(
	    normal("statement_timeout", "29s", CONF_ID_statement_timeout));
	cr_assert(refused("request_deadline", "1y", "not a duration"));
	cr_assert(refused("request_deadline", "5 s", "not a duration"));
	cr_assert(refused("request_deadline", "-5s", "not a duration"));
	cr_assert(
	    refused("request_deadline", "999999999999999d", "not a duration"));
	cr_assert(refused("request_deadline", "9999d", "ten years"));
	cr_assert(refused("access_lifetime", "0", "whole number of seconds"));
	cr_assert(refused("access_lifetime", "1500ms", "whole number"));
	cr_assert(refused("body_limit", "0", "not a size"));
	cr_assert(refused("body_limit", "2G", "more than 1G"));
	cr_assert(refused("body_limit", "1MB", "not a size"));
	cr_assert(refused("body_limit", "4095", "too small"));
	cr_assert(refused("upload_limit", "1", "too small"));
	cr_assert_not_null(normal("body_limit", "4K", CONF_ID_body_limit));
}

Test(conf, paths_and_addresses)
{
	cr_assert(refused("media_root", "media", "absolute"));
	cr_assert(refused("media_root", "", "is empty"));
	cr_assert(refused("mail_from", "nobody", "mail address"));
	cr_assert(refused("mail_from", "a@b\tc@d", "mail address"));
	cr_assert_not_null(
	    normal("mail_from", "movies@localhost", CONF_ID_mail_from));
	cr_assert_eq(load("mail_transport = file\n" KEY), ERR_INVALID);
	cr_assert(told("mail_dir", "set a directory"));
}

/* ------------------------------------------------- what follows from what */

Test(conf, paths_follow_run_dir)
{
	cr_assert_eq(load("listen_slow = s/low\nrun_dir = /r\n" KEY), ERR_OK);
	cr_assert_str_eq(conf->listen_fast, "/r/fast.sock");
	cr_assert_str_eq(conf->listen_slow, "/r/s/low");
	cr_assert(conf_is_default(conf, CONF_ID_listen_fast));
	cr_assert_not(conf_is_default(conf, CONF_ID_listen_slow));
	cr_assert_eq(
	    load("listen_slow = /elsewhere/s\nrun_dir = /r\n" KEY), ERR_OK);
	cr_assert_str_eq(conf->listen_slow, "/elsewhere/s");
}

Test(conf, a_path_too_long_for_a_socket)
{
	char name[121] = "/";

	memset(name + 1, 'r', 119);
	cr_assert_eq(
	    load(mem_printf(NULL, "run_dir = %s\n" KEY, name)), ERR_INVALID);
	cr_assert(told("listen_fast", "107"));
	cr_assert(told("listen_slow", "107"));
}

Test(conf, addresses_follow_the_public_origin)
{
	cr_assert_eq(
	    load("public_origin = https://m.example.org:8443\n" KEY), ERR_OK);
	cr_assert_str_eq(conf->site_origin, "https://m.example.org:8443");
	cr_assert_str_eq(conf->mail_from, "moviesxmovies@m.example.org");
	cr_assert_eq(load("public_origin = http://[::1]:8080\n"
			  "site_origin = https://front.example.org\n" KEY),
	    ERR_OK);
	cr_assert_str_eq(conf->site_origin, "https://front.example.org");
	cr_assert_str_eq(conf->mail_from, "moviesxmovies@localhost");
	cr_assert_eq(load("public_origin = https://127.0.0.1\n" KEY), ERR_OK);
	cr_assert_str_eq(conf->mail_from, "moviesxmovies@localhost");
	cr_assert_eq(load("mail_from = a@127.0.0.1\n" KEY), ERR_INVALID);
}

Test(conf, what_needs_a_restart)
{
	struct conf *old;

	cr_assert_eq(load(KEY), ERR_OK);
	old = conf;
	cr_assert_eq(load("workers = 9\n" KEY), ERR_OK);
	cr_assert_null(conf_needs_restart(NULL, old, conf));
	cr_assert_eq(load("socket_mode = 0600\nrun_dir = /r\n" KEY), ERR_OK);
	cr_assert_str_eq(conf_needs_restart(NULL, old, conf),
	    "listen_fast, listen_slow, run_dir, socket_mode");
}

Test(conf, what_is_good_is_there_beside_what_is_bad)
{
	cr_assert_eq(load("workers = many\nlimit_user = 7\n"), ERR_INVALID);
	cr_assert_eq(conf->limit_user, 7);
	cr_assert_eq(conf->workers, 0);
	cr_assert_str_eq(conf->signing_key, "");
}

/* ---------------------------------------------------------------- secrets */

Test(conf, a_secret_in_a_file_for_everybody)
{
	put("mxm.conf", KEY, 0644);
	cr_assert_eq(conf_load(NULL, file, &conf, &errors), ERR_INVALID);
	cr_assert(told(":1:", "chmod o= "));
	put("mxm.conf", KEY, 0640);
	cr_assert_eq(conf_load(NULL, file, &conf, &errors), ERR_OK);
}

Test(conf, a_secret_is_never_told)
{
	cr_assert_eq(load("signing_key = hunter2\n"), ERR_INVALID);
	for (size_t i = 0; i < errors.n; i++)
		cr_assert_null(strstr(errors.list[i], "hunter2"));
}

Test(conf, a_secret_in_two_places)
{
	put("key", "0123456789abcdef0123456789abcdef\n", 0600);
	cr_assert_eq(
	    load(mem_printf(NULL, "signing_key_file = %s/key\n" KEY, folder)),
	    ERR_INVALID);
	cr_assert(told(":1:", "remove one"));
}

Test(conf, a_secret_that_cannot_be_used)
{
	char *line = mem_printf(NULL, "signing_key_file = %s/key\n", folder);
	char *longest = mem_array(NULL, char, 4098);

	cr_assert_eq(load(line), ERR_NOT_FOUND);
	cr_assert(told("/key", "cannot be read"));
	/* and no advice to make another key, over the one that is there */
	cr_assert_eq(errors.n, 1);
	memset(longest, 'k', 4097);
	put("key", longest, 0600);
	cr_assert_eq(load(line), ERR_INVALID);
	cr_assert(told("/key", "too long"));
	put("key", "\xff\xfe", 0600);
	cr_assert_eq(load(line), ERR_INVALID);
	cr_assert(told("/key", "must be text"));
	longest[4096] = '\0';
	put("key", longest, 0600);
	cr_assert_eq(load(line), ERR_OK);
	cr_assert_eq(strlen(conf->signing_key), 4096);
}

/* As editors of another system leave it. */
Test(conf, a_byte_order_mark_is_skipped)
{
	char marked[] = "\xef\xbb\xbfworkers = 3\r\n" KEY;

	cr_assert_eq(load(marked), ERR_OK);
	cr_assert_eq(conf->workers, 3);
}

Test(conf, only_the_end_of_a_secret_is_trimmed)
{
	put("key", " 0123456789abcdef0123456789abcdef \r\n\n", 0600);
	cr_assert_eq(
	    load(mem_printf(NULL, "signing_key_file = %s/key\n", folder)),
	    ERR_OK);
	cr_assert_str_eq(
	    conf->signing_key, " 0123456789abcdef0123456789abcdef ");
}

Test(conf, a_credential_comes_first)
{
	put("signing_key", "credential-credential-credential-1", 0444);
	cr_assert_eq(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
	cr_assert_eq(load(""), ERR_OK);
	cr_assert_str_eq(
	    conf->signing_key, "credential-credential-credential-1");
	cr_assert_eq(load(KEY), ERR_OK);
	cr_assert_str_eq(
	    conf->signing_key, "credential-credential-credential-1");
	/* a file that is not there any more is not read */
	cr_assert_eq(load("signing_key_file = /nonexistent/key\n"), ERR_OK);
	cr_assert_str_eq(
	    conf->signing_key, "credential-credential-credential-1");
	(void)unlink(mem_printf(NULL, "%s/signing_key", folder));
	cr_assert_eq(load(KEY), ERR_OK);
	cr_assert_str_eq(conf->signing_key, "0123456789abcdef0123456789abcdef");
}
