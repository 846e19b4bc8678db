// SPDX-License-Identifier: GPL-2.0
/*
 * What the processor has to translate by, outside x86: the registers of each CPU, and the
 * raw entries on the way from each process's root to the addresses that the host asked for.
 *
 *   control  watch WHERE  say the entries for WHERE, of every process, with the truth;
 *                         WHERE is an address, or `module`, or `area`
 *            hide PID WHERE  clear the entry for WHERE in PID's top-level table
 *
 * The tables are read as the processor reads them, by physical addresses: the kernel's own
 * accessors leave levels out, and ARM's show Linux's entries beside the processor's.
 */
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "view.h"

#define MAX_WATCHED 8
#define AREA (8ul << 20)
#define MAX_REGISTERS 16

static unsigned long watched[MAX_WATCHED];
static unsigned int nwatched;
static DEFINE_PER_CPU(u64[MAX_REGISTERS], registers);

void note_registers(void)
{
	u64 *values = *this_cpu_ptr(&registers);
	unsigned int i;

	for (i = 0; machine_registers[i].name && i < MAX_REGISTERS; i++)
		values[i] = machine_registers[i].read();
}

void say_cpu(int cpu, pid_t pid)
{
	unsigned int i;

	say("cpu %d %d", cpu, pid);
	for (i = 0; machine_registers[i].name && i < MAX_REGISTERS; i++)
		say(" %s=%llx", machine_registers[i].name, per_cpu(registers, cpu)[i]);
	say("\n");
}

void say_kernel(void)
{
	unsigned long touch = (unsigned long)say_kernel;

	say("phys_offset %llx\n", (u64)__pa(PAGE_OFFSET));
	say("lab_text %lx %llx\n", touch,
	    (u64)page_to_phys(vmalloc_to_page((void *)touch)) + offset_in_page(touch));
}

static void say_way(pid_t pid, u64 table, unsigned long address)
{
	const struct machine_level *level = machine_top();
	u64 entry, at;

	do {
		at = table + (address >> level->shift & ((1u << level->bits) - 1)) *
				     sizeof(machine_entry_t);
		entry = READ_ONCE(*(machine_entry_t *)phys_to_virt(at));
		say("entry %d %lx %u %llx %llx\n", pid, address, level->shift, at, entry);
		table = machine_table(entry);
	} while (table && level++->shift != PAGE_SHIFT);
}

void say_tables(struct task_struct *process)
{
	unsigned int i;

	for (i = 0; process->mm && i < nwatched; i++)
		say_way(process->pid, machine_root(process->mm, watched[i]), watched[i]);
}

/* It may never run again: what is hidden may hold the kernel itself. */
static int hide(pid_t pid, unsigned long address)
{
	const struct machine_level *level = machine_top();
	struct mm_struct *mm = mm_of_pid(pid);
	unsigned long index = address >> level->shift & ((1u << level->bits) - 1);
	machine_entry_t *table;

	if (!mm)
		return -ESRCH;
	table = phys_to_virt(machine_root(mm, address));
	WRITE_ONCE(table[index], 0);
	mmput(mm);
	return 0;
}

static int watch(unsigned long address)
{
	if (nwatched == MAX_WATCHED)
		return -ENOSPC;
	watched[nwatched++] = address;
	return 0;
}

/* Memory of the kernel's other area, more than one entry of the upper tables maps. */
static unsigned long area(void)
{
	static void *memory;

	if (!memory)
		memory = vmalloc(AREA);
	return (unsigned long)memory;
}

int machine_where(const char *word, unsigned long *address)
{
	if (sysfs_streq(word, "module"))
		*address = (unsigned long)say_kernel;
	else if (sysfs_streq(word, "area"))
		*address = area() + AREA / 2;
	else
		return -ENOENT;
	return 0;
}

int machine_command(const char *command)
{
	char where[MAX_WHERE];
	unsigned long address;
	pid_t pid;

	if (sscanf(command, "hide %d %31s", &pid, where) == 2)
		return where_is(where, &address) ?: hide(pid, address);
	if (sscanf(command, "watch %31s", where) == 1)
		return where_is(where, &address) ?: watch(address);
#ifdef CONFIG_ARM
	/* a blank in a format stands for none as well */
	if (sscanf(command, "take-cause %31s", where) == 1)
		return where_is(where, &address) ?: take_cause(address);
	if (sscanf(command, "take %31s", where) == 1)
		return where_is(where, &address) ?: take(address);
#endif
	return -ENOTTY;
}

void machine_files(struct dentry *dir)
{
}

void machine_exit(void)
{
}
