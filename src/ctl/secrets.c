/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl secrets: secrets as encrypted credentials of systemd. Each is a file
 * in the credential store, encrypted by systemd-creds with the key of this host
 * or its TPM2 chip; a drop-in of every service names them all. A secret is
 * never an argument of a program.
 */
#include "base/base.h"

#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "base/text.h"
#include "ctl/user.h"

#define STORE   "/etc/credstore.encrypted"
#define DROP_IN "50-secrets.conf"

#define SECRET_MAX                                                \
	4096 /* bytes, as in base/conf.c and less than a pipe has \
	      */
#define KEY_LEAST   32
#define CREDS_US    INT64_C(60000000) /* a TPM2 chip is slow */
#define RUN_WORDS   32
#define SECRETS_MAX 16

static const char *const services[] = { "mxm-jobs", "mxmd",
	"moviesxmovies-prune", "moviesxmovies-train" };

/* The directory that stands for /; "" is /. */
static const char *
root_of(const struct ctl *ctl)
{
	const char *root = ctl_option(ctl, "--root");

	return root ? root : "";
}

static const char *
credential_path(const struct ctl *ctl, const char *name)
{
	return mem_printf(
	    ctl->mem, "%s" STORE "/moviesxmovies.%s", root_of(ctl), name);
}

/* The names of the settings that are secrets; returns their number. */
static size_t
secret_names(const char *names[SECRETS_MAX])
{
	size_t n = 0;
	int i;

	for (i = 0; i < CONF__MAX; i++) {
		if (!(conf_settings[i].flags & HIDDEN))
			continue;
		assert(n < SECRETS_MAX);
		names[n++] = conf_settings[i].name;
	}
	return n;
}

