/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Jobs that mail a code: {"account_id": 7}. A new code is generated in every
 * attempt, so that it exists only in the mail; it replaces the previous one.
 */
#include "base/base.h"

#include "auth/code.h"
#include "base/conf.h"
#include "base/mem.h"
#include "db/query.h"
#include "i18n/mailtext.h"
#include "jobs/jobs.h"
#include "net/smtp.h"

static enum err
send_mail(struct job *job, const struct mail *mail)
{
	const struct conf *conf = job->in->conf;
	struct smtp server = {
		.url = conf->smtp_url,
		.user = conf->smtp_user,
		.password = conf->smtp_password,
		.needs_tls = conf->smtp_tls,
	};

	if (conf->mail_transport == MAIL_FILE)
		return smtp_drop(job->mem, conf->mail_dir, mail, &job->why);
	return smtp_send(job->mem, &server, mail, &job->why);
}

static enum err
mail_code(struct job *job, const struct row *account, enum code_purpose purpose,
    enum mailtext_kind kind)
{
	const struct conf *conf = job->in->conf;
	enum lang lang = LANG_EN;
	char code[CODE_SIZE];
	struct mailtext text;
	struct mail mail;
	enum err e;

	e = code_issue(job->mem, job->in->db, conf, row_id(account, "id"),
	    row_text(account, "email"), purpose, code);
	if (e)
		return e;
	(void)lang_parse(row_text(account, "preferred_language"), &lang);
	mailtext_make(job->mem, &text, kind, lang,
	    &(struct mailtext_facts){
		.username = row_text(account, "username"),
		.email = row_text(account, "email"),
		.code = code,
		.site = conf->site_origin,
	    });
	mail = (struct mail){
		.from =
		    mem_printf(job->mem, "MoviesXMovies <%s>", conf->mail_from),
		.to = row_text(account, "email"),
		.subject = text.subject,
		.text = text.text,
		.html = text.html,
	};
	return send_mail(job, &mail);
}

/* Not found: the account is deleted or inactive; no mail is sent. */
static enum err
find_account(struct job *job, struct row *row, bool *found)
{
	enum err e;

	e = query_one(
	    job->mem, job->in->db, row, SQL_job_mail_account, arg_id(job->id));
	if (e)
		return e;
	if (!row_bool(row, "addressed")) {
		job->why = "the payload names no account";
		return ERR_INVALID;
	}
	*found = !row_is_null(row, "id") && row_bool(row, "active");
	return ERR_OK;
}

enum err
mail_verification(struct job *job)
{
	struct row account;
	bool found = false;
	enum err e;

	e = find_account(job, &account, &found);
	if (e || !found || row_bool(&account, "verified"))
		return e;
	return mail_code(
	    job, &account, CODE_VERIFICATION, MAILTEXT_VERIFICATION);
}

enum err
mail_reset(struct job *job)
{
	struct row account;
	bool found = false;
	enum err e;

	e = find_account(job, &account, &found);
	if (e || !found)
		return e;
	return mail_code(job, &account, CODE_RESET, MAILTEXT_RESET);
}
