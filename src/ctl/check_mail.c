/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl check: the mail server and the sender address.
 */
#include "base/base.h"

#include <sysexits.h>
#include <unistd.h>

#include "ctl/check.h"
#include "net/smtp.h"

#define MIB (UINT64_C(1) << 20)

/* Greeting, TLS and authentication, as for a mail; nothing is sent. */
static void
check_smtp(struct findings *f)
{
	const struct conf *conf = check_ctl(f)->conf;
	const struct smtp server = { conf->smtp_url, conf->smtp_user,
		conf->smtp_password, conf->ca_file, conf->smtp_tls };
	TALLOC_CTX *mem = check_ctl(f)->mem;
	const char *why, *remedy;

	if (smtp_probe(mem, &server, &why) == ERR_OK) {
		check_found(f, "mail", EX_OK, conf->smtp_url);
		return;
	}
	remedy = "check that a mail server is running there, or set smtp_url";
	if (strstr(why, "TLS") || strstr(why, "SSL"))
		remedy = "with smtp_user or smtp_tls, mails are sent only over "
			 "TLS, to a server with a valid certificate; set "
			 "smtp_url";
	else if (strstr(why, "ogin denied") || strstr(why, "uthentication"))
		remedy = "set smtp_user and smtp_password";
	check_found(f, "mail", EX_UNAVAILABLE,
	    mem_printf(mem, "%s: %s; %s (%s)", conf->smtp_url, why, remedy,
		check_place(f, CONF_ID_smtp_url)));
}

static void
check_program(struct findings *f)
{
	const char *path = check_ctl(f)->conf->sendmail_path;

	if (access(path, X_OK) == 0)
		check_found(f, "mail", EX_OK, path);
	else
		check_found(f, "mail", EX_UNAVAILABLE,
		    mem_printf(check_ctl(f)->mem,
			"%s: %s; install a mail server, or set sendmail_path "
			"or mail_transport (%s)",
			path, strerror(errno),
			check_place(f, CONF_ID_mail_transport)));
}

void
check_mail(struct findings *f)
{
	const struct conf *conf = check_ctl(f)->conf;

	if (conf->mail_transport == MAIL_FILE) {
		check_folder(f, "mail", conf->mail_dir, MIB, 16 * MIB);
		return;
	}
	if (conf->mail_transport == MAIL_SENDMAIL) {
		check_program(f);
		return;
	}
	check_smtp(f);
	if (*conf->smtp_user && !*conf->smtp_password)
		check_warn(f, "smtp_password",
		    "is empty, but smtp_user is set; set smtp_password_file");
	if (!*conf->smtp_user && *conf->smtp_password)
		check_warn(f, "smtp_user",
		    "is empty, so smtp_password is not used; set smtp_user, or "
		    "remove the password");
}

/* A name that is valid only on this machine or its network. */
static bool
is_local(const char *host)
{
	static const char *const ends[] = { ".localhost", ".local", ".lan",
		".internal", ".localdomain", ".invalid", ".test" };
	size_t n = strcspn(host, ">"), i, end;

	for (i = 0; i < array_len(ends); i++) {
		end = strlen(ends[i]);
		if (n > end && strncasecmp(host + n - end, ends[i], end) == 0)
			return true;
	}
	return !memchr(host, '.', n);
}

void
check_sender(struct findings *f)
{
	const struct conf *conf = check_ctl(f)->conf;
	const char *at = strrchr(conf->mail_from, '@');

	if (conf->mail_transport == MAIL_FILE)
		return;
	if (!at || is_local(at + 1))
		check_warn(f, "mail_from",
		    mem_printf(check_ctl(f)->mem,
			"%s has a local host name, so other servers may refuse "
			"the mails; set mail_from (%s)",
			conf->mail_from, check_place(f, CONF_ID_mail_from)));
	else
		check_found(f, "mail_from", EX_OK, conf->mail_from);
}
