/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Raw memory: byte n of the file is physical address n. It cannot be recognised by its
 * looks.
 */
#include "target/target.h"

static enum ws_status raw_open(struct ws_target *target,
			       const struct ws_target_options *options)
{
	(void)options;
	return ws_target_add_from_file(target, 0, target->file.size, 0, 0);
}

const struct ws_target_ops ws_target_raw = {
	.kind = "raw",
	.open = raw_open,
};
