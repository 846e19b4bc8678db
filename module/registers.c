// SPDX-License-Identifier: GPL-2.0
/* Registers of every processor, each read on its own. */
#include <linux/cpu.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "kmod.h"

void put_register(struct register_set *set, const char *name, u64 value)
{
	struct whosees_register *reg = &set->v[set->n];

	if (WARN_ON_ONCE(set->n == REGISTERS_MAX))
		return;
	reg->cpu = raw_smp_processor_id();
	strscpy(reg->name, name, sizeof(reg->name));
	reg->value = value;
	set->n++;
}

/* By the processor's own number: nobody else has that one. */
static void read_own(void *sets)
{
	read_registers((struct register_set *)sets + raw_smp_processor_id());
}

/* The caller's room is not touched but for what there is. */
static long copy_sets(const struct register_set *sets, struct whosees_list *list)
{
	struct whosees_register __user *to = pointer_of(list->at);
	unsigned int cpu;
	u32 room = list->room;

	list->n = 0;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		u32 fits = min(sets[cpu].n, room);

		if (copy_to_user(to + list->n, sets[cpu].v, fits * sizeof(*to)))
			return -EFAULT;
		list->n += sets[cpu].n;
		room -= fits;
	}
	return 0;
}

long answer_registers(struct whosees_list __user *to)
{
	struct register_set *sets;
	struct whosees_list list;
	long error;

	if (copy_from_user(&list, to, sizeof(list)))
		return -EFAULT;
	sets = kvcalloc(nr_cpu_ids, sizeof(*sets), GFP_KERNEL);
	if (!sets)
		return -ENOMEM;
	on_each_cpu(read_own, sets, true);
	error = copy_sets(sets, &list);
	if (!error && copy_to_user(to, &list, sizeof(list)))
		error = -EFAULT;
	kvfree(sets);
	return error;
}
