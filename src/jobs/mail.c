/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Jobs that send a mail (mails.def). A new code is generated in every attempt,
 * so that it exists only in the mail; it replaces the previous one.
 */
#include "base/base.h"

#include "auth/code.h"
#include "base/conf.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/query.h"
#include "i18n/mailtext.h"
#include "jobs/jobs.h"
#include "net/sendmail.h"
#include "net/smtp.h"

#define NO_CODE (-1)

enum recipients { TO_ACTIVE, TO_UNVERIFIED, TO_ALL };

static const struct mail_kind {
	const char *job;
	enum msg message;
	enum recipients to;
	int code; /* enum code_purpose */
	const char *link;
} kinds[] = {
#define MAIL(NAME, MESSAGE, TO, CODE, LINK) \
	{ "mail_" #NAME, MSG_MAIL_##MESSAGE, TO, CODE, LINK },
#include "mails.def"
#undef MAIL
};

static const struct mail_kind *
kind_of(const struct job *job)
{
	size_t i;

	for (i = 0; i < array_len(kinds); i++)
		if (strcmp(kinds[i].job, job->name) == 0)
			return &kinds[i];
	abort(); /* jobs.def has a job for each kind */
}

static enum err
deliver(struct job *job, const struct mail *mail)
{
	const struct conf *conf = job->in->conf;
	struct smtp server = {
		.url = conf->smtp_url,
		.user = conf->smtp_user,
		.password = conf->smtp_password,
		.needs_tls = conf->smtp_tls,
		.ca_file = conf->ca_file,
	};

	switch (conf->mail_transport) {
	case MAIL_FILE:
		return smtp_drop(job->mem, conf->mail_dir, mail, &job->why);
	case MAIL_SENDMAIL:
		return sendmail_send(
		    job->mem, conf->sendmail_path, mail, &job->why);
	case MAIL_SMTP:
	default:
		return smtp_send(job->mem, &server, mail, &job->why);
	}
}

/* The URL of the link: {code} and {email} replaced, percent-encoded. */
static const char *
make_link(const struct job *job, const struct mail_kind *kind, const char *code,
    const char *email)
{
	const char *s = kind->link;
	struct buf out;

	buf_init(&out, job->mem, 256);
	buf_puts(&out, job->in->conf->site_origin);
	while (*s) {
		size_t plain = strcspn(s, "{");

		buf_add(&out, s, plain);
		s += plain;
		if (!*s)
			break;
		buf_puts(&out,
		    text_url_encode(job->mem, s[1] == 'c' ? code : email));
		s += strcspn(s, "}") + 1;
	}
	return out.data;
}

static enum err
send_to(
    struct job *job, const struct mail_kind *kind, const struct row *recipient)
{
	const struct conf *conf = job->in->conf;
	const char *email = row_text(recipient, "email");
	enum lang lang = LANG_EN;
	char code[CODE_SIZE] = "";
	struct mailtext text;
	enum err e;

	if (kind->code != NO_CODE) {
		e = code_issue(job->mem, job->in->db, conf,
		    row_id(recipient, "id"), email,
		    (enum code_purpose)kind->code, code);
		/* The address has just changed: its mail is another job. */
		if (e == ERR_NOT_FOUND)
			return ERR_OK;
		if (e)
			return e;
	}
	if (!row_is_null(recipient, "language"))
		(void)lang_parse(row_text(recipient, "language"), &lang);
	mailtext_make(job->mem, &text, lang, kind->message,
	    &(struct mailtext_facts){
		.username = row_text(recipient, "username"),
		.value = row_text(recipient, "value"),
		.code = code,
		.link = make_link(job, kind, code, email),
	    });
	return deliver(job, &(struct mail){
				.from = mem_printf(job->mem,
				    "MoviesXMovies <%s>", conf->mail_from),
				.to = email,
				.subject = text.subject,
				.text = text.text,
				.html = text.html,
				.lang = lang_code(lang),
			    });
}

/* Whether the mail has a recipient. */
static bool
is_due(const struct mail_kind *kind, const struct row *recipient)
{
	bool gone = row_is_null(recipient, "id");

	if (kind->to == TO_ALL)
		return !row_is_null(recipient, "email") &&
		       !row_is_null(recipient, "username");
	return !gone && row_bool(recipient, "active") &&
	       !(kind->to == TO_UNVERIFIED && row_bool(recipient, "verified"));
}

enum err
mail_send(struct job *job)
{
	const struct mail_kind *kind = kind_of(job);
	struct row recipient;
	enum err e;

	e = query_one(
	    job->mem, job->in->db, &recipient, SQL_job_mail, arg_id(job->id));
	if (e)
		return e;
	if (!row_bool(&recipient, "addressed") && kind->to != TO_ALL) {
		job->why = "the payload names no account";
		return ERR_INVALID;
	}
	return is_due(kind, &recipient) ? send_to(job, kind, &recipient) :
					  ERR_OK;
}
