/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two mail transports: SMTP with libcurl, and files in a directory.
 */
#include "base/base.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "net/smtp.h"

#define CONNECT_MS 10000L
#define TOTAL_MS   30000L
#define PROBE_MS   5000L

/* A transfer; freeing it frees the objects of libcurl. */
struct transfer {
	CURL *curl;
	struct curl_slist *to;
	struct buf message;
	size_t sent;
	char error[CURL_ERROR_SIZE];
};

static int
transfer_free(struct transfer *t)
{
	curl_slist_free_all(t->to);
	curl_easy_cleanup(t->curl);
	return 0;
}

static size_t
transfer_read(char *to, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t room = size * n, left = t->message.len - t->sent;

	if (room > left)
		room = left;
	memcpy(to, t->message.data + t->sent, room);
	t->sent += room;
	return room;
}

static struct transfer *
transfer_new(TALLOC_CTX *mem)
{
	static bool ready;
	struct transfer *t = mem_new(mem, struct transfer);

	if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	ready = true;
	t->curl = mem_need(curl_easy_init());
	talloc_set_destructor(t, transfer_free);
	buf_init(&t->message, t, 4096);
	return t;
}

/* Sets options; fails if one cannot be set. */
#define SET(OPTION, VALUE) \
	(rc = rc ? rc : curl_easy_setopt(t->curl, (OPTION), (VALUE)))

static CURLcode
set_limits(struct transfer *t)
{
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_ERRORBUFFER, t->error);
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, TOTAL_MS / 1000);
	SET(CURLOPT_TIMEOUT_MS, TOTAL_MS);
	return rc;
}

static CURLcode
set_server(struct transfer *t, const struct smtp *server)
{
	bool user = server->user && *server->user;
	bool strict =
	    server->needs_tls || user || strncmp(server->url, "smtps:", 6) == 0;
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_URL, server->url);
	SET(CURLOPT_USE_SSL, (long)(strict ? CURLUSESSL_ALL : CURLUSESSL_TRY));
	SET(CURLOPT_SSL_VERIFYPEER, strict ? 1L : 0L);
	SET(CURLOPT_SSL_VERIFYHOST, strict ? 2L : 0L);
	if (server->ca_file && *server->ca_file)
		SET(CURLOPT_CAINFO, server->ca_file);
	if (user) {
		SET(CURLOPT_USERNAME, server->user);
		SET(CURLOPT_PASSWORD, server->password ? server->password : "");
	}
	return rc;
}

static CURLcode
set_mail(struct transfer *t, const struct mail *m)
{
	const char *from, *to;
	CURLcode rc = CURLE_OK;

	if (!message_address(t, m->from, &from, NULL) ||
	    !message_address(t, m->to, &to, NULL))
		return CURLE_BAD_FUNCTION_ARGUMENT;
	t->to = mem_need(curl_slist_append(NULL, mem_printf(t, "<%s>", to)));
	SET(CURLOPT_MAIL_FROM, mem_printf(t, "<%s>", from));
	SET(CURLOPT_MAIL_RCPT, t->to);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_READFUNCTION, transfer_read);
	SET(CURLOPT_READDATA, t);
	SET(CURLOPT_INFILESIZE, (long)t->message.len);
	return rc;
}

static const char *
error_text(TALLOC_CTX *mem, const struct transfer *t, CURLcode rc)
{
	return mem_printf(
	    mem, "smtp: %s", t->error[0] ? t->error : curl_easy_strerror(rc));
}

enum err
smtp_send(TALLOC_CTX *mem, const struct smtp *server, const struct mail *m,
    const char **why)
{
	struct transfer *t = transfer_new(mem);
	enum err e;
	CURLcode rc;

	*why = "an address or the subject is invalid";
	e = message_compose(t, m, &t->message);
	if (e) {
		talloc_free(t);
		return e;
	}
	rc = set_limits(t);
	rc = rc ? rc : set_server(t, server);
	rc = rc ? rc : set_mail(t, m);
	rc = rc ? rc : curl_easy_perform(t->curl);
	*why = rc ? error_text(mem, t, rc) : "";
	talloc_free(t);
	return rc ? ERR_UPSTREAM : ERR_OK;
}

enum err
smtp_probe(TALLOC_CTX *mem, const struct smtp *server, const char **why)
{
	struct transfer *t = transfer_new(mem);
	CURLcode rc = set_limits(t);

	rc = rc ? rc : set_server(t, server);
	SET(CURLOPT_TIMEOUT_MS, PROBE_MS);
	SET(CURLOPT_CONNECT_ONLY, 1L);
	rc = rc ? rc : curl_easy_perform(t->curl);
	*why = rc ? error_text(mem, t, rc) : "";
	talloc_free(t);
	return rc ? ERR_UPSTREAM : ERR_OK;
}

/* "20261124T081600.123456Z-0123abcd": sorts by time, and is unique. */
static const char *
drop_name(TALLOC_CTX *mem)
{
	int64_t now = clock_now_us();
	time_t seconds = (time_t)(now / 1000000);
	char when[20], more[9];
	struct tm tm;

	random_hex(more, 4);
	if (!gmtime_r(&seconds, &tm) ||
	    strftime(when, sizeof when, "%Y%m%dT%H%M%S", &tm) == 0)
		abort();
	return mem_printf(mem, "%s.%06dZ-%s", when, (int)(now % 1000000), more);
}

enum err
smtp_drop(
    TALLOC_CTX *mem, const char *folder, const struct mail *m, const char **why)
{
	const char *name = mem_printf(mem, "%s.eml", drop_name(mem));
	struct buf message;
	enum err e;

	*why = "an address or the subject is invalid";
	buf_init(&message, mem, 4096);
	e = message_compose(mem, m, &message);
	if (e)
		return e;
	if (!file_save(folder, name, message.data, message.len, 0640)) {
		*why = mem_printf(mem, "%s: %s", folder, strerror(errno));
		return ERR_UPSTREAM;
	}
	*why = "";
	return ERR_OK;
}
