/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads the settings from the file, conf.d, the environment and secrets. Errors
 * are collected, so that all of them are reported at once.
 */
#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/conf_type.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "base/text.h"

/* The user of the services, as in README and the systemd units. */
#define SERVICE_USER "moviesxmovies"

#define KEY_LEAST          32        /* minimum bytes of a signing key */
#define SECRET_MAX         4096      /* maximum bytes of a secret file */
#define FILE_LIMIT         (1 << 20) /* maximum bytes of a settings file */
#define SIZE_LEAST         4096      /* minimum of the request size limits */
#define IMAGE_MEMORY_LEAST ((size_t)256 * 1024 * 1024)
#define PROVIDER_MAX       32  /* maximum bytes of oidc_name */
#define SOCKET_MAX         107 /* maximum bytes of a socket path */

const struct conf_setting conf_settings[CONF__MAX] = {
#define SETTING(NAME, TYPE, DEFAULT, FLAGS, HELP)                      \
	[CONF_ID_##NAME] = { #NAME, CONF_##TYPE, DEFAULT, FLAGS, HELP, \
		offsetof(struct conf, NAME) },
#include "settings.def"
#undef SETTING
};

struct reader {
	struct conf *conf;
	struct conf_errors *errors;
	bool unreadable; /* a file cannot be read */
	bool unusable;   /* the file of a secret, for any reason */
	/* the current file */
	const char *file;
	bool open_to_all; /* world-readable */
	int line;
	int given[CONF__MAX]; /* line of each setting in this file */
};

static void
add_error(struct conf *conf, struct conf_errors *e, const char *fmt, va_list ap)
{
	e->list = mem_grow(conf, e->list, char *, e->n + 1);
	e->list[e->n++] = mem_need(talloc_vasprintf(conf, fmt, ap));
}

void
conf_add_error(
    struct conf *conf, struct conf_errors *errors, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_error(conf, errors, fmt, ap);
	va_end(ap);
}

static void wrong(struct reader *r, const char *fmt, ...) printf_like(2, 3);

static void
wrong(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_error(r->conf, r->errors, fmt, ap);
	va_end(ap);
}

static int
setting_named(const char *name)
{
	int i;

	for (i = 0; i < CONF__MAX; i++)
		if (strcmp(conf_settings[i].name, name) == 0)
			return i;
	return -1;
}

static void
set(struct reader *r, int id, const char *text, const char *place)
{
	const struct conf_setting *s = &conf_settings[id];
	const char *normal = text, *shown = text;
	struct conf_fault fault;

	if ((s->flags & IN_RUN) && *text && *text != '/')
		normal = mem_printf(r->conf, "%s/%s", r->conf->run_dir, text);
	if (s->flags & HIDDEN)
		shown = "…";
	if (!conf_type_read(r->conf, s->type, &normal,
		(char *)r->conf + s->offset, &fault)) {
		wrong(r, "%s: %s: \"%s\" %s; %s", place ? place : r->conf->file,
		    s->name, shown, fault.what, fault.remedy);
		return;
	}
	r->conf->text[id] = normal;
	r->conf->source[id] = place;
}

/* Paths relative to run_dir are resolved after run_dir has been read. */
static void
note(struct reader *r, int id, const char *text, const char *place)
{
	if (conf_settings[id].flags & IN_RUN) {
		r->conf->text[id] = text;
		r->conf->source[id] = place;
	} else {
		set(r, id, text, place);
	}
}

/* ------------------------------------------------------------------ files */

static void
unknown_setting(struct reader *r, const char *place, const char *name)
{
	const char *names[CONF__MAX], *near;
	int i;

	for (i = 0; i < CONF__MAX; i++)
		names[i] = conf_settings[i].name;
	near = suggest(name, names, CONF__MAX);
	if (near)
		wrong(r, "%s: there is no setting \"%s\"; did you mean %s?",
		    place, name, near);
	else
		wrong(r,
		    "%s: unknown setting \"%s\"; \"mxmctl config\" "
		    "lists them",
		    place, name);
}

static void
take_setting(
    struct reader *r, const char *place, const char *name, const char *value)
{
	int id = setting_named(name);

