/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sends mails by the sendmail(8) of this host. Blocks up to its timeout, so it
 * is only for mxm-jobs.
 */
#ifndef NET_SENDMAIL_H
#define NET_SENDMAIL_H

#include "base/base.h"

#include "net/message.h"

/*
 * Runs `path` without a shell as sendmail -i -t -f <sender>, at most 30
 * seconds. The recipient is read from the message, which has no other
 * addresses, so it is not shown by ps(1). ERR_INVALID: the mail cannot be sent.
 * ERR_UPSTREAM: the program could not be run, or failed; *why is the reason in
 * one line, below `mem`, without addresses.
 */
enum err sendmail_send(
    TALLOC_CTX *mem, const char *path, const struct mail *m, const char **why);

#endif
