// SPDX-License-Identifier: GPL-2.0
/*
 * The lab's hand inside the guest. It knows by the kernel's own structures what an
 * analyser must find out from memory, and it can plant the bug that is looked for.
 *
 * debugfs, <debugfs>/whosees_lab/:
 *   control  hide PID WHERE  clear the entry for WHERE that is private to PID's space
 *            restore         put it back
 *            take-gate14     send every page fault through lab_page_fault first
 *            freeze          park all CPUs, tell the truth on the debug port, and go on
 *                            when the host sends a byte on COM2
 *            tell            the same, and go on at once
 *            and what plant.c and act.c do
 *   block    address of what plant.c allocated
 *   say      copied to the debug port as it is
 *
 * The truth is told with every CPU stopped, so it is exactly what a dump taken then
 * holds.
 */
#include <linux/atomic.h>
#if __has_include(<linux/vmcore_info.h>) /* split off in 443cbaf9e2fd */
#include <linux/vmcore_info.h>
#else
#include <linux/crash_core.h>
#endif
#include <linux/debugfs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/smp.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#if __has_include(<asm/ibt.h>) /* since 5.18 (156ff4a544ae) */
#include <asm/ibt.h>
#else
#define ASM_ENDBR
#endif
#include <asm/nospec-branch.h>
#include <asm/page.h>
#include <asm/special_insns.h>
#include <asm/trapnr.h>

#include "lab.h"

/* QEMU's -device isa-debugcon: every byte written here reaches the host. */
#define DEBUG_PORT 0xe9
/* A 16550's second port: its line status, whose bit 0 says that a byte is there. */
#define COM2 0x2f8
#define COM2_STATUS (COM2 + 5)
#define NO_DEVICE 0xff
#define MAX_COMMAND 128
#define MAX_LINE 256

extern const char lab_page_fault[];
unsigned long lab_old_page_fault;

/*
 * The seed's handler: the first instruction of every page fault, in module memory. It
 * decides that the fault is not interesting and goes on to the kernel's own handler. On
 * i386 the data segments are still the interrupted program's, hence %cs.
 */
asm(".pushsection .text\n"
    ".globl lab_page_fault\n"
    ".type lab_page_fault, @function\n"
    "lab_page_fault:\n"
    "\t" ASM_ENDBR "\n"
    "\t" ANNOTATE_RETPOLINE_SAFE "\n"
#ifdef CONFIG_X86_64
    "\tjmp *lab_old_page_fault(%rip)\n"
#else
    "\tjmp *%cs:lab_old_page_fault\n"
#endif
    ".size lab_page_fault, . - lab_page_fault\n"
    ".popsection");

/* The one entry taken away, and the space it was taken from (pinned). */
static struct {
	struct mm_struct *mm;
	pid_t pid;
	unsigned long address;
	unsigned long size; /* bytes the entry maps */
	pgdval_t *entry;    /* NULL: nothing is hidden */
	pgdval_t value;
} hidden;

/* What each CPU was doing when it was stopped. */
struct stopped {
	struct task_struct *task;
	unsigned long cr3;
};

static DEFINE_PER_CPU(struct stopped, stopped);
static atomic_t parked;
static bool released;
static struct dentry *lab_dir;

void tell(const char *format, ...)
{
	char line[MAX_LINE];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vscnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	outsb(DEBUG_PORT, line, length);
}

/*
 * The kernel-half entries that belong to one space alone: on i386 without PAE the page
 * directory's; with PAE the kernel PMD's, when PTI gives each space its own
 * (SHARED_KERNEL_PMD, arch/x86/include/asm/pgtable-3level_types.h); on x86-64 the top
 * level's only. All are of one width with the level they are in.
 */
pgdval_t *private_entry(struct mm_struct *mm, unsigned long address, unsigned long *size)
{
	pgd_t *pgd = pgd_offset(mm, address);
#ifdef CONFIG_X86_PAE
	pud_t *pud = pud_offset(p4d_offset(pgd, address), address);

	if (!boot_cpu_has(X86_FEATURE_PTI) || pud_none(*pud))
		return NULL;
	*size = PMD_SIZE;
	return (pgdval_t *)pmd_offset(pud, address);
#else
	*size = PGDIR_SIZE;
	return (pgdval_t *)pgd;
#endif
}

struct mm_struct *mm_of_pid(pid_t pid)
{
	struct task_struct *task;
	struct mm_struct *mm = NULL;

	rcu_read_lock();
	task = pid_task(find_vpid(pid), PIDTYPE_PID);
	if (task)
		mm = get_task_mm(task);
	rcu_read_unlock();
	return mm;
}

