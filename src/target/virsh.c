/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine of libvirt's: "virsh:DOMAIN". Its monitor has one client, which is libvirt, and
 * what is asked past that marks the machine as tainted. Whether that may be is not for us to
 * say: this says which command opens a way.
 */
#include "target/target.h"

static enum ws_status virsh_open(struct ws_target *target,
				 const struct ws_target_options *options)
{
	const char *domain = ws_target_address(target);

	(void)options;
	if (!*domain)
		return ws_fail(target->ctx, WS_ERR_USAGE,
			       "%s: which one? virsh list names those that run",
			       target->named);
	return ws_fail(
		target->ctx, WS_ERR_UNSUPPORTED,
		"%s: libvirt is the one client of this machine's monitor. `virt-qemu-qmp-proxy "
		"%s SOCKET' (of libvirt: package libvirt-clients-qemu) passes "
		"on what is asked, and marks the machine as tainted; while it runs, qemu:SOCKET "
		"is the target. `virsh dump --memory-only %s FILE' takes a dump, and marks "
		"nothing",
		target->named, domain, domain);
}

const struct ws_target_ops ws_target_virsh = {
	.kind = "virsh",
	.title = "virtual machine of libvirt's",
	.about =
		"Not read by itself: libvirt keeps the monitor. Refused with the command "
		"that opens a way to it for qemu:SOCKET.",
	.scheme = "virsh:DOMAIN",
	.can_stop = true,
	.open = virsh_open,
};