	if (id < 0) {
		unknown_setting(r, place, name);
		return;
	}
	if (r->given[id]) {
		wrong(r, "%s: %s is already set in line %d; remove one of them",
		    place, name, r->given[id]);
		return;
	}
	r->given[id] = r->line;
	if ((conf_settings[id].flags & HIDDEN) && r->open_to_all && *value)
		wrong(r,
		    "%s: %s: this file is world-readable; run "
		    "\"chmod o= %s\", or use %s_file",
		    place, name, r->file, name);
	if (strcmp(r->file, r->conf->file) != 0 && r->conf->source[id] &&
	    !r->conf->overridden[id])
		r->conf->overridden[id] = r->conf->source[id];
	note(r, id, value, place);
}

static void
take_line(struct reader *r, char *line, size_t n)
{
	char *place = mem_printf(r->conf, "%s:%d", r->file, r->line);
	char *text, *equals;
	const char *p;

	if (!text_is_utf8(line, n)) {
		wrong(r, "%s: this line is not text in UTF-8; write it again",
		    place);
		return;
	}
	if (r->line == 1)
		text_cut_mark(line);
	text = text_trim(r->conf, line);
	if (!*text || *text == '#')
		return;
	for (p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 && *p != '\t') {
			wrong(r,
			    "%s: control character in this line; remove it",
			    place);
			return;
		}
	}
	equals = strchr(text, '=');
	if (!equals || equals == text) {
		wrong(r,
		    "%s: not a setting; write name = value, or begin a "
		    "comment with #",
		    place);
		return;
	}
	*equals = '\0';
	take_setting(
	    r, place, text_trim(r->conf, text), text_trim(r->conf, equals + 1));
}

static void
cannot_read(struct reader *r, const char *file, const char *remedy)
{
	wrong(r, "%s: cannot be read: %s; %s", file, strerror(errno), remedy);
	r->unreadable = true;
}

/*
 * The remedy for an unreadable file: run as another user, or grant this user
 * access through its group.
 */
static const char *
remedy_for_rights(struct reader *r, const char *file)
{
	int error = errno; /* saved for the message */
	const struct passwd *me = getpwuid(geteuid());
	const struct group *mine = getgrgid(getegid());

	errno = error;
	if (error != EACCES)
		return "check the permissions of the file and its parent "
		       "directories";
	if (me && strcmp(me->pw_name, SERVICE_USER) != 0)
		return mem_printf(r->conf,
		    "user %s has no access; run this as %s: %s %s -- …",
		    me->pw_name, SERVICE_USER,
		    geteuid() == 0 ? "runuser -u" : "sudo -u", SERVICE_USER);
	return mem_printf(r->conf,
	    "grant its group access: chgrp %s %s; chmod g+r %s; parent "
	    "directories need x",
	    mine ? mine->gr_name : SERVICE_USER, file, file);
}

/* From `line` to `end`, which points to a NUL. */
static void
take_lines(struct reader *r, char *line, char *end)
{
	char *to;

	for (; line < end; line = to + 1) {
		to = memchr(line, '\n', (size_t)(end - line));
		if (!to)
			to = end;
		*to = '\0';
		r->line++;
		take_line(r, line, (size_t)(to - line));
	}
}

static void
read_file(struct reader *r, const char *file)
{
	FILE *f = fopen(file, "re");
	struct stat st;
	char *text;
	size_t n;

	if (!f || fstat(fileno(f), &st) != 0) {
		cannot_read(r, file,
		    errno == ENOENT ?
			"\"mxmctl config --default-file\" prints a "
			"sample" :
			remedy_for_rights(r, file));
		if (f)
			fclose(f);
		return;
	}
	r->file = mem_text(r->conf, file);
	r->line = 0;
	r->open_to_all = S_ISREG(st.st_mode) && (st.st_mode & S_IRWXO);
	memset(r->given, 0, sizeof r->given);
	text = mem_array(r->conf, char, FILE_LIMIT + 1);
	n = fread(text, 1, FILE_LIMIT + 1, f);
	if (ferror(f)) {
		cannot_read(r, file, "it must be a plain file");
	} else if (n > FILE_LIMIT) {
		wrong(r, "%s: is too long for settings; at most %d bytes", file,
		    FILE_LIMIT);
		r->unreadable = true;
	} else {
		text[n] = '\0';
		take_lines(r, text, text + n);
	}
	talloc_free(text);
	fclose(f);
}

static char *
folder_of(TALLOC_CTX *mem, const char *file)
{
	const char *slash = strrchr(file, '/');

	if (!slash)
		return mem_text(mem, ".");
	return mem_textn(mem, file, (size_t)(slash - file) + (slash == file));
}