/* The victim may never run again: what is hidden may hold the kernel itself (x86-64). */
static int hide(pid_t pid, unsigned long address)
{
	struct mm_struct *mm;
	pgdval_t *entry;
	unsigned long size;
	int error;

	if (hidden.entry)
		return -EBUSY;
	if (address < TASK_SIZE_MAX)
		return -EINVAL;
	mm = mm_of_pid(pid);
	if (!mm)
		return -ESRCH;
	error = -EOPNOTSUPP;
	entry = private_entry(mm, address, &size);
	if (!entry)
		goto out;
	error = -ENOENT;
	if (!(*entry & _PAGE_PRESENT))
		goto out;
	mmgrab(mm);
	hidden.mm = mm;
	hidden.pid = pid;
	hidden.address = address;
	hidden.size = size;
	hidden.value = *entry;
	hidden.entry = entry;
	/* Not set_pgd(): in x86-64 it would call a PTI function modules cannot reach. */
	WRITE_ONCE(*entry, 0);
	error = 0;
out:
	mmput(mm);
	return error;
}

static int restore(void)
{
	if (!hidden.entry)
		return -ENOENT;
	WRITE_ONCE(*hidden.entry, hidden.value);
	hidden.entry = NULL;
	mmdrop(hidden.mm);
	return 0;
}

/* The IDT is read-only wherever it is mapped: write its page by a mapping of our own. */
static int take_gate14(void)
{
	unsigned long address = (unsigned long)lab_page_fault;
	struct desc_ptr idt;
	unsigned int level;
	struct page *page;
	gate_desc *gates;
	gate_desc gate;
	pte_t *pte;

	if (lab_old_page_fault)
		return -EBUSY;
	store_idt(&idt);
	pte = lookup_address(idt.address, &level);
	if (!pte || level != PG_LEVEL_4K)
		return -EOPNOTSUPP;
	page = pte_page(*pte);
	gates = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	if (!gates)
		return -ENOMEM;
	gate = gates[X86_TRAP_PF];
	lab_old_page_fault = gate_offset(&gate);
	gate.offset_low = (u16)address;
	gate.offset_middle = (u16)(address >> 16);
#ifdef CONFIG_X86_64
	gate.offset_high = (u32)(address >> 32);
#endif
	gates[X86_TRAP_PF] = gate;
	vunmap(gates);
	return 0;
}

/* Where a command means: an address, or the word for something that this kernel has. */
int where_is(const char *word, unsigned long *address)
{
	struct desc_ptr idt;

	if (sysfs_streq(word, "handler")) {
		*address = (unsigned long)lab_page_fault;
		return 0;
	}
	if (sysfs_streq(word, "idt")) {
		store_idt(&idt);
		*address = idt.address;
		return 0;
	}
	if (!where_is_ours(word, address))
		return 0;
	return kstrtoul(word, 16, address);
}

/* Physical address behind a kernel address of any kind, 0 if it is not mapped. */
static u64 physical(unsigned long address)
{
	unsigned int level;
	pte_t *pte = lookup_address(address, &level);
	u64 size;

	if (!pte || !pte_present(*pte))
		return 0;
	/* pmd_pfn() drops the PAT bit of a large page, which is no part of its address */
	size = page_level_size(level);
	return (((u64)pmd_pfn(*(pmd_t *)pte) << PAGE_SHIFT) & ~(size - 1)) +
	       (address & (size - 1));
}

/*
 * Modules cannot name swapper_pg_dir; the kernel's own VMCOREINFO note can
 * (crash_save_vmcoreinfo_init() in kernel/crash_core.c).
 */
unsigned long swapper_pg_dir_address(void)
{
	const char key[] = "SYMBOL(swapper_pg_dir)=";
	const char *note = phys_to_virt(paddr_vmcoreinfo_note());
	char *found = strnstr(note + sizeof(struct elf_note) + 12, key, PAGE_SIZE - 64);
	unsigned long address = 0;

	if (found)
		address = simple_strtoul(found + strlen(key), NULL, 16);
	return address;
}

static void tell_task(struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	pgd_t *pgd = mm ? mm->pgd : NULL;

	/* The comm is last: it may hold blanks. */
	tell("task %d %d %px %px %px %px %llx %d %d %s\n", task->pid, task->tgid, task,
	     mm, task->active_mm, pgd, pgd ? (u64)__pa(pgd) : 0,
	     !!(task->flags & PF_KTHREAD), !!task->exit_state, task->comm);
}