/* EX_OK, or EX_USAGE after a message. */
static int
check_name(const struct ctl *ctl, const char *name)
{
	const char *names[SECRETS_MAX], *near;
	size_t n = secret_names(names), i;

	for (i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return EX_OK;
	near = suggest(name, names, n);
	return ctl_usage(ctl, "\"%s\" is not the name of a secret; %s%s", name,
	    near ? "did you mean " : "for example signing_key",
	    near ? near : "");
}

static int
cannot_write(const struct ctl *ctl, const char *path)
{
	int why = errno;

	ctl_error(ctl, "%s: %s%s\n", path, strerror(why),
	    why == EACCES || why == EPERM ? "; run this as root" : "");
	errno = why;
	return why == EACCES || why == EPERM ? EX_NOPERM : EX_CANTCREAT;
}

/* ------------------------------------------------------------- the drop-ins */

/* "[Service]" and a line for each credential; NULL: there is none. */
static const char *
drop_in_text(const struct ctl *ctl)
{
	const char *names[SECRETS_MAX], *text = NULL;
	size_t n = secret_names(names), i;

	for (i = 0; i < n; i++) {
		if (access(credential_path(ctl, names[i]), F_OK) != 0)
			continue;
		text = mem_printf(ctl->mem,
		    "%sLoadCredentialEncrypted=%s:" STORE "/moviesxmovies.%s\n",
		    text ? text : "# Written by mxmctl secrets.\n[Service]\n",
		    names[i], names[i]);
	}
	return text;
}

/* Writes those of all services, or removes them. Returns the exit status. */
static int
write_drop_ins(const struct ctl *ctl)
{
	const char *text = drop_in_text(ctl), *folder, *path;
	size_t i;

	for (i = 0; i < array_len(services); i++) {
		folder =
		    mem_printf(ctl->mem, "%s/etc/systemd/system/%s.service.d",
			root_of(ctl), services[i]);
		path = mem_printf(ctl->mem, "%s/" DROP_IN, folder);
		if (!text) {
			if (unlink(path) != 0 && errno != ENOENT)
				return cannot_write(ctl, path);
			continue;
		}
		if ((mkdir(folder, 0755) != 0 && errno != EEXIST) ||
		    !file_save(folder, DROP_IN, text, strlen(text), 0644))
			return cannot_write(ctl, path);
	}
	return EX_OK;
}

static int
done(struct ctl *ctl, const char *name, const char *what)
{
	struct json *j;

	if (ctl->json) {
		j = ctl_json(ctl);
		json_object(j);
		json_key(j, "name");
		json_text(j, name);
		json_key(j, what);
		json_text(j, credential_path(ctl, name));
		json_object_end(j);
		return ctl_json_done(j, EX_OK);
	}
	printf("%s: %s %s\n"
	       "To use it:\n"
	       "  systemctl daemon-reload\n"
	       "  systemctl restart mxmd.service mxm-jobs.service\n",
	    name, what, credential_path(ctl, name));
	return EX_OK;
}

/* --------------------------------------------------------------- encryption */

/*
 * The secret from standard input, without line ends after it; NULL: unusable,
 * after a message.
 */
static const char *
read_secret(struct ctl *ctl, const char *name)
{
	bool terminal = isatty(STDIN_FILENO);
	size_t least = strcmp(name, "signing_key") == 0 ? KEY_LEAST : 1, n = 0;
	char *secret = terminal ? ctl_password(ctl) :
				  ctl_input(ctl, NULL, SECRET_MAX + 2, &n);

	if (!secret)
		return NULL;
	if (terminal)
		n = strlen(secret);
	while (n > 0 && (secret[n - 1] == '\n' || secret[n - 1] == '\r'))
		secret[--n] = '\0';
	if (n < least || n > SECRET_MAX || strlen(secret) != n ||
	    !text_is_utf8(secret, n)) {
		ctl_error(ctl,
		    "%s must be text of %zu to %d bytes; \"openssl rand -hex "
		    "32\" generates a key\n",
		    name, least, SECRET_MAX);
		return NULL;
	}
	return secret;
}

/* Starts systemd-creds, which writes to `out`, and sends it the secret. */
static int
start_creds(const struct ctl *ctl, const char *name, const char *secret,
    int out, pid_t *pid)
{
	const char *key = ctl_option(ctl, "--with-key");
	const char *const argv[] = { "systemd-creds", "encrypt",
		mem_printf(ctl->mem, "--name=%s", name),
		mem_printf(ctl->mem, "--with-key=%s", key ? key : "auto"), "-",
		"-", NULL };
	const char *const env[] = { "LC_ALL=C.UTF-8", NULL };
	struct child_files files = { .out = out, .err = STDERR_FILENO };
	int fd[2], error;

	if (pipe(fd) != 0)
		return errno;
	files.in = fd[0];
	/* it fits into the pipe */
	error = file_write_all(fd[1], secret, strlen(secret)) ? 0 : errno;
	close(fd[1]);
	if (!error)
		error = child_start(argv[0], argv, env, &files, pid);
	close(fd[0]);
	return error;
}

/* EX_OK, or another status after a message. */
static int
run_creds(const struct ctl *ctl, const char *name, const char *secret, int out)
{
	int error, status;
	pid_t pid = 0;

	error = start_creds(ctl, name, secret, out, &pid);
	if (error) {
		ctl_error(ctl, "systemd-creds: %s%s\n", strerror(error),
		    error == ENOENT ? "; it is part of systemd since version "
				      "250: install that, or keep the secret "
				      "in a file" :
				      "");
		return error == ENOENT ? EX_UNAVAILABLE : EX_OSERR;
	}
	if (child_wait(pid, clock_steady_us() + CREDS_US, &status) &&
	    WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return EX_OK;
	ctl_error(ctl,
	    "systemd-creds has not encrypted it; if this host has no usable "
	    "TPM2 chip, use --with-key host, and see systemd-creds(1)\n");
	return EX_UNAVAILABLE;
}

int
ctl_secrets_encrypt(struct ctl *ctl, int argc, char **argv)
{
	const char *name = argv[1], *path, *secret;
	const char *store = mem_printf(ctl->mem, "%s" STORE, root_of(ctl));
	struct file *file;
	int status = check_name(ctl, name);

	(void)argc;
	if (status)
		return status;
	path = credential_path(ctl, name);
	if ((mkdir(store, 0700) != 0 && errno != EEXIST) ||
	    !(file = file_new(ctl->mem, path, 0600)))
		return cannot_write(ctl, path);
	secret = read_secret(ctl, name);
	if (!secret)
		status = EX_DATAERR;
	else
		status = run_creds(ctl, name, secret, fileno(file->to));
	if (status) {
		talloc_free(file);
		return status;
	}
	if (!file_finish(file))
		return cannot_write(ctl, path);
	status = write_drop_ins(ctl);
	return status ? status : done(ctl, name, "encrypted");
}

int
ctl_secrets_remove(struct ctl *ctl, int argc, char **argv)
{
	const char *path;
	int status = check_name(ctl, argv[1]);

	(void)argc;
	if (status)
		return status;
	path = credential_path(ctl, argv[1]);
	if (unlink(path) != 0) {
		status = cannot_write(ctl, path);
		return errno == ENOENT ? EX_NOINPUT : status;
	}
	status = write_drop_ins(ctl);
	return status ? status : done(ctl, argv[1], "removed");
}

/* ------------------------------------------------------- another command */

/* This program as the user of the services, with the credentials decrypted. */
int
ctl_secrets_run(struct ctl *ctl, int argc, char **argv)
{
	const bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	const char *names[SECRETS_MAX], *words[SECRETS_MAX + RUN_WORDS];
	char self[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
	size_t count = secret_names(names), n = 0, i;

	if (size < 0 || argc - 1 > RUN_WORDS - 12)
		return ctl_usage(ctl, "too many arguments");
	self[size] = '\0';
	words[n++] = "systemd-run";
	words[n++] = "--quiet";
	words[n++] = "--collect";
	words[n++] = "--wait";
	words[n++] = terminal ? "--pty" : "--pipe";
	words[n++] = "--property=User=moviesxmovies";
	for (i = 0; i < count; i++)
		if (access(credential_path(ctl, names[i]), F_OK) == 0)
			words[n++] = mem_printf(ctl->mem,
			    "--property=LoadCredentialEncrypted=%s:" STORE
			    "/moviesxmovies.%s",
			    names[i], names[i]);
	words[n++] = "--";
	words[n++] = self;
	words[n++] = "--config";
	words[n++] = ctl->config;
	if (ctl->json)
		words[n++] = "--json";
	for (i = 1; argv[i]; i++)
		words[n++] = argv[i];
	words[n] = NULL;
	(void)execvp(words[0], (char *const *)(uintptr_t)words);
	ctl_error(ctl, "systemd-run: %s\n", strerror(errno));
	return EX_UNAVAILABLE;
}
