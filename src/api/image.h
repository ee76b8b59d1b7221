/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs mxm-image, the program that decodes a picture (base/image.h).
 */
#ifndef API_IMAGE_H
#define API_IMAGE_H

#include "base/base.h"

#include "base/conf.h"
#include "base/image.h"

/* The files of a picture, in the order of struct image_head. */
struct image {
	struct {
		const char *data;
		size_t len;
	} file[IMAGE_FILES];
};

/*
 * Converts a picture; `out` is allocated below `mem`. It blocks, for at most
 * half of the setting request_deadline, so only workers of the slow pool and
 * jobs call it. ERR_INVALID: it is not a picture that is accepted, or needs too
 * much memory or processor time; ERR_UNAVAILABLE: the program could not be run
 * or was too slow, which is logged.
 */
enum err image_convert(TALLOC_CTX *mem, const struct conf *conf,
    const void *data, size_t n, struct image *out);

/* Its path: the setting image_program, or beside the running program. */
const char *image_program(TALLOC_CTX *mem, const struct conf *conf);

#endif
