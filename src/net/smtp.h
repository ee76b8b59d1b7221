/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sends mails by SMTP or writes them to a directory. Blocks up to its timeouts,
 * so it is only for mxm-jobs.
 */
#ifndef NET_SMTP_H
#define NET_SMTP_H

#include "base/base.h"

#include "net/message.h"

struct smtp {
	const char *url;  /* smtp://host:25 or smtps://host */
	const char *user; /* NULL or "": no authentication */
	const char *password;
	const char *ca_file; /* PEM; NULL or "": only the system's */
	/*
	 * Without TLS, or with a certificate that does not stand for the host,
	 * nothing is sent. Off, TLS is used when it is offered, whatever the
	 * certificate: that still beats plain text. Always on with a user.
	 */
	bool needs_tls;
};

/*
 * Sends the mail. ERR_INVALID: it cannot be sent. ERR_UPSTREAM: a temporary
 * failure; *why is the reason in one line, below `mem`, without addresses.
 */
enum err smtp_send(TALLOC_CTX *mem, const struct smtp *server,
    const struct mail *m, const char **why);

/*
 * Only connects: greeting, TLS and authentication as for a mail. Limited to
 * five seconds. Errors as above.
 */
enum err smtp_probe(
    TALLOC_CTX *mem, const struct smtp *server, const char **why);

/*
 * Writes the mail atomically as file <time>-<random>.eml, mode 0640; names sort
 * by time. Errors as above.
 */
enum err smtp_drop(TALLOC_CTX *mem, const char *folder, const struct mail *m,
    const char **why);

#endif