static void tell_kernel(void)
{
	unsigned long swapper = swapper_pg_dir_address();
	unsigned long handler = (unsigned long)lab_page_fault;

	tell("page_offset %lx\n", PAGE_OFFSET);
	tell("pti %d\n", !!boot_cpu_has(X86_FEATURE_PTI));
	tell("swapper_pg_dir %lx %llx\n", swapper, swapper ? (u64)__pa(swapper) : 0);
	tell("lab_page_fault %lx %llx\n", handler, physical(handler));
	tell("gate14_taken %d\n", !!lab_old_page_fault);
	if (hidden.entry)
		tell("hidden %d %lx %lx %llx %llx %llx\n", hidden.pid, hidden.address,
		     hidden.size, (u64)__pa(hidden.entry), (u64)hidden.value,
		     (u64)*hidden.entry);
	tell_planted();
}

static void tell_truth(void)
{
	struct task_struct *process, *task;
	int cpu;

	tell_kernel();
	for_each_online_cpu(cpu)
		tell("cpu %d %d %lx\n", cpu, per_cpu(stopped, cpu).task->pid,
		     per_cpu(stopped, cpu).cr3);
	tell_task(&init_task);
	rcu_read_lock();
	for_each_process_thread(process, task) tell_task(task);
	rcu_read_unlock();
}

static void note_this_cpu(void)
{
	this_cpu_write(stopped.task, current);
	this_cpu_write(stopped.cr3, __native_read_cr3());
}

static void park(void *unused)
{
	note_this_cpu();
	atomic_inc(&parked);
	while (!READ_ONCE(released))
		cpu_relax();
}

/* Until the host is through with the dump; for ever where nothing can be heard of it. */
static void wait_for_host(void)
{
	u8 status = inb(COM2_STATUS);

	while (status == NO_DEVICE || !(status & 1))
		status = inb(COM2_STATUS);
	inb(COM2);
}

/*
 * Each CPU stops where it is, under the page table it has. No locks are taken from here
 * on: their owners may be parked, and nothing moves any more.
 */
static void freeze(bool wait)
{
	unsigned long flags;

	preempt_disable();
	smp_call_function(park, NULL, 0);
	while (atomic_read(&parked) < num_online_cpus() - 1)
		cpu_relax();
	local_irq_save(flags);
	note_this_cpu();
	tell("@truth\n");
	tell_truth();
	if (wait) {
		tell("@frozen\n");
		wait_for_host();
	}
	WRITE_ONCE(released, true);
	local_irq_restore(flags);
	preempt_enable();
}

static int obey(const char *command)
{
	int error;
	char where[MAX_WHERE];
	unsigned long address;
	pid_t pid;

	if (sscanf(command, "hide %d %31s", &pid, where) == 2)
		return where_is(where, &address) ?: hide(pid, address);
	if (sysfs_streq(command, "restore"))
		return restore();
	if (sysfs_streq(command, "take-gate14"))
		return take_gate14();
	if (sysfs_streq(command, "freeze") || sysfs_streq(command, "tell")) {
		freeze(*command == 'f');
		return 0;
	}
	error = plant(command);
	return error == -ENOTTY ? act(command) : error;
}

static ssize_t control_write(struct file *file, const char __user *from, size_t size,
			     loff_t *position)
{
	char command[MAX_COMMAND];
	int error;

	if (size >= sizeof(command))
		return -EINVAL;
	if (copy_from_user(command, from, size))
		return -EFAULT;
	command[size] = '\0';
	error = obey(command);
	return error ? error : size;
}

static const struct file_operations control_ops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.write = control_write,
};

static ssize_t say_write(struct file *file, const char __user *from, size_t size,
			 loff_t *position)
{
	char *text;

	size = min_t(size_t, size, PAGE_SIZE);
	text = memdup_user(from, size);
	if (IS_ERR(text))
		return PTR_ERR(text);
	outsb(DEBUG_PORT, text, size);
	kfree(text);
	return size;
}

static const struct file_operations say_ops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.write = say_write,
};

static int __init lab_init(void)
{
	lab_dir = debugfs_create_dir("whosees_lab", NULL);
	if (IS_ERR(lab_dir))
		return PTR_ERR(lab_dir);
	debugfs_create_file("control", 0200, lab_dir, NULL, &control_ops);
	debugfs_create_file("say", 0200, lab_dir, NULL, &say_ops);
	plant_files(lab_dir);
	return 0;
}

static void __exit lab_exit(void)
{
	debugfs_remove_recursive(lab_dir);
	restore();
}

module_init(lab_init);
module_exit(lab_exit);
MODULE_DESCRIPTION(
	"whosees: tells the truth about every address space, and plants a hole");
MODULE_LICENSE("GPL");
