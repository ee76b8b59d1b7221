/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mail addresses by libidn2, confusable names by ICU.
 */
#include "base/base.h"

#include <idn2.h>
#include <sodium.h>
#include <unicode/uspoof.h>

#include "auth/identity.h"
#include "base/mem.h"
#include "base/text.h"

/* libidn2 takes time and memory for longer ones, which are no domains. */
#define DOMAIN_MAX 1024

/* A name has 150 characters, each with a skeleton of at most 18. */
#define SKELETON_MAX (150 * 18 * 4 + 1)

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

/* Opened once; ICU shares the data among all that are open. */
static const USpoofChecker *
checker(void)
{
	static USpoofChecker *opened;
	UErrorCode status = U_ZERO_ERROR;

	if (!opened)
		opened = uspoof_open(&status);
	assert(U_SUCCESS(status));
	return opened;
}

void
identity_look(const char *username, unsigned char out[IDENTITY_LOOK_SIZE])
{
	char *skeleton = mem_array(NULL, char, SKELETON_MAX);
	UErrorCode status = U_ZERO_ERROR;
	int32_t n;
	int bad;

	n = uspoof_getSkeletonUTF8(checker(), 0, username,
	    (int32_t)strlen(username), skeleton, SKELETON_MAX, &status);
	assert(U_SUCCESS(status));
	bad = crypto_generichash(out, IDENTITY_LOOK_SIZE,
	    (unsigned char *)skeleton, (unsigned)n, NULL, 0);
	assert(!bad);
	talloc_free(skeleton);
}
