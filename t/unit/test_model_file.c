/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The model's file: what is read is what was written, everything else is
 * refused, and the loader goes on with what it had.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "recommend/loader.h"
#include "recommend/model_file.h"

enum { ITEMS = 40, FACTORS = 11, NEAR = 3, GENRES = 2 };

static TALLOC_CTX *mem;
static char path[] = "/tmp/mxm-model-XXXXXX";
static int64_t movie_ids[ITEMS], genre_ids[GENRES] = { 4, 9 };
static float shares[GENRES] = { 0.25f, 0.5f };
static uint64_t item_genres[ITEMS];
static uint32_t near_index[ITEMS * NEAR];
static float near_weight[ITEMS * NEAR];

static void
set_up(void)
{
	int fd;

	log_open("test", LOG_LEVEL_ERROR);
	mem = talloc_new(NULL);
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	close(fd);
}

static void
tear_down(void)
{
	(void)unlink(path);
	talloc_free(mem);
}

TestSuite(model_file, .init = set_up, .fini = tear_down);

static struct model *
model_any(void)
{
	struct model *m = model_new(mem, ITEMS, FACTORS);

	m->regularization = 0.05f;
	m->unobserved = 0.2f;
	m->near_scale = 1.5f;
	m->taste = (struct taste){ .stars = { -1, 0, 0, 1, 2 },
		.floor = 0.5f,
		.half = 10,
		.near_half = 5 };
	for (uint32_t i = 0; i < ITEMS; i++) {
		movie_ids[i] = 3 + 2 * (int64_t)i;
		m->near.start[i + 1] = (size_t)(i + 1) * NEAR;
		for (uint32_t k = 0; k < NEAR; k++) {
			near_index[i * NEAR + k] = i % 20 + 5 * k;
			near_weight[i * NEAR + k] = (float)(i + k);
		}
		for (unsigned f = 0; f < FACTORS; f++)
			m->item[i * m->stride + f] = cosf((float)(i + 3 * f));
	}
	m->id = movie_ids;
	m->near.n = ITEMS * NEAR;
	m->near.index = near_index;
	m->near.weight = near_weight;
	m->genre = (struct genres){ GENRES, genre_ids,
		model_floats(m, GENRES * m->stride), shares };
	m->genre.factor[m->stride] = 7;
	m->item_genres = item_genres;
	item_genres[5] = 3;
	model_prepare(m);
	return m;
}

static enum err
put(void *arg, const void *p, size_t n)
{
	return write(*(int *)arg, p, n) == (ssize_t)n ? ERR_OK :
							ERR_UNAVAILABLE;
}

