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

/* n counts all; what there is no room for is not written. */
static int copy_set(const struct register_set *set, struct whosees_list *list)
{
	struct whosees_register __user *to = pointer_of(list->at);
	u32 fits = min(set->n, list->room - min(list->n, list->room));

	if (copy_to_user(to + list->n, set->v, fits * sizeof(*to)))
		return -EFAULT;
	list->n += set->n;
	return 0;
}

static int copy_sets(const struct register_set *sets, unsigned int own,
		     struct whosees_list *list)
{
	unsigned int cpu;
	int error;

	list->n = 0;
	error = copy_set(&sets[own], list);
	for (cpu = 0; !error && cpu < nr_cpu_ids; cpu++)
		if (cpu != own)
			error = copy_set(&sets[cpu], list);
	return error;
}

long answer_registers(struct whosees_list __user *to)
{
	struct register_set *sets;
	struct whosees_list list;
	unsigned int own;
	long error;

	if (copy_from_user(&list, to, sizeof(list)))
		return -EFAULT;
	sets = kvcalloc(nr_cpu_ids, sizeof(*sets), GFP_KERNEL);
	if (!sets)
		return -ENOMEM;
	own = get_cpu();
	on_each_cpu(read_own, sets, true);
	put_cpu();
	error = copy_sets(sets, own, &list);
	if (!error && copy_to_user(to, &list, sizeof(list)))
		error = -EFAULT;
	kvfree(sets);
	return error;
}
