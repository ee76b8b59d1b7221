/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes files of factors, in all formats. What is read is written again, in
 * both, and is then the same.
 */
#include "base/base.h"

#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "fuzz.h"
#include "recommend/factors.h"

static enum err
read_memory(TALLOC_CTX *mem, const void *data, size_t size,
    enum factors_format format, struct factors *out)
{
	struct factors_input in = { .format = format };
	struct factors_fault fault;
	int fd = memfd_create("factors", MFD_CLOEXEC);
	enum err e;

	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	in.path = mem_printf(mem, "/proc/self/fd/%d", fd);
	e = factors_read(mem, &in, out, &fault);
	close(fd);
	assert(!e == !fault.why && !e == !fault.file);
	return e;
}

static void
check(const struct factors *f)
{
	assert(f->n > 0 && f->width > 0 && f->width <= FACTORS_MAX);
	for (uint32_t i = 1; i < f->n; i++)
		assert(f->id[i] > f->id[i - 1]);
	for (size_t i = 0; i < (size_t)f->n * f->width; i++)
		assert(isfinite(f->row[i]));
}

static void
write_and_read(
    TALLOC_CTX *mem, const struct factors *f, enum factors_format format)
{
	struct factors again;
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	enum err e;

	assert(to);
	factors_put_head(to, format, f->width);
	for (size_t i = 0; i < f->n; i++)
		factors_put(
		    to, format, f->id[i], f->row + i * f->width, f->width);
	fclose(to);
	e = read_memory(mem, text, size, FACTORS_GUESS, &again);
	assert(!e && again.n == f->n && again.width == f->width);
	assert(memcmp(again.id, f->id, f->n * sizeof *f->id) == 0);
	assert(memcmp(again.row, f->row,
		   (size_t)f->n * f->width * sizeof *f->row) == 0);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum factors_format formats[] = { FACTORS_GUESS,
		FACTORS_CSV, FACTORS_JSON };
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	struct factors f;

	for (size_t i = 0; i < array_len(formats); i++) {
		if (read_memory(mem, data, size, formats[i], &f))
			continue;
		check(&f);
		write_and_read(mem, &f, FACTORS_CSV);
		write_and_read(mem, &f, FACTORS_JSON);
	}
	talloc_free(mem);
	return 0;
}
