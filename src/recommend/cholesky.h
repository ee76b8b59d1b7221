/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cholesky factorisation in single precision for the small systems of training
 * and serving: about twice as fast as LAPACK for some dozens of unknowns, and
 * without a library, which workers must not load.
 *
 * Matrices are k rows of `stride` floats on 32-byte boundaries, the stride a
 * multiple of MODEL_LANES. Only the upper triangle is read; below it undefined
 * values are written, and the padding after column k must be finite.
 */
#ifndef RECOMMEND_CHOLESKY_H
#define RECOMMEND_CHOLESKY_H

#include "base/base.h"

/* a = u'u; u replaces a. false: a is not positive definite. */
must_check bool cholesky_factor(float *a, size_t k, size_t stride);

/* Solves u'u x = b in place: x holds b, then the solution. */
void cholesky_solve(const float *u, size_t k, size_t stride, float *x);

#endif
