/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The model's file. After the header (one page) the sections follow in the
 * order of `enum section`, each aligned to 64 bytes, so that their offsets
 * follow from the counts in the header. Format 1 ends after GENRE_SHARES. The
 * checksum is BLAKE2b of everything after the checksum field.
 */
#include "base/base.h"

#include <fcntl.h>
#include <math.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "recommend/model_file.h"
#include "recommend/vector.h"

#define FORMAT     2 /* files of format 1 have no ratings and no prediction */
#define FILE_ORDER 0x01020304u
#define HEADER     4096
#define BOUNDARY   64

static const char magic[8] = { 'M', 'X', 'M', 'M', 'O', 'D', 'E', 'L' };

/* Of the items; an imported model has no offsets. */
enum rated { RATED_NOTHING, RATED_OFFSETS, RATED_NUMBERS };

struct header {
	char magic[8];
	uint32_t byte_order;
	uint32_t format;
	unsigned char checksum[MODEL_CHECKSUM];
	/* the checksum covers what follows */
	uint64_t size;
	uint64_t version;
	int64_t trained_at;
	uint64_t neighbours;
	uint32_t items;
	uint32_t factors;
	uint32_t genres;
	float regularization;
	float unobserved;
	float near_scale;
	struct taste taste;
	/* since format 2; in format 1 there are zeros */
	uint32_t rated; /* what is known: enum rated */
	struct predict predict;
};

#define UNCHECKED offsetof(struct header, size)

_Static_assert(sizeof(struct header) < HEADER, "the header fills a page");
_Static_assert(sizeof(size_t) == 8, "sections hold sizes of 8 bytes");

enum section {
	IDS,
	ITEMS,
	GRAM,
	MEAN,
	NEAR_START,
	NEAR_INDEX,
	NEAR_WEIGHT,
	ITEM_GENRES,
	GENRE_IDS,
	GENRES,
	GENRE_SHARES,
	OFFSETS,
	RATINGS,
	SECTIONS
};

struct layout {
	size_t at[SECTIONS];
	size_t bytes[SECTIONS];
	size_t size; /* of the file */
};

/* The counts are at most 2^32, so that no sum overflows. */
static void
lay_out(const struct header *h, struct layout *out)
{
	size_t stride = model_stride(h->factors), at = HEADER;
	const size_t bytes[SECTIONS] = {
		[IDS] = h->items * sizeof(int64_t),
		[ITEMS] = h->items * stride * sizeof(float),
		[GRAM] = stride * stride * sizeof(float),
		[MEAN] = stride * sizeof(float),
		[NEAR_START] = ((size_t)h->items + 1) * sizeof(size_t),
		[NEAR_INDEX] = h->neighbours * sizeof(uint32_t),
		[NEAR_WEIGHT] = h->neighbours * sizeof(float),
		[ITEM_GENRES] = h->genres > 0 ? h->items * sizeof(uint64_t) : 0,
		[GENRE_IDS] = h->genres * sizeof(int64_t),
		[GENRES] = h->genres * stride * sizeof(float),
		[GENRE_SHARES] = h->genres * sizeof(float),
		[OFFSETS] =
		    h->rated == RATED_OFFSETS ? h->items * sizeof(float) : 0,
		[RATINGS] = h->rated ? h->items * sizeof(uint32_t) : 0,
	};

	for (int s = 0; s < SECTIONS; s++) {
		out->at[s] = at;
		out->bytes[s] = bytes[s];
		at += (bytes[s] + BOUNDARY - 1) / BOUNDARY * BOUNDARY;
	}
	out->size = at;
}

/* sodium_init() selects the fastest code for this processor. */
static void
checksum_begin(crypto_generichash_state *hash)
{
	int bad = sodium_init() < 0;

	assert(!bad);
	crypto_generichash_init(hash, NULL, 0, MODEL_CHECKSUM);
}

void
model_file_checksum_text(const struct stamp *s, char out[MODEL_CHECKSUM_TEXT])
{
	sodium_bin2hex(out, MODEL_CHECKSUM_TEXT, s->checksum, MODEL_CHECKSUM);
}

/* ------------------------------------------------------------- validation */

static bool
is_sorted(const int64_t *ids, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (ids[i] <= ids[i - 1])
			return false;
	}
	return true;
}

static bool
near_is_valid(const struct near *near, uint32_t items)
{
	if (near->start[0] != 0 || near->start[items] != near->n)
		return false;
	for (size_t i = 0; i < items; i++) {
		if (near->start[i + 1] < near->start[i])
			return false;
	}
	for (size_t i = 0; i < items; i++) {
		for (size_t k = near->start[i]; k < near->start[i + 1]; k++) {
			if (k >= near->n || near->index[k] >= items)
				return false;
			if (k > near->start[i] &&
			    near->index[k] <= near->index[k - 1])
				return false;
		}
	}
	return vector_is_finite(near->weight, near->n);
}

static bool
genres_are_valid(const struct model *m)
{
	uint64_t all = 0;

	if (m->genre.n == 0 || m->genre.n >= MODEL_GENRES)
		return true;
	for (uint32_t i = 0; i < m->items; i++)
		all |= m->item_genres[i];
	return all >> m->genre.n == 0;
}

