/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU's human monitor prints, whichever way it was asked. */
#ifndef WS_TARGET_MONITOR_H
#define WS_TARGET_MONITOR_H

#include "target/target.h"

#define WS_MONITOR_REGISTERS "info registers -a"
/*
 * The processors that it prints, into target->cpus. What no architecture knows is one
 * without registers, with a note.
 */
enum ws_status ws_read_monitor_registers(struct ws_target *target,
					 const char *text) WS_MUST_CHECK;

#define WS_MONITOR_MEMORY "info mtree -f"
/*
 * The guest's physical memory, added to the target: ranges, whose header is their number in
 * order.
 */
enum ws_status ws_read_memory_tree(struct ws_target *target,
				   const char *text) WS_MUST_CHECK;

#endif
