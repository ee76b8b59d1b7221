/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cholesky's factorisation in single precision for the small systems of
 * training and serving: about twice as fast as LAPACK's for some dozens of
 * unknowns, and without a library that a worker must not load.
 *
 * Matrices are k rows of `stride` floats on 32-byte boundaries, the stride a
 * multiple of MODEL_LANES. Only the upper triangle is read; what stands below
 * it is overwritten with anything, and behind column k must stand numbers.
 */
#ifndef RECOMMEND_CHOLESKY_H
#define RECOMMEND_CHOLESKY_H

#include "base/base.h"

/* a = u'u, u in its place. false: a is not positive definite. */
must_check bool cholesky_factor(float *a, size_t k, size_t stride);

/* Solves u'u x = b; x holds the k numbers of b, and then the answer. */
void cholesky_solve(const float *u, size_t k, size_t stride, float *x);

#endif
