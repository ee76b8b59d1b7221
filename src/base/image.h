/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What mxm-image and the program that starts it agree on.
 *
 * mxm-image reads a picture from standard input, to the end of file, and writes
 * to standard output a struct image_head and then the files, in its order. Its
 * exit status is EX_OK, EX_DATAERR (not a picture that is accepted), or another
 * one of <sysexits.h> if it could not work.
 */
#ifndef BASE_IMAGE_H
#define BASE_IMAGE_H

#include "base/base.h"

/* Checked in the header of the file, before a pixel is decoded. */
#define IMAGE_MEGAPIXELS 40

/*
 * A picture is stored in each width as JPEG and as WebP, the widest JPEG first,
 * whose path is the value in the database. It is never enlarged, and at most
 * twice as high as wide: a higher one is narrower.
 */
/* clang-format off */
#define IMAGE_WIDTHS { 1024, 384, 128 }
/* clang-format on */
#define IMAGE_FORMATS 2
#define IMAGE_FILES   6

#define IMAGE_MAGIC "mxmimg1"

struct image_head {
	char magic[sizeof IMAGE_MAGIC];
	uint32_t size[IMAGE_FILES]; /* bytes: 1024.jpg, 1024.webp, 384.jpg … */
};

#endif
