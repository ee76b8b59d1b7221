/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTTP requests with libcurl: certificates are verified, and time and length of
 * the answer are limited.
 */
#include "base/base.h"

#include <curl/curl.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/fetch.h"

struct call {
	CURL *curl;
	struct curl_slist *headers;
	const struct fetch *request;
	struct buf body;
	bool too_long;
	char error[CURL_ERROR_SIZE];
};

static int
call_free(struct call *c)
{
	curl_slist_free_all(c->headers);
	curl_easy_cleanup(c->curl);
	return 0;
}

bool
fetch_is_loopback(const char *url)
{
	static const char *const hosts[] = { "http://127.0.0.1",
		"http://localhost", "http://[::1]" };

	for (size_t i = 0; i < array_len(hosts); i++) {
		size_t n = strlen(hosts[i]);

		if (strncmp(url, hosts[i], n) != 0)
			continue;
		if (url[n] == ':')
			n += 1 + strspn(url + n + 1, "0123456789");
		if (url[n] == '/' || url[n] == '\0')
			return true;
	}
	return false;
}

bool
fetch_is_safe(const char *url)
{
	return strncmp(url, "https://", 8) == 0 || fetch_is_loopback(url);
}

static size_t
take(char *data, size_t size, size_t n, void *arg)
{
	struct call *c = arg;

	n *= size;
	if (n > c->request->max_bytes - c->body.len) {
		c->too_long = true;
		return 0;
	}
	buf_add(&c->body, data, n);
	return n;
}

/* Sets options; fails if one cannot be set. */
#define SET(OPTION, VALUE) \
	(rc = rc ? rc : curl_easy_setopt(c->curl, (OPTION), (VALUE)))

static CURLcode
set_up(struct call *c)
{
	const struct fetch *f = c->request;
	CURLcode rc = CURLE_OK;

	c->headers =
	    mem_need(curl_slist_append(NULL, "Accept: application/json"));
	if (f->header)
		c->headers = mem_need(curl_slist_append(c->headers, f->header));
	if (f->trace)
		c->headers = mem_need(curl_slist_append(
		    c->headers, mem_printf(c, "traceparent: %s", f->trace)));
	if (f->body_type)
		c->headers = mem_need(curl_slist_append(c->headers,
		    mem_printf(c, "Content-Type: %s", f->body_type)));
	SET(CURLOPT_ERRORBUFFER, c->error);
	SET(CURLOPT_URL, f->url);
	SET(CURLOPT_PROTOCOLS_STR,
	    fetch_is_loopback(f->url) ? "http" : "https");
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long)f->timeout_ms);
	SET(CURLOPT_USERAGENT, "moviesxmovies/" PACKAGE_VERSION);
	SET(CURLOPT_HTTPHEADER, c->headers);
	SET(CURLOPT_WRITEFUNCTION, take);
	SET(CURLOPT_WRITEDATA, c);
	if (f->ca_file && *f->ca_file)
		SET(CURLOPT_CAINFO, f->ca_file);
	if (f->form)
		SET(CURLOPT_POSTFIELDS, f->form);
	if (f->user) {
		SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(CURLOPT_USERNAME, f->user);
		SET(CURLOPT_PASSWORD, f->password);
	}
	return rc;
}

/* max-age of Cache-Control; -1: none. */
static int64_t
max_age_of(TALLOC_CTX *mem, CURL *curl)
{
	struct curl_header *h;
	const char *at;
	int64_t seconds;

	if (curl_easy_header(curl, "Cache-Control", 0, CURLH_HEADER, -1, &h) !=
	    CURLHE_OK)
		return -1;
	at = strstr(text_lower_ascii(mem, h->value), "max-age=");
	if (!at)
		return -1;
	at += strlen("max-age=");
	if (!text_to_int64(
		mem_textn(mem, at, strspn(at, "0123456789")), &seconds))
		return -1;
	return seconds;
}

static struct call *
call_new(TALLOC_CTX *mem, const struct fetch *request)
{
	static bool ready;
	struct call *c = mem_new(mem, struct call);

	if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	ready = true;
	c->curl = mem_need(curl_easy_init());
	talloc_set_destructor(c, call_free);
	c->request = request;
	buf_init(&c->body, mem, 4096);
	return c;
}

enum err
fetch(TALLOC_CTX *mem, const struct fetch *request, struct fetch_answer *answer,
    const char **why)
{
	struct call *c;
	enum err e = ERR_OK;
	long status = 0;
	CURLcode rc;

	*why = "the URL is not https";
	if (!fetch_is_safe(request->url))
		return ERR_INVALID;
	c = call_new(mem, request);
	rc = set_up(c);
	rc = rc ? rc : curl_easy_perform(c->curl);
	rc = rc ? rc :
		  curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	*why = "";
	if (c->too_long)
		*why = "the answer is too long";
	else if (rc)
		*why = mem_text(
		    mem, c->error[0] ? c->error : curl_easy_strerror(rc));
	if (!rc)
		*answer = (struct fetch_answer){ (int)status, c->body.data,
			c->body.len, max_age_of(mem, c->curl) };
	if (rc)
		e = c->too_long ? ERR_TOO_LARGE : ERR_UPSTREAM;
	talloc_free(c);
	return e;
}
