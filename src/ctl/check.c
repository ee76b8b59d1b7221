/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl check: checks the installation and prints one line per check, with a
 * remedy if it fails. The exit status is that of the first failure: settings
 * 78, data 65, unavailable 69, permissions 77; warnings do not change it. With
 * --static only what can be checked before a start.
 */
#include "base/base.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "ctl/check.h"
#include "db/db.h"
#include "db/settings.h"
#include "recommend/fit.h"

/* The result of a check. */
struct finding {
	const char *what;
	int status; /* EX_OK: no failure */
	bool warning;
	const char *text; /* the state, or the fault and its remedy */
};

#define FINDINGS_MAX 64
#define TEXT_MAX     4096 /* bytes of output of one check */

struct findings {
	struct ctl *ctl;
	struct finding list[FINDINGS_MAX];
	size_t n;
};

static const struct check {
	const char *what;
	check_function *run;
	bool is_static; /* needs no network, no database and no process */
} checks[] = {
	{ "public_origin", check_origin, true },
	{ "key", check_key, true },
	{ "secrets", check_secrets, true },
	{ "database", check_database, false },
	{ "replica", check_replica, false },
	{ "server", check_server, false },
	{ "role", check_role, false },
	{ "cache", check_cache, false },
	{ "media", check_media, false },
	{ "pictures", check_pictures, false },
	{ "image", check_image, false },
	{ "mail", check_mail, false },
	{ "mail_from", check_sender, true },
	{ "providers", check_providers, false },
	{ "dictionary", check_dictionary, false },
	{ "run_dir", check_run_dir, false },
	{ "sockets", check_sockets, false },
	{ "jobs", check_jobs, false },
	{ "queue", check_queue, false },
	{ "model", check_model, false },
	{ "nginx", check_nginx, false },
};

static void
add(struct findings *f, struct finding one)
{
	if (f->n < FINDINGS_MAX)
		f->list[f->n++] = one;
}

void
check_found(struct findings *f, const char *what, int status, const char *text)
{
	add(f, (struct finding){ what, status, false, text });
}

void
check_warn(struct findings *f, const char *what, const char *text)
{
	add(f, (struct finding){ what, EX_OK, true, text });
}

struct ctl *
check_ctl(const struct findings *f)
{
	return f->ctl;
}

struct db *
check_db(const struct findings *f)
{
	return db_new(f->ctl->mem, f->ctl->conf->database, CHECK_DB_MS);
}

const char *
check_place(const struct findings *f, enum conf_id id)
{
	return conf_place(f->ctl->conf, id);
}

/* ------------------------------------------- one check, with a time limit */

/* Findings are sent through a pipe: one line each, fields separated by tabs. */
static void
send_findings(struct findings *f, int fd)
{
	size_t i, n;
	char *line, *p;

	for (i = 0; i < f->n; i++) {
		line = mem_printf(f->ctl->mem, "%d\t%d\t%s\t%s",
		    f->list[i].status, (int)f->list[i].warning, f->list[i].what,
		    f->list[i].text);
		for (p = line; *p; p++)
			if (*p == '\n')
				*p = ' ';
		n = strlen(line);
		line[n] = '\n';
		if (write(fd, line, n + 1) < 0)
			return;
	}
}

static void
take_findings(struct findings *f, char *text)
{
	char *line, *part[4], *rest;
	size_t i;

	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		for (i = 0; i < array_len(part); i++)
			part[i] = strsep(&line, "\t");
		if (part[3])
			add(f, (struct finding){ part[2],
				   (int)strtol(part[0], NULL, 10),
				   part[1][0] == '1', part[3] });
	}
}

/*
 * The check runs in a child process, because a system call on a dead mount
 * cannot be interrupted.
 */
static void
run_limited(struct findings *f, const struct check *check)
{
	char *text = mem_array(f->ctl->mem, char, TEXT_MAX);
	int pipe_fd[2], status;
	size_t before = f->n;
	bool in_time;
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		check_found(f, check->what, EX_OSERR,
		    mem_printf(f->ctl->mem,
			"cannot start a process: %s; end other processes",
			strerror(errno)));
		return;
	}
	if (pid == 0) {
		f->n = 0;
		check->run(f);
		send_findings(f, pipe_fd[1]);
		_exit(EXIT_SUCCESS);
	}
	close(pipe_fd[1]);
	in_time = file_read_until(pipe_fd[0], text, TEXT_MAX,
	    clock_steady_us() + CHECK_SECONDS * INT64_C(1000000));
	close(pipe_fd[0]);
	if (in_time) {
		take_findings(f, text);
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return;
	} else {
		kill(pid, SIGKILL);
	}
	f->n = before;
	check_found(f, check->what, EX_UNAVAILABLE,
	    mem_printf(f->ctl->mem,
		in_time ? "the check crashed; see the system log, and report "
			  "it as a bug" :
			  "no answer within %d s; check whether the disk, the "
			  "mount or the server hangs",
		CHECK_SECONDS));
}

