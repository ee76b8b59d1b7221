/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A fuzz target is one function. t/fuzz/run builds it with libFuzzer; make
 * check links it with replay.c, whose main() feeds it its corpus.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
