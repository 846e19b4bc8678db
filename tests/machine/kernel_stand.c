/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel_stand.h"

struct kernel *stand_boot_with(const struct kernel_options *options)
{
	const char *why = "?";
	struct kernel *kernel = kernel_create(options, &why);

	if (!kernel)
		fail_msg("%s", why);
	return kernel;
}

struct kernel *stand_boot(enum kernel_format format, enum kernel_sync sync)
{
	return stand_boot_with(&(struct kernel_options){
		.format = format, .sync = sync, .tlb = MACHINE_TLB_SDM });
}

void stand_shut(struct kernel *kernel)
{
	if (kernel_ending(kernel)->end == KERNEL_RUNS) {
		const char *wrong = kernel_check(kernel);

		if (wrong)
			fail_msg("%s", wrong);
	}
	kernel_destroy(kernel);
}

int stand_fork(struct kernel *kernel, int parent)
{
	int pid = 0;

	does(kernel_fork(kernel, parent, "child", &pid));
	return pid;
}

uint64_t stand_page(struct kernel *kernel, int pid)
{
	uint64_t va;

	does(kernel_mmap(kernel, pid, PAGE, KERNEL_PROT_WRITE, &va));
	return va;
}

enum kernel_outcome stand_fault(struct kernel *kernel, int pid)
{
	uint8_t value = 1;

	return kernel_user_access(kernel, pid, MACHINE_WRITE, stand_page(kernel, pid),
				  &value);
}

void stand_load(struct kernel *kernel, const char *name, bool hooks)
{
	does(kernel_insmod(kernel, &(struct kernel_driver){ .name = name,
							    .hooks_page_fault = hooks }));
}

uint64_t stand_symbol(struct kernel *kernel, const char *name)
{
	uint64_t va = 0;

	if (!kernel_symbol(kernel, name, &va))
		fail_msg("there is no symbol %s", name);
	return va;
}

bool stand_sees(struct kernel *kernel, int pid, uint64_t va)
{
	struct kernel_walk walk;

	does(kernel_walk(kernel, pid, va, &walk));
	return walk.present;
}