/* ------------------------------------------------------------------ output */

static const char *
level_of(const struct finding *one, bool json)
{
	if (one->warning)
		return "warning";
	if (one->status == EX_OK)
		return "ok";
	return json ? "failed" : "FAILED";
}

/* Prints the findings from `first` on, as soon as they are known. */
static void
print(const struct findings *f, size_t first)
{
	size_t i;

	for (i = first; i < f->n && !f->ctl->json; i++)
		printf("%-7s %-13s %s\n", level_of(&f->list[i], false),
		    f->list[i].what, f->list[i].text);
	fflush(stdout); /* also before the fork of the next check */
}

static int
report(const struct findings *f)
{
	struct json *j = ctl_json(f->ctl);
	int status = EX_OK;
	size_t i;

	json_list(j);
	for (i = 0; i < f->n; i++) {
		const struct finding *one = &f->list[i];

		if (status == EX_OK)
			status = one->status;
		json_object(j);
		json_key(j, "what");
		json_text(j, one->what);
		json_key(j, "ok");
		json_bool(j, one->status == EX_OK && !one->warning);
		json_key(j, "level");
		json_text(j, level_of(one, true));
		json_key(j, "status");
		json_int(j, one->status);
		json_key(j, "text");
		json_text(j, one->text);
		json_object_end(j);
	}
	json_list_end(j);
	return f->ctl->json ? ctl_json_done(j, status) : status;
}

/* The setting that only training parses. */
static void
check_tuning(struct findings *f)
{
	const struct conf *conf = f->ctl->conf;
	const char *place = conf->source[CONF_ID_recommend_tuning], *why;
	struct fit_options o;

	fit_defaults(&o);
	why = fit_set_all(f->ctl->mem, &o, conf->recommend_tuning);
	if (why)
		check_found(f, "settings", EX_CONFIG,
		    mem_printf(f->ctl->mem,
			"%s: recommend_tuning: %s; \"mxmctl recommend tune\" "
			"finds valid ones",
			place ? place : conf->file, why));
}

/* A file of conf.d comes later than the one that users edit first. */
static void
check_overridden(struct findings *f)
{
	const struct conf *conf = f->ctl->conf;
	size_t n = strlen(conf->file);
	int i;

	for (i = 0; i < CONF__MAX; i++) {
		const char *line = conf->overridden[i];

		if (line && strncmp(line, conf->file, n) == 0 && line[n] == ':')
			check_warn(f, "settings",
			    mem_printf(f->ctl->mem,
				"%s: %s has no effect, because %s overrides it; "
				"change it there",
				line, conf_settings[i].name, conf->source[i]));
	}
}

/* Runs first, because the other checks need the settings. */
static bool
check_settings(struct findings *f)
{
	struct conf_errors errors = { NULL, 0 };
	struct conf *conf;
	size_t i;

	if (settings_load(f->ctl->mem, f->ctl->config, &conf, &errors) ==
	    ERR_OK) {
		f->ctl->conf = conf;
		check_found(f, "settings", EX_OK, conf->file);
		check_overridden(f);
		check_tuning(f);
		return true;
	}
	for (i = 0; i < errors.n && i < FINDINGS_MAX; i++)
		check_found(f, "settings", EX_CONFIG, errors.list[i]);
	return false;
}

int
ctl_check(struct ctl *ctl, int argc, char **argv)
{
	bool only_static = ctl_option(ctl, "--static") != NULL;
	struct findings f = { .ctl = ctl, .n = 0 };
	bool valid = check_settings(&f);
	size_t i, n;

	(void)argc;
	(void)argv;
	print(&f, 0);
	for (i = 0; valid && i < array_len(checks); i++) {
		n = f.n;
		if (checks[i].is_static || !only_static)
			run_limited(&f, &checks[i]);
		print(&f, n);
	}
	return report(&f);
}
