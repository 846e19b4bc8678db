// SPDX-License-Identifier: GPL-2.0
/*
 * The lab's hand inside the guest. It knows by the kernel's own structures what an
 * analyser must find out from memory, and it can plant the bug that is looked for.
 *
 * debugfs, <debugfs>/whosees_lab/:
 *   control  freeze  park all CPUs, print the truth on the debug port, and go on when
 *                    the host sends a byte on COM2
 *            report  the same, and go on at once
 *            and what conceal.c does; and what x86.c, plant.c, lag.c and act.c do, or view.c and arm.c
 *   say      copied to the debug port as it is (say_text)
 *   touch    how often it was read: whoever reads it meets the module's memory
 *   reference  the physical address of init_mm's top-level table
 *   stack    where the stack lies of who has loaded this
 *
 * The truth is reported with every CPU stopped, so it is exactly what a dump taken then
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
#include <linux/sched/task_stack.h>
#include <linux/smp.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/page.h>

#include "lab.h"

#define MAX_COMMAND 128
#define MAX_LINE 256

static DEFINE_PER_CPU(struct task_struct *, stopped);
static atomic_t parked;
static bool released;
static struct dentry *lab_dir;

void say(const char *format, ...)
{
	char line[MAX_LINE];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vscnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	say_bytes(line, length);
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

static void say_task(struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	pgd_t *pgd = mm ? mm->pgd : NULL;

	/* The comm is last: it may hold blanks. */
	say("task %d %d %px %px %px %px %llx %d %d %s\n", task->pid, task->tgid, task, mm,
	    task->active_mm, pgd, pgd ? (u64)__pa(pgd) : 0, !!(task->flags & PF_KTHREAD),
	    !!task->exit_state, task->comm);
}

int where_is(const char *word, unsigned long *address)
{
	return machine_where(word, address) ? kstrtoul(word, 16, address) : 0;
}

static void say_truth(void)
{
	unsigned long swapper = swapper_pg_dir_address();
	struct task_struct *process, *task;
	int cpu;

	say("page_offset %lx\n", PAGE_OFFSET);
	say("swapper_pg_dir %lx %llx\n", swapper, swapper ? (u64)__pa(swapper) : 0);
	say_kernel();
	for_each_online_cpu(cpu) say_cpu(cpu, per_cpu(stopped, cpu)->pid);
	say_task(&init_task);
	rcu_read_lock();
	for_each_process_thread(process, task) say_task(task);
	for_each_process(process) say_tables(process);
	rcu_read_unlock();
}

void note_this_cpu(void)
{
	this_cpu_write(stopped, current);
	note_registers();
}

static void park(void *unused)
{
	note_this_cpu();
	atomic_inc(&parked);
	while (!READ_ONCE(released))
		cpu_relax();
}

/*
 * Each CPU stops where it is, under the page table it has. No locks are taken from here
 * on: their owners may be parked, and nothing moves any more.
 */
static void freeze(bool wait)
{
	unsigned long flags;

	preempt_disable();
	atomic_set(&parked, 0);
	WRITE_ONCE(released, false);
	smp_call_function(park, NULL, 0);
	while (atomic_read(&parked) < num_online_cpus() - 1 - held_cpus())
		cpu_relax();
	local_irq_save(flags);
	note_this_cpu();
	say("@truth\n");
	say_truth();
	if (wait) {
		say("@frozen\n");
		wait_for_host();
	}
	WRITE_ONCE(released, true);
	local_irq_restore(flags);
	preempt_enable();
}

static int obey(const char *command)
{
	int error = conceal(command);

	if (error != -ENOTTY)
		return error;
	if (sysfs_streq(command, "freeze") || sysfs_streq(command, "report")) {
		freeze(*command == 'f');
		return 0;
	}
	return machine_command(command);
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
	say_text(text, size);
	kfree(text);
	return size;
}

static const struct file_operations say_ops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.write = say_write,
};

/*
 * Its operations are in the module's memory, and so is what they do, and what is copied to
 * user memory: some kernels have other page tables while they do that.
 */
static ssize_t touch_read(struct file *file, char __user *to, size_t size,
			  loff_t *position)
{
	static atomic_t touched;
	static char text[16];
	int length = scnprintf(text, sizeof(text), "%d\n", atomic_inc_return(&touched));

	return simple_read_from_buffer(to, size, position, text, length);
}

static const struct file_operations touch_ops = {
	.owner = THIS_MODULE,
	.read = touch_read,
};

static int __init lab_init(void)
{
	static u64 reference, stack;
	int error = open_ports();

	if (error)
		return error;
	lab_dir = debugfs_create_dir("whosees_lab", NULL);
	if (IS_ERR(lab_dir))
		return PTR_ERR(lab_dir);
	debugfs_create_file("control", 0200, lab_dir, NULL, &control_ops);
	debugfs_create_file("say", 0200, lab_dir, NULL, &say_ops);
	debugfs_create_file("touch", 0400, lab_dir, NULL, &touch_ops);
	reference = swapper_pg_dir_address() ? __pa(swapper_pg_dir_address()) : 0;
	debugfs_create_x64("reference", 0400, lab_dir, &reference);
	stack = (unsigned long)task_stack_page(current);
	debugfs_create_x64("stack", 0400, lab_dir, &stack);
	machine_files(lab_dir);
	return 0;
}

static void __exit lab_exit(void)
{
	debugfs_remove_recursive(lab_dir);
	reveal();
	machine_exit();
	close_ports();
}

module_init(lab_init);
module_exit(lab_exit);
MODULE_DESCRIPTION(
	"whosees: prints the truth about every address space, and plants a hole");
MODULE_LICENSE("GPL");