static int
is_conf(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 &&
	       strcmp(d->d_name + n - 5, ".conf") == 0;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
read_folder(struct reader *r, const char *folder)
{
	struct dirent **list;
	int n, i;

	n = scandir(folder, &list, is_conf, by_name);
	if (n < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			cannot_read(r, folder, remedy_for_rights(r, folder));
		return;
	}
	for (i = 0; i < n; i++) {
		read_file(
		    r, mem_printf(r->conf, "%s/%s", folder, list[i]->d_name));
		free(list[i]);
	}
	free(list);
}

/* ------------------------------------------------------------ environment */

static void
read_environment(struct reader *r)
{
	const char *value;
	char *name, *p;
	int i;

	for (i = 0; i < CONF__MAX; i++) {
		name = mem_printf(r->conf, "MXM_%s", conf_settings[i].name);
		for (p = name; *p; p++)
			if (*p >= 'a' && *p <= 'z')
				*p = (char)(*p - ('a' - 'A'));
		value = getenv(name);
		if (value)
			note(r, i, text_trim(r->conf, value), name);
	}
}

/* ---------------------------------------------------------------- secrets */

/* Reads a secret file; a line ending at its end is not part of the secret. */
static char *
read_secret(struct reader *r, const char *file, int fd)
{
	char *text = mem_array(r->conf, char, SECRET_MAX + 1);
	size_t n = 0;
	ssize_t got;

	while (n <= SECRET_MAX &&
	       (got = read(fd, text + n, SECRET_MAX + 1 - n)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			cannot_read(r, file, "it must be a plain file");
			return NULL;
		}
		n += (size_t)got;
	}
	if (n > SECRET_MAX) {
		wrong(r, "%s: is too long for a secret; at most %d bytes", file,
		    SECRET_MAX);
		return NULL;
	}
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		text[--n] = '\0';
	if (!text_is_utf8(text, n)) {
		wrong(r,
		    "%s: a secret must be text; \"openssl rand -hex 32\" "
		    "generates one",
		    file);
		return NULL;
	}
	text_cut_mark(text);
	return text;
}

/* How to make a file with a secret that is missing or too short. */
static const char *
remedy_for_secret(struct reader *r, int id, const char *file)
{
	return mem_printf(r->conf,
	    "run \"(umask 027; %s >%s)\" as root, then \"chgrp " SERVICE_USER
	    " %s\"",
	    id == CONF_ID_signing_key ? "openssl rand -hex 32" : "cat", file,
	    file);
}

/* Of a file that cannot be used, one error is enough: unusable. */
static void
secret_from_file(struct reader *r, int id, const char *file, bool ours)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text = NULL;

	if (fd < 0 || fstat(fd, &st) != 0) {
		cannot_read(r, file,
		    errno == ENOENT ? remedy_for_secret(r, id, file) :
				      remedy_for_rights(r, file));
	} else if (ours && (st.st_mode & S_IRWXO)) {
		wrong(r,
		    "%s: this secret is accessible to all users (mode "
		    "%04o); run \"chmod o= %s\"",
		    file, (unsigned)st.st_mode & 07777, file);
	} else {
		text = read_secret(r, file, fd);
		if (text)
			set(r, id, text, file);
	}
	if (!text)
		r->unusable = true;
	if (fd >= 0)
		close(fd);
}

/* The credential of that name; NULL: there is none. */
static const char *
credential(struct reader *r, const char *name)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY"), *file;

	if (!folder)
		return NULL;
	file = mem_printf(r->conf, "%s/%s", folder, name);
	return access(file, F_OK) == 0 || errno != ENOENT ? file : NULL;
}

/* From a credential, else from <name>_file, unless there is a value. */
static void
find_secret(struct reader *r, int id)
{
	const char *name = conf_settings[id].name;
	const char *file = credential(r, name);
	int other = setting_named(mem_printf(r->conf, "%s_file", name));

	assert(other >= 0);
	if (file) {
		secret_from_file(r, id, file, false);
		return;
	}
	file = r->conf->text[other];
	if (*file && *r->conf->text[id]) {
		wrong(r,
		    "%s: %s_file is set, and %s in %s too; remove one of "
		    "them",
		    r->conf->source[other], name, name, r->conf->source[id]);
		return;
	}
	if (*file)
		secret_from_file(r, id, file, true);
}

/* ------------------------------------------------------- whole settings */

const char *
conf_place(const struct conf *conf, enum conf_id id)
{
	return conf->source[id] ? conf->source[id] : conf->file;
}

static void
defaults(struct reader *r)
{
	int i;

	for (i = 0; i < CONF__MAX; i++)
		note(r, i, conf_settings[i].standard, NULL);
}

