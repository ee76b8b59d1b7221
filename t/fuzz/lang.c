/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes Accept-Language values and values of parameter `lang`.
 */
#include "base/base.h"

#include "base/mem.h"
#include "fuzz.h"
#include "i18n/lang.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	const char *text = mem_textn(mem, (const char *)data, size);
	enum lang lang = LANG_EN, tag;

	assert(lang_negotiate(text) < LANG__MAX);
	if (lang_of_tag(text, &lang)) {
		/* alone in the header it has the same effect, as in a list */
		tag = lang;
		if (!strpbrk(text, ",; \t"))
			assert(lang_negotiate(text) == tag);
		assert(tag < LANG__MAX);
	}
	talloc_free(mem);
	return 0;
}
