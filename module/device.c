// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/whosees: who may open it, and which call is answered where.
 *
 * It gives what /proc/kcore does not: registers of every processor, page tables by the kernel's
 * own walk. sync.c alone writes, and only where it was loaded to.
 */
#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/security.h>
#include <linux/uaccess.h>

#include "kmod.h"

/* What it tells /dev/mem would as well. */
static int refuse_locked_down(void)
{
	return security_locked_down(LOCKDOWN_DEV_MEM);
}

static int open_device(struct inode *inode, struct file *file)
{
	return capable(CAP_SYS_ADMIN) ? refuse_locked_down() : -EPERM;
}

static long answer_about(struct whosees_about __user *to)
{
	struct whosees_about about = {
		.version = WHOSEES_VERSION,
		.word = sizeof(long),
		.levels = levels(),
		.page_shift = PAGE_SHIFT,
		.ncpus = num_online_cpus(),
		.flags = may_sync() ? WHOSEES_SYNCS : 0,
		.kernel_first = kernel_first(),
	};

	return copy_to_user(to, &about, sizeof(about)) ? -EFAULT : 0;
}

static long answer(struct file *file, unsigned int call, unsigned long at)
{
	void __user *to = (void __user *)at;
	int error = refuse_locked_down(); /* which may have come since */

	if (error)
		return error;
	switch (call) {
	case WHOSEES_ABOUT:
		return answer_about(to);
	case WHOSEES_REGISTERS:
		return answer_registers(to);
	case WHOSEES_SPACES:
		return answer_spaces(to);
	case WHOSEES_PROBE:
		return answer_probe(to);
	case WHOSEES_TABLE:
		return answer_table(to);
	case WHOSEES_SYNC:
		return answer_sync(file, to);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = open_device,
	.unlocked_ioctl = answer,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "whosees",
	.fops = &operations,
	.mode = 0600,
};

module_misc_device(device);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The whosees authors");
MODULE_DESCRIPTION("Registers and page tables of the running kernel, for whosees");