/* Replaces the file by renaming, like a fetch. */
static void
save(const struct model *m, uint64_t version)
{
	struct stamp stamp = { .version = version, .trained_at = 1700000000 };
	char *other = mem_printf(mem, "%s.new", path);
	int fd = open(other, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(model_file_write(m, &stamp, put, &fd), ERR_OK);
	cr_assert_eq((off_t)stamp.size, lseek(fd, 0, SEEK_CUR));
	close(fd);
	cr_assert_eq(rename(other, path), 0);
}

static const char *
refusal(void)
{
	const struct model *m;
	struct stamp stamp;
	const char *why;

	if (model_file_map(mem, path, &m, &stamp, &why) == ERR_OK)
		return NULL;
	return why;
}

Test(model_file, comes_back_as_it_was)
{
	struct model *m = model_any();
	const struct model *back;
	struct stamp stamp;
	const char *why;

	save(m, 17);
	cr_assert_eq(model_file_map(mem, path, &back, &stamp, &why), ERR_OK);
	cr_expect_eq(stamp.version, 17);
	cr_expect_eq(stamp.trained_at, 1700000000);
	cr_expect_eq(back->items, ITEMS);
	cr_expect_eq(back->stride, m->stride);
	cr_expect_eq((uintptr_t)back->item % 32, 0);
	cr_expect_eq((uintptr_t)back->gram % 32, 0);
	cr_expect_arr_eq(
	    back->item, m->item, ITEMS * m->stride * sizeof *m->item);
	cr_expect_arr_eq(
	    back->gram, m->gram, m->stride * m->stride * sizeof *m->gram);
	cr_expect_arr_eq(back->near.start, m->near.start,
	    (ITEMS + 1) * sizeof *m->near.start);
	cr_expect_arr_eq(back->near.index, near_index, sizeof near_index);
	cr_expect_arr_eq(back->near.weight, near_weight, sizeof near_weight);
	cr_expect_arr_eq(&back->taste, &m->taste, sizeof m->taste);
	cr_expect_eq(model_find(back, 3), 0);
	cr_expect_eq(model_find(back, 4), MODEL_NONE);
	cr_expect_eq(model_find(back, 3 + 2 * (ITEMS - 1)), ITEMS - 1);
	cr_expect_eq(model_find(back, INT64_MAX), MODEL_NONE);
	cr_expect_eq(model_genre(back, 9), 1);
	cr_expect_float_eq(back->genre.factor[back->stride], 7, 1e-6);
	cr_expect_arr_eq(back->genre.share, shares, sizeof shares);
	cr_expect_arr_eq(back->item_genres, item_genres, sizeof item_genres);
	cr_expect_eq(model_genre(back, 5), MODEL_NONE);
}

/* As long as the items; the prediction is in the header. */
static void
add_ratings(struct model *m)
{
	static float offsets[ITEMS];
	static uint32_t ratings[ITEMS];

	for (uint32_t i = 0; i < ITEMS; i++) {
		offsets[i] = sinf((float)i);
		ratings[i] = i * i;
	}
	m->offset = offsets;
	m->ratings = ratings;
	m->predict.mean = 3.5f;
	m->predict.held = 99;
	m->predict.weight[PREDICT_BINS - 1][PREDICT_TERMS - 1] = 0.5f;
	m->predict.error[PREDICT_BINS - 1][PREDICT_BINS - 1] = 0.75f;
}

Test(model_file, ratings_and_prediction_come_back)
{
	struct model *m = model_any();
	const struct model *back;
	struct stamp stamp;
	const char *why;

	add_ratings(m);
	save(m, 1);
	cr_assert_eq(model_file_map(mem, path, &back, &stamp, &why), ERR_OK);
	cr_expect_arr_eq(back->offset, m->offset, ITEMS * sizeof *m->offset);
	cr_expect_arr_eq(back->ratings, m->ratings, ITEMS * sizeof *m->ratings);
	cr_expect_arr_eq(&back->predict, &m->predict, sizeof m->predict);
}

/* As of an imported model. */
Test(model_file, numbers_of_ratings_alone_come_back)
{
	struct model *m = model_any();
	const struct model *back;
	struct stamp stamp;
	const char *why;

	add_ratings(m);
	m->offset = NULL;
	save(m, 1);
	cr_assert_eq(model_file_map(mem, path, &back, &stamp, &why), ERR_OK);
	cr_expect_null(back->offset);
	cr_expect_arr_eq(back->ratings, m->ratings, ITEMS * sizeof *m->ratings);
}

/* Files of format 1 end where these sections begin. */
Test(model_file, a_file_of_the_format_before_is_read)
{
	static const uint32_t formats[] = { 1, 3, 0 };
	const struct model *back;
	struct stamp stamp;
	const char *why;
	int fd;

	for (size_t i = 0; i < array_len(formats); i++) {
		save(model_any(), 1);
		fd = open(path, O_WRONLY);
		cr_assert_eq(pwrite(fd, &formats[i], 4, 12), 4);
		close(fd);
		if (i > 0) {
			cr_expect_str_eq(refusal(),
			    "it was made by another version of moviesxmovies");
			continue;
		}
		cr_assert_eq(
		    model_file_map(mem, path, &back, &stamp, &why), ERR_OK);
		cr_expect_null(back->offset);
		cr_expect_null(back->ratings);
		cr_expect_eq(back->predict.held, 0);
	}
}

Test(model_file, cut_off_anywhere_is_refused)
{
	struct stat st;

	save(model_any(), 1);
	cr_assert_eq(stat(path, &st), 0);
	for (off_t n = st.st_size - 1; n > 0; n -= 97) {
		cr_assert_eq(truncate(path, n), 0);
		cr_assert_not_null(refusal(), "%ld bytes", (long)n);
	}
}

Test(model_file, every_changed_byte_is_noticed)
{
	struct stat st;
	char byte;
	int fd;

	save(model_any(), 1);
	cr_assert_eq(stat(path, &st), 0);
	fd = open(path, O_RDWR);
	for (off_t at = 0; at < st.st_size; at += at < 200 ? 1 : 61) {
		cr_assert_eq(pread(fd, &byte, 1, at), 1);
		byte ^= 0x20;
		cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
		cr_assert_not_null(refusal(), "byte %ld", (long)at);
		byte ^= 0x20;
		cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
	}
	cr_expect_null(refusal());
	close(fd);
}

static enum err
put_nothing(void *arg, const void *p, size_t n)
{
	(void)p;
	*(size_t *)arg += n;
	return ERR_OK;
}

static void
expect_unsound(struct model *m)
{
	struct stamp stamp = { .version = 1 };
	size_t put_bytes = 0;

	cr_expect_eq(
	    model_file_write(m, &stamp, put_nothing, &put_bytes), ERR_INVALID);
	cr_expect_eq(put_bytes, 0);
}

Test(model_file, what_is_no_number_is_not_written)
{
	struct model *m = model_any();

	m->item[5] = NAN;
	expect_unsound(m);
	m->item[5] = INFINITY;
	expect_unsound(m);
	m->item[5] = 0;
	near_weight[4] = NAN;
	expect_unsound(m);
	near_weight[4] = 0;
	near_index[4] = ITEMS;
	expect_unsound(m);
	near_index[4] = 6;
	item_genres[0] = 4;
	expect_unsound(m);
	item_genres[0] = 0;
	movie_ids[3]--;
	add_ratings(m);
	m->offset[1] = NAN;
	expect_unsound(m);
	m->offset[1] = 0;
	m->predict.error[1][1] = INFINITY;
	expect_unsound(m);
	m->predict.error[1][1] = 1;
	movie_ids[3] = movie_ids[2];
	expect_unsound(m);
}

Test(model_file, failure_to_put_is_told)
{
	struct stamp stamp = { .version = 1 };
	int closed = -1;

	cr_expect_eq(model_file_write(model_any(), &stamp, put, &closed),
	    ERR_UNAVAILABLE);
}

Test(model_file, loader_takes_the_new_and_keeps_the_last_good)
{
	struct model *m = model_any();
	struct loader *loader;

	unlink(path);
	loader = loader_new(mem, path);
	cr_expect_null(loader_model(loader));
	cr_expect_eq(loader_stamp(loader)->version, 0);
	save(m, 1);
	cr_expect_not_null(loader_model(loader));
	cr_expect_eq(loader_stamp(loader)->version, 1);
	save(m, 2);
	cr_expect_not_null(loader_model(loader));
	cr_expect_eq(loader_stamp(loader)->version, 2);
	{ /* something else in its place */
		char *other = mem_printf(mem, "%s.new", path);
		FILE *f = fopen(other, "w");

		fputs("no model at all", f);
		fclose(f);
		cr_assert_eq(rename(other, path), 0);
	}
	cr_expect_not_null(loader_model(loader));
	cr_expect_eq(loader_stamp(loader)->version, 2);
	cr_expect_float_eq(loader_model(loader)->item[0], m->item[0], 1e-6);
	unlink(path);
	cr_expect_not_null(loader_model(loader));
	save(m, 3);
	cr_expect_not_null(loader_model(loader));
	cr_expect_eq(loader_stamp(loader)->version, 3);
}

/* As save(), long ago: whatever is written later has another time. */
static void
save_old(uint64_t version)
{
	const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	save(model_any(), version);
	cr_assert_eq(utimensat(AT_FDCWD, path, old, 0), 0);
}

/* Writes into the file that is mapped. */
static void
write_into(off_t at, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY);

	cr_assert_geq(fd, 0);
	cr_assert_eq(pwrite(fd, p, n, at), (ssize_t)n);
	close(fd);
}