static bool
prediction_is_finite(const struct model *m)
{
	const struct predict *p = &m->predict;

	return isfinite(p->mean) &&
	       vector_is_finite(
		   &p->weight[0][0], PREDICT_BINS * PREDICT_TERMS) &&
	       vector_is_finite(&p->error[0][0], PREDICT_BINS * PREDICT_BINS) &&
	       (!m->offset || vector_is_finite(m->offset, m->items));
}

/* NULL, or the error. */
static const char *
check_model(const struct model *m)
{
	size_t s = m->stride;
	bool finite = vector_is_finite(m->item, m->items * s) &&
		      vector_is_finite(m->gram, s * s) &&
		      vector_is_finite(m->mean, s) &&
		      vector_is_finite(m->genre.factor, m->genre.n * s) &&
		      vector_is_finite(m->genre.share, m->genre.n) &&
		      vector_is_finite(m->taste.stars, TASTE_STARS) &&
		      isfinite(m->near_scale) && isfinite(m->unobserved) &&
		      isfinite(m->regularization) && isfinite(m->taste.floor) &&
		      isfinite(m->taste.common) && isfinite(m->taste.genre) &&
		      isfinite(m->taste.genre_first) &&
		      isfinite(m->taste.first_fade) && m->taste.half > 0 &&
		      m->taste.near_half > 0 && prediction_is_finite(m);

	if (!finite)
		return "it contains NaN or infinity";
	if (!is_sorted(m->id, m->items) || !is_sorted(m->genre.id, m->genre.n))
		return "its movies are not sorted";
	if (!genres_are_valid(m))
		return "its movies have unknown genres";
	if (!near_is_valid(&m->near, m->items))
		return "its neighbours are not among its movies";
	return NULL;
}

/* ---------------------------------------------------------------- writing */

/* Receives the contents: first for the checksum, then for put(). */
struct sink {
	crypto_generichash_state hash;
	enum err (*put)(void *arg, const void *p, size_t n);
	void *arg;
};

static enum err
send(struct sink *k, const void *p, size_t n)
{
	if (n == 0)
		return ERR_OK;
	if (k->put)
		return k->put(k->arg, p, n);
	crypto_generichash_update(&k->hash, p, n);
	return ERR_OK;
}

/* The sections, each padded with zeros. */
static enum err
send_sections(
    struct sink *k, const struct model *m, const struct layout *layout)
{
	static const char zeros[BOUNDARY];
	const void *const from[SECTIONS] = {
		[IDS] = m->id,
		[ITEMS] = m->item,
		[GRAM] = m->gram,
		[MEAN] = m->mean,
		[NEAR_START] = m->near.start,
		[NEAR_INDEX] = m->near.index,
		[NEAR_WEIGHT] = m->near.weight,
		[ITEM_GENRES] = m->item_genres,
		[GENRE_IDS] = m->genre.id,
		[GENRES] = m->genre.factor,
		[GENRE_SHARES] = m->genre.share,
		[OFFSETS] = m->offset,
		[RATINGS] = m->ratings,
	};
	enum err e = ERR_OK;

	for (int s = 0; s < SECTIONS && !e; s++) {
		size_t over = layout->bytes[s] % BOUNDARY;

		e = send(k, from[s], layout->bytes[s]);
		if (!e && over > 0)
			e = send(k, zeros, BOUNDARY - over);
	}
	return e;
}

static void
fill_header(const struct model *m, const struct stamp *stamp, struct header *h)
{
	memset(h, 0, sizeof *h);
	memcpy(h->magic, magic, sizeof magic);
	h->byte_order = FILE_ORDER;
	h->format = FORMAT;
	h->version = stamp->version;
	h->trained_at = stamp->trained_at;
	h->neighbours = m->near.start[m->items];
	h->items = m->items;
	h->factors = m->factors;
	h->genres = m->genre.n;
	h->regularization = m->regularization;
	h->unobserved = m->unobserved;
	h->near_scale = m->near_scale;
	h->taste = m->taste;
	h->rated = !m->ratings ? RATED_NOTHING :
		   m->offset   ? RATED_OFFSETS :
				 RATED_NUMBERS;
	h->predict = m->predict;
}

enum err
model_file_write(const struct model *m, struct stamp *stamp,
    enum err (*put)(void *arg, const void *p, size_t n), void *arg)
{
	char page[HEADER] = { 0 };
	struct sink k = { .put = NULL };
	struct layout layout;
	struct header h;
	enum err e;

	if (check_model(m))
		return ERR_INVALID;
	fill_header(m, stamp, &h);
	lay_out(&h, &layout);
	h.size = stamp->size = layout.size;
	memcpy(page, &h, sizeof h);
	checksum_begin(&k.hash);
	e = send(&k, page + UNCHECKED, HEADER - UNCHECKED);
	if (!e)
		e = send_sections(&k, m, &layout);
	crypto_generichash_final(&k.hash, stamp->checksum, MODEL_CHECKSUM);
	memcpy(page + offsetof(struct header, checksum), stamp->checksum,
	    MODEL_CHECKSUM);
	k = (struct sink){ .put = put, .arg = arg };
	if (!e)
		e = send(&k, page, HEADER);
	return e ? e : send_sections(&k, m, &layout);
}

