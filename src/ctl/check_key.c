/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl check: the signing key and the files of the other secrets. That they
 * are not readable by all users is checked by base/conf.c.
 */
#include "base/base.h"

#include <sys/stat.h>
#include <sysexits.h>

#include "ctl/check.h"
#include "db/settings.h"

#define DISTINCT_LEAST 8 /* different bytes of a random key */

/* false: it can be replaced or changed by others, after a message. */
static bool
is_file_safe(struct findings *f, const char *what, const char *path)
{
	TALLOC_CTX *mem = check_ctl(f)->mem;
	char *folder = mem_text(mem, path), *slash = strrchr(folder, '/');
	struct stat st, above;

	*(slash == folder ? slash + 1 : slash) = '\0';
	if (stat(path, &st) != 0 || stat(folder, &above) != 0)
		check_found(f, what, EX_NOPERM,
		    mem_printf(mem, "%s: %s", path, strerror(errno)));
	else if (st.st_mode & S_IWGRP)
		check_found(f, what, EX_NOPERM,
		    mem_printf(mem,
			"group %u can change %s%s; run \"chmod g-w %s\"",
			(unsigned)st.st_gid, path,
			strcmp(what, "key") == 0 ? " and so forge tokens" : "",
			path));
	else if ((above.st_mode & S_IWOTH) && !(above.st_mode & S_ISVTX))
		check_found(f, what, EX_NOPERM,
		    mem_printf(mem,
			"%s is world-writable, so %s in it can be replaced; "
			"run \"chmod o-w %s\"",
			folder, slash + 1, folder));
	else
		return true;
	return false;
}

/* Whether the secret was read from the file of that setting, not a credential.
 */
static bool
is_from_file(const struct conf *conf, int secret, int file)
{
	return conf->source[secret] && *conf->text[file] &&
	       strcmp(conf->source[secret], conf->text[file]) == 0;
}

static int
distinct_bytes(const char *key)
{
	bool seen[256] = { false };
	int n = 0;

	for (; *key; key++) {
		n += !seen[(unsigned char)*key];
		seen[(unsigned char)*key] = true;
	}
	return n;
}

void
check_key(struct findings *f)
{
	const struct conf *conf = check_ctl(f)->conf;
	const bool from_file =
	    is_from_file(conf, CONF_ID_signing_key, CONF_ID_signing_key_file);
	const char *path = conf->signing_key_file;
	int n = distinct_bytes(conf->signing_key);

	if (from_file && !is_file_safe(f, "key", path))
		return;
	if (n >= DISTINCT_LEAST)
		check_found(f, "key", EX_OK, from_file ? path : "is set");
	else
		check_warn(f, "key",
		    mem_printf(check_ctl(f)->mem,
			"has only %d different character%s, so it can be "
			"guessed and tokens forged; \"openssl rand -hex 32\" "
			"generates one (%s)",
			n, PLURAL(n),
			check_place(f, from_file ? CONF_ID_signing_key_file :
						   CONF_ID_signing_key)));
}

/* A password in a connection string, in a file that all users can read. */
static void
check_conninfo(struct findings *f, enum conf_id id)
{
	struct ctl *ctl = check_ctl(f);
	const char *place = ctl->conf->source[id];
	const char *file =
	    place ? mem_textn(ctl->mem, place, strcspn(place, ":")) : "";
	struct stat st;

	if (settings_conninfo(ctl->mem, ctl->conf->text[id], "password") &&
	    stat(file, &st) == 0 && (st.st_mode & S_IRWXO))
		check_found(f, conf_settings[id].name, EX_NOPERM,
		    mem_printf(ctl->mem,
			"%s is world-readable and has a password; run \"chmod "
			"o= %s\"",
			file, file));
}

void
check_secrets(struct findings *f)
{
	const struct conf *conf = check_ctl(f)->conf;
	int i;

	check_conninfo(f, CONF_ID_database);
	check_conninfo(f, CONF_ID_database_owner);
	check_conninfo(f, CONF_ID_database_replica);
	for (i = 0; i < CONF__MAX; i++) {
		const char *name = conf_settings[i].name;
		size_t n = strlen(name);

		if (i != CONF_ID_signing_key_file && n > 5 &&
		    strcmp(name + n - 5, "_file") == 0 && i > 0 &&
		    (conf_settings[i - 1].flags & HIDDEN) &&
		    is_from_file(conf, i - 1, i) &&
		    is_file_safe(f, name, conf->text[i]))
			check_found(f, name, EX_OK, conf->text[i]);
	}
}
