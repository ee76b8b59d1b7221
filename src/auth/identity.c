/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mail addresses by libidn2.
 */
#include "base/base.h"

#include <idn2.h>

#include "auth/identity.h"
#include "base/mem.h"
#include "base/text.h"

/* libidn2 takes time and memory for longer ones, which are no domains. */
#define DOMAIN_MAX 1024

static bool
is_ascii(const char *s)
{
	while (*s > 0)
		s++;
	return *s == '\0';
}

char *
identity_email(TALLOC_CTX *mem, const char *email)
{
	const char *at = strrchr(email, '@');
	char *domain = NULL, *whole;

	if (!at)
		return mem_text(mem, email);
	if (is_ascii(at))
		return mem_printf(mem, "%.*s%s", (int)(at - email), email,
		    text_lower_ascii(mem, at));
	if (strlen(at) > DOMAIN_MAX ||
	    idn2_to_ascii_8z(at + 1, &domain, IDN2_NONTRANSITIONAL) != IDN2_OK)
		return mem_text(mem, email);
	whole = mem_printf(mem, "%.*s@%s", (int)(at - email), email, domain);
	idn2_free(domain);
	return whole;
}
