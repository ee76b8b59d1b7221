/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl check: the providers for signing in.
 */
#include "base/base.h"

#include <sysexits.h>

#include "auth/provider.h"
#include "ctl/check.h"
#include "net/fetch.h"

#define DOCUMENT_MAX ((size_t)256 * 1024)
#define TIMEOUT_MS   5000

/* Only that the provider can be reached; its documents are verified when they
 * are used. */
static void
check_reached(struct findings *f, const struct provider *p)
{
	static const char path[] = "/.well-known/openid-configuration";
	TALLOC_CTX *mem = check_ctl(f)->mem;
	size_t n = strlen(p->issuer);
	struct fetch request = { .ca_file = check_ctl(f)->conf->ca_file,
		.max_bytes = DOCUMENT_MAX,
		.timeout_ms = TIMEOUT_MS };
	struct fetch_answer answer;
	const char *why;
	enum err e;

	n -= n > 0 && p->issuer[n - 1] == '/';
	request.url = mem_printf(mem, "%.*s%s", (int)n, p->issuer, path);
	e = fetch(mem, &request, &answer, &why);
	if (!e && answer.status != 200)
		why = mem_printf(mem, "status %d", answer.status);
	if (e || answer.status != 200)
		check_warn(f, p->name,
		    mem_printf(mem,
			"%s: %s; users cannot sign in with this provider",
			request.url, why));
	else
		check_found(f, p->name, EX_OK, p->issuer);
}

void
check_providers(struct findings *f)
{
	const struct conf *conf = check_ctl(f)->conf;
	const char *const names[] = { "google", conf->oidc_name };
	struct provider p;

	for (size_t i = 0; i < array_len(names); i++)
		if (provider_find(conf, names[i], &p))
			check_reached(f, &p);
	if (*conf->google_client_id && !*conf->google_client_secret)
		check_warn(f, "google",
		    "google_client_secret is empty, so Google refuses every "
		    "sign-in; set google_client_secret_file");
}