static void
check_key(struct reader *r)
{
	const struct conf *conf = r->conf;
	size_t n = strlen(conf->signing_key);
	const char *file = conf->signing_key_file;
	bool is_named = *file;

	/* such a file may contain a valid key: no advice to create one */
	if (n >= KEY_LEAST || (n == 0 && (r->unreadable || r->unusable)))
		return;
	if (!is_named)
		file = mem_printf(
		    r->conf, "%s/signing.key", folder_of(r->conf, conf->file));
	wrong(r,
	    "%s: signing_key: %s, so tokens could be forged; at least %d "
	    "bytes are required: %s%s%s",
	    conf_place(conf, CONF_ID_signing_key),
	    n ? "is too short" : "is missing", KEY_LEAST,
	    remedy_for_secret(r, CONF_ID_signing_key, file),
	    is_named ? "" : ", and set signing_key_file = ",
	    is_named ? "" : file);
}

static void
check_needed(struct reader *r)
{
	static const enum conf_id needed[] = { CONF_ID_run_dir,
		CONF_ID_listen_fast, CONF_ID_listen_slow, CONF_ID_database,
		CONF_ID_media_root, CONF_ID_public_origin };
	static const enum conf_id sockets[] = { CONF_ID_listen_fast,
		CONF_ID_listen_slow };
	size_t i;

	for (i = 0; i < array_len(needed); i++)
		if (!*r->conf->text[needed[i]])
			wrong(r, "%s: %s: is empty; the default is %s",
			    conf_place(r->conf, needed[i]),
			    conf_settings[needed[i]].name,
			    conf_settings[needed[i]].standard);
	for (i = 0; i < array_len(sockets); i++)
		if (strlen(r->conf->text[sockets[i]]) > SOCKET_MAX)
			wrong(r,
			    "%s: %s: %s is longer than %d bytes, too long "
			    "for a socket; use a shorter directory",
			    conf_place(r->conf, sockets[i]),
			    conf_settings[sockets[i]].name,
			    r->conf->text[sockets[i]], SOCKET_MAX);
	if (r->conf->mail_transport == MAIL_FILE && !*r->conf->mail_dir)
		wrong(r,
		    "%s: mail_dir: is empty, but mail_transport = file "
		    "writes to it; set a directory",
		    conf_place(r->conf, CONF_ID_mail_dir));
}

/*
 * statement_timeout must be shorter than request_deadline: a request whose
 * statement timed out is answered, that of a killed worker is not. The reported
 * place is that of the setting that was set.
 */
static void
check_times(struct reader *r)
{
	const struct conf *conf = r->conf;
	bool set = conf->source[CONF_ID_statement_timeout] != NULL;

	if (conf->request_deadline < 100)
		wrong(r, "%s: request_deadline: is too short; at least 100ms",
		    conf_place(conf, CONF_ID_request_deadline));
	else if (conf->statement_timeout >= conf->request_deadline)
		wrong(r,
		    "%s: statement_timeout: %s is not shorter than "
		    "request_deadline, %s, so a worker is killed before "
		    "PostgreSQL cancels its statement; reduce it, or "
		    "increase the deadline",
		    conf_place(conf, set ? CONF_ID_statement_timeout :
					   CONF_ID_request_deadline),
		    conf->text[CONF_ID_statement_timeout],
		    conf->text[CONF_ID_request_deadline]);
}

/* mxm-image needs half of it for its libraries. */
static void
check_memory(struct reader *r)
{
	if (r->conf->image_memory < IMAGE_MEMORY_LEAST)
		wrong(r, "%s: image_memory: %s is too small; at least 256M",
		    conf_place(r->conf, CONF_ID_image_memory),
		    r->conf->text[CONF_ID_image_memory]);
}

/* With less, sign-up and pictures would not work. */
static void
check_size(struct reader *r, enum conf_id id, size_t size)
{
	if (size >= SIZE_LEAST)
		return;
	wrong(r,
	    "%s: %s: %s is too small, almost all requests would be refused; "
	    "at least 4K, the default is %s",
	    conf_place(r->conf, id), conf_settings[id].name, r->conf->text[id],
	    conf_settings[id].standard);
}

