/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes the reading of signed tokens of other services: a key set and, after
 * the first line feed, a token.
 */
#include "base/base.h"

#include <json-c/json.h>

#include "base/mem.h"
#include "fuzz.h"
#include "import/record.h"
#include "jobs/jws.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	char *text = mem_textn(mem, (const char *)data, size);
	char *token = strchr(text, '\n');
	struct json_object *keys, *claims = NULL;
	enum jws_verdict verdict;
	const char *why;

	if (token) {
		*token++ = '\0';
		keys = record_parse(mem, text, strlen(text), &why);
		if (keys) {
			verdict = jws_verify(mem, token, keys, &claims, &why);
			assert(
			    verdict >= JWS_VALID && verdict <= JWS_UNREADABLE);
			assert((verdict == JWS_VALID) == (claims != NULL));
		}
	}
	talloc_free(mem);
	return 0;
}
