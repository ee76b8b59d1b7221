/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sets of numbers.
 */
#include "base/base.h"

#include "base/mem.h"
#include "import/idset.h"

struct idset *
idset_new(TALLOC_CTX *mem)
{
	struct idset *set = mem_new(mem, struct idset);

	set->bits = mem_array(set, uint8_t, IDSET_MAX / 8 + 1);
	return set;
}

static uint8_t
bit(int64_t id)
{
	assert(id >= 0 && id <= IDSET_MAX);
	return (uint8_t)(1U << (id % 8));
}

bool
idset_has(const struct idset *set, int64_t id)
{
	return (set->bits[id / 8] & bit(id)) != 0;
}

bool
idset_add(struct idset *set, int64_t id)
{
	if (idset_has(set, id))
		return false;
	set->bits[id / 8] |= bit(id);
	return true;
}

void
idset_remove(struct idset *set, int64_t id)
{
	set->bits[id / 8] &= (uint8_t)~bit(id);
}