/* A provider is configured if it has a client_id. */
static void
check_provider(struct reader *r)
{
	const struct conf *conf = r->conf;
	const char *name = conf->oidc_name;

	if (!*conf->oidc_client_id)
		return;
	if (!*name || strlen(name) > PROVIDER_MAX ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") !=
		strlen(name) ||
	    strcmp(name, "google") == 0)
		wrong(r,
		    "%s: oidc_name: \"%s\" is no name of a provider; write "
		    "at most %d lower-case letters, digits and hyphens, not "
		    "google",
		    conf_place(conf, CONF_ID_oidc_name), name, PROVIDER_MAX);
	if (!*conf->oidc_issuer)
		wrong(r,
		    "%s: oidc_issuer: is empty, but oidc_client_id is set; "
		    "set the URL of the provider",
		    conf_place(conf, CONF_ID_oidc_issuer));
}

/* The page of the front end that receives the code of a provider. */
static void
derive_redirect(struct reader *r, enum conf_id id, const char *name)
{
	if (!*r->conf->text[id])
		set(r, id,
		    mem_printf(r->conf, "%s/accounts/%s/login/callback/",
			r->conf->site_origin, name),
		    NULL);
}

/* Defaults that depend on other settings. */
static void
derive(struct reader *r)
{
	struct conf *conf = r->conf;
	const char *host, *address;
	int i;

	for (i = 0; i < CONF__MAX; i++)
		if (conf_settings[i].flags & IN_RUN)
			set(r, i, conf->text[i], conf->source[i]);
	if (!*conf->site_origin)
		set(r, CONF_ID_site_origin, conf->public_origin, NULL);
	derive_redirect(r, CONF_ID_google_redirect_uri, "google");
	derive_redirect(r, CONF_ID_oidc_redirect_uri, conf->oidc_name);
	if (!*conf->oidc_label)
		set(r, CONF_ID_oidc_label, conf->oidc_name, NULL);
	if (!*conf->mail_from && *conf->public_origin) {
		host = strstr(conf->public_origin, "://") + 3;
		address = mem_printf(
		    conf, "moviesxmovies@%.*s", (int)strcspn(host, ":"), host);
		set(r, CONF_ID_mail_from,
		    text_is_sender(address) ? address :
					      "moviesxmovies@localhost",
		    NULL); /* the host may be an IP address, which has no mail
			      domain */
	}
}

enum err
conf_load(TALLOC_CTX *mem, const char *file, struct conf **out,
    struct conf_errors *errors)
{
	struct reader r = { .errors = errors };
	int i;

	errors->list = NULL;
	errors->n = 0;
	r.conf = mem_new(mem, struct conf);
	r.conf->file = mem_text(r.conf, file);
	defaults(&r);
	read_file(&r, file);
	read_folder(
	    &r, mem_printf(r.conf, "%s/conf.d", folder_of(r.conf, file)));
	read_environment(&r);
	for (i = 0; i < CONF__MAX; i++)
		if (conf_settings[i].flags & HIDDEN)
			find_secret(&r, i);
	derive(&r);
	check_needed(&r);
	check_times(&r);
	check_memory(&r);
	check_size(&r, CONF_ID_body_limit, r.conf->body_limit);
	check_size(&r, CONF_ID_document_limit, r.conf->document_limit);
	check_size(&r, CONF_ID_import_limit, r.conf->import_limit);
	check_size(&r, CONF_ID_upload_limit, r.conf->upload_limit);
	check_key(&r);
	check_provider(&r);
	*out = r.conf;
	if (errors->n == 0)
		return ERR_OK;
	return r.unreadable ? ERR_NOT_FOUND : ERR_INVALID;
}

bool
conf_is_default(const struct conf *conf, enum conf_id id)
{
	const struct conf_setting *s = &conf_settings[id];
	const char *text = conf->text[id];
	size_t run = strlen(conf->run_dir);

	if (!conf->source[id])
		return true;
	if ((s->flags & IN_RUN) && !strncmp(text, conf->run_dir, run) &&
	    text[run] == '/')
		text += run + 1;
	return strcmp(text, s->standard) == 0;
}

char *
conf_needs_restart(
    TALLOC_CTX *mem, const struct conf *old, const struct conf *new)
{
	char *list = NULL;
	int i;

	for (i = 0; i < CONF__MAX; i++) {
		if (!(conf_settings[i].flags & AT_START) ||
		    strcmp(old->text[i], new->text[i]) == 0)
			continue;
		list = list ? mem_printf(
				  mem, "%s, %s", list, conf_settings[i].name) :
			      mem_text(mem, conf_settings[i].name);
	}
	return list;
}

void
conf_log(const struct conf *conf, const char *program)
{
	log_open(program, conf->log_level);
	if (conf->log_target != TARGET_AUTO)
		log_to_journal(conf->log_target == TARGET_JOURNAL);
}