Test(model_file, loader_lets_go_what_is_written_into)
{
	static const char zeros[4000];
	struct loader *loader = loader_new(mem, path);
	struct stat st;

	save(model_any(), 1);
	cr_assert_not_null(loader_model(loader));
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(truncate(path, 4096), 0);
	cr_expect_null(loader_model(loader));
	cr_expect_eq(loader_stamp(loader)->version, 0);
	cr_assert_eq(truncate(path, st.st_size), 0);
	cr_expect_null(loader_model(loader), "it is zeros");
	save_old(2);
	cr_assert_not_null(loader_model(loader));
	write_into(4096, zeros, sizeof zeros);
	cr_expect_null(loader_model(loader));
	save_old(3);
	cr_assert_not_null(loader_model(loader));
	write_into(0, "MXMMODEL", 8);
	cr_expect_not_null(loader_model(loader), "it is as it was");
	cr_expect_eq(loader_stamp(loader)->version, 3);
}

static void
look_at_all(void *arg)
{
	const struct model *m = arg;
	volatile int64_t sum = 0;

	for (uint32_t i = 0; i < m->items; i++)
		sum += (int64_t)m->item_genres[i] + m->id[i];
}

static bool
can_be_read(const struct model *m)
{
	return trap_run(m->trap, look_at_all, (void *)(uintptr_t)m);
}

/* Its file has lost the name, but some other one, and so it can be cut off. */
Test(model_file, loader_lets_go_what_has_been_lost)
{
	struct loader *loader = loader_new(mem, path);
	char *other = mem_printf(mem, "%s.other", path);

	save(model_any(), 1);
	cr_assert(can_be_read(loader_model(loader)));
	cr_assert_eq(link(path, other), 0);
	cr_assert_eq(unlink(path), 0);
	cr_assert(can_be_read(loader_model(loader)), "it lives on");
	cr_assert_eq(truncate(other, 100), 0);
	cr_expect_not(can_be_read(loader_model(loader)));
	cr_expect_null(loader_model(loader));
	save(model_any(), 2);
	cr_assert(can_be_read(loader_model(loader)));
	(void)unlink(other);
}
