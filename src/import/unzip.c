/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ZIP archives, with libzip.
 */
#include "base/base.h"

#include <zip.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "import/unzip.h"

#define CHUNK          ((size_t)64 * 1024)
#define NAME_MAX_BYTES 255

struct unzip {
	zip_t *zip;
};

static int
unzip_close(struct unzip *u)
{
	zip_discard(u->zip);
	return 0;
}

enum err
unzip_open(TALLOC_CTX *mem, const void *data, size_t n, struct unzip **out,
    const char **why)
{
	struct unzip *u = mem_new(mem, struct unzip);
	zip_source_t *source;
	zip_error_t error;

	zip_error_init(&error);
	source = mem_need(zip_source_buffer_create(data, n, 0, &error));
	u->zip = zip_open_from_source(source, ZIP_RDONLY, &error);
	if (!u->zip) {
		*why = mem_text(mem, zip_error_strerror(&error));
		zip_source_free(source);
	} else {
		talloc_set_destructor(u, unzip_close);
	}
	zip_error_fini(&error);
	*out = u;
	return u->zip ? ERR_OK : ERR_INVALID;
}

int64_t
unzip_count(const struct unzip *u)
{
	return zip_get_num_entries(u->zip, 0);
}

char *
unzip_name(TALLOC_CTX *mem, const struct unzip *u, int64_t i)
{
	const char *raw =
	    zip_get_name(u->zip, (zip_uint64_t)i, ZIP_FL_ENC_GUESS);
	size_t n = raw ? strnlen(raw, NAME_MAX_BYTES) : 0;
	char *name = mem_textn(mem, raw ? raw : "", n);
	bool is_text;

	/* not within a character */
	while (n > 0 && raw[n] && ((unsigned char)raw[n] & 0xc0) == 0x80)
		name[--n] = '\0';
	is_text = text_is_utf8(name, n);
	for (char *p = name; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < ' ' || c == 0x7f || (c >= 0x80 && !is_text))
			*p = '?';
		else if (c == 0xc2 && (unsigned char)p[1] < 0xa0)
			p[0] = p[1] = '?'; /* U+0080 to U+009F */
	}
	return name;
}

/* All bytes, at most `limit`; the checksum is verified at the end. */
static enum err
read_all(zip_file_t *file, size_t limit, struct buf *out, const char **why)
{
	char *chunk = mem_array(out->mem, char, CHUNK);
	zip_int64_t n;

	while ((n = zip_fread(file, chunk, CHUNK)) > 0) {
		if (out->len + (size_t)n > limit)
			return ERR_TOO_LARGE;
		buf_add(out, chunk, (size_t)n);
	}
	*why = n < 0 ? zip_file_strerror(file) : NULL;
	return n < 0 ? ERR_INVALID : ERR_OK;
}

enum err
unzip_read(TALLOC_CTX *mem, struct unzip *u, int64_t i, size_t limit,
    struct buf *out, const char **why)
{
	zip_stat_t st;
	zip_file_t *file;
	enum err e;

	zip_stat_init(&st);
	if (zip_stat_index(u->zip, (zip_uint64_t)i, 0, &st) < 0) {
		*why = mem_text(mem, zip_strerror(u->zip));
		return ERR_INVALID;
	}
	if ((st.valid & ZIP_STAT_ENCRYPTION_METHOD) &&
	    st.encryption_method != ZIP_EM_NONE)
		return ERR_FORBIDDEN;
	file = zip_fopen_index(u->zip, (zip_uint64_t)i, 0);
	if (!file) {
		*why = mem_text(mem, zip_strerror(u->zip));
		return ERR_INVALID;
	}
	buf_init(out, mem, CHUNK);
	e = read_all(file, limit, out, why);
	if (e == ERR_INVALID)
		*why = mem_text(mem, *why);
	zip_fclose(file);
	return e;
}