/* ---------------------------------------------------------------- reading */

struct mapping {
	struct model model; /* first: what callers see */
	struct trap trap;   /* for it, also while it is validated */
	char *at;
	size_t size;
	struct header header;
	const char *why; /* the error; NULL: none */
};

static int
unmap(struct mapping *map)
{
	if (map->at)
		(void)munmap(map->at, map->size);
	return 0;
}

/* Validates header, size and checksum. */
static const char *
check_bytes(struct mapping *map)
{
	struct header *h = &map->header;
	unsigned char sum[MODEL_CHECKSUM];
	crypto_generichash_state hash;
	struct layout layout;

	if (map->size < HEADER)
		return "it is not a model, or truncated";
	memcpy(h, map->at, sizeof *h);
	if (memcmp(h->magic, magic, sizeof magic) != 0)
		return "it is not a model";
	if (h->byte_order != FILE_ORDER)
		return "it was made on a machine with another byte order";
	if (h->format < 1 || h->format > FORMAT)
		return "it was made by another version of moviesxmovies";
	if (h->size != map->size)
		return "it is truncated";
	if (h->factors == 0 || h->factors > 1024 || h->rated > RATED_NUMBERS ||
	    h->neighbours > UINT64_C(1) << 40)
		return "its header is corrupt";
	lay_out(h, &layout);
	if (layout.size != map->size)
		return "its header is corrupt";
	checksum_begin(&hash);
	crypto_generichash_update(
	    &hash, (unsigned char *)map->at + UNCHECKED, map->size - UNCHECKED);
	crypto_generichash_final(&hash, sum, sizeof sum);
	return memcmp(sum, h->checksum, sizeof sum) == 0 ?
		   NULL :
		   "it is corrupt: its checksum does not match";
}

static void
set_pointers(struct mapping *map)
{
	const struct header *h = &map->header;
	struct model *m = &map->model;
	struct layout layout;

	lay_out(h, &layout);
#define SECTION(NAME) ((void *)(map->at + layout.at[NAME]))
	*m = (struct model){
		.items = h->items,
		.factors = h->factors,
		.stride = model_stride(h->factors),
		.item = SECTION(ITEMS),
		.gram = SECTION(GRAM),
		.mean = SECTION(MEAN),
		.regularization = h->regularization,
		.unobserved = h->unobserved,
		.near = { .n = h->neighbours,
		    .start = SECTION(NEAR_START),
		    .index = SECTION(NEAR_INDEX),
		    .weight = SECTION(NEAR_WEIGHT) },
		.near_scale = h->near_scale,
		.taste = h->taste,
		.id = SECTION(IDS),
		.genre = { .n = h->genres,
		    .id = SECTION(GENRE_IDS),
		    .factor = SECTION(GENRES),
		    .share = SECTION(GENRE_SHARES) },
		.item_genres = h->genres > 0 ? SECTION(ITEM_GENRES) : NULL,
		.predict = h->predict,
		.offset = h->rated == RATED_OFFSETS ? SECTION(OFFSETS) : NULL,
		.ratings = h->rated ? SECTION(RATINGS) : NULL,
		.trap = &map->trap,
	};
#undef SECTION
}

/* Maps the file; NULL, or the error. */
static const char *
map_file(struct mapping *map, int fd)
{
	struct stat st;
	void *at;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return "it is not a file";
	if (st.st_size < HEADER)
		return "it is not a model, or truncated";
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return "it cannot be mapped";
	map->at = at;
	map->size = (size_t)st.st_size;
	map->trap = (struct trap){ .at = at, .size = map->size };
	return NULL;
}

/* Within the trap: the file may be truncated while it is read. */
static void
check(void *arg)
{
	struct mapping *map = arg;

	map->why = check_bytes(map);
	if (map->why)
		return;
	set_pointers(map);
	map->why = check_model(&map->model);
}

enum err
model_file_map(TALLOC_CTX *mem, const char *path, const struct model **out,
    struct stamp *stamp, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct mapping *map;

	*why = NULL;
	if (fd < 0) {
		*why = errno == ENOENT ? "there is none" : strerror(errno);
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_INVALID;
	}
	map = mem_new(mem, struct mapping);
	talloc_set_destructor(map, unmap);
	*why = map_file(map, fd);
	close(fd);
	if (!*why)
		*why = trap_run(&map->trap, check, map) ? map->why :
							  "it is truncated";
	if (*why) {
		talloc_free(map);
		return ERR_INVALID;
	}
	*stamp = (struct stamp){ .version = map->header.version,
		.trained_at = map->header.trained_at,
		.size = map->header.size };
	memcpy(stamp->checksum, map->header.checksum, MODEL_CHECKSUM);
	*out = &map->model;
	return ERR_OK;
}
