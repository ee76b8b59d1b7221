/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Getting a mail out: over SMTP, or into a folder. Blocks up to its deadlines,
 * so it is for mxm-jobs only.
 */
#ifndef NET_SMTP_H
#define NET_SMTP_H

#include "base/base.h"

#include "net/message.h"

struct smtp {
	const char *url;  /* smtp://host:25 or smtps://host */
	const char *user; /* NULL or "": no log-in */
	const char *password;
	/*
	 * Without TLS, or with a certificate that does not stand for the host,
	 * nothing is sent. Off, TLS is used when it is offered, whatever the
	 * certificate: that still beats plain text. Always on with a user.
	 */
	bool needs_tls;
};

/*
 * Hands the mail over. ERR_INVALID: it can never be sent. ERR_UPSTREAM: not
 * this time; *why then says in one line, below `mem` and without addresses,
 * what the matter is.
 */
enum err smtp_send(TALLOC_CTX *mem, const struct smtp *server,
    const struct mail *m, const char **why);

/*
 * Only connects: greeting, TLS and log-in as for a mail, and nothing is sent.
 * It takes five seconds at most. Errors as above.
 */
enum err smtp_probe(
    TALLOC_CTX *mem, const struct smtp *server, const char **why);

/*
 * Writes the mail as one file <time>-<random>.eml, mode 0640, into a folder:
 * whole or not at all, and names sort by time. Errors as above.
 */
enum err smtp_drop(TALLOC_CTX *mem, const char *folder, const struct mail *m,
    const char **why);

#endif
