/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes multipart forms: the first line is the content type, the rest the
 * body.
 */
#include "base/base.h"

#include "base/mem.h"
#include "base/text.h"
#include "fuzz.h"
#include "http/multipart.h"

static void
check_part(const struct body_part *part, const char *p, size_t n)
{
	const struct upload *file = part->file;

	assert(part->name[0] && strlen(part->name) <= MULTIPART_NAME_MAX);
	assert(text_is_utf8(part->name, strlen(part->name)));
	assert(!!part->text + !!file + part->bad == 1);
	if (part->text)
		assert(text_is_utf8(part->text, strlen(part->text)));
	if (file)
		assert(file->filename && file->type && file->data >= p &&
		       file->len <= n && file->data + file->len <= p + n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	const char *text = (const char *)data;
	const char *end = size > 0 ? memchr(text, '\n', size) : NULL;
	size_t head = end ? (size_t)(end - text) : 0, from = end ? head + 1 : 0;
	struct body body;
	enum err e;
	size_t i;

	e = multipart_parse(mem, end ? mem_textn(mem, text, head) : "",
	    text + from, size - from, &body);
	assert(e ? body.fault && body.n == 0 : !body.fault);
	assert(body.n <= MULTIPART_PARTS_MAX);
	for (i = 0; i < body.n; i++)
		check_part(&body.parts[i], text + from, size - from);
	talloc_free(mem);
	return 0;
}
