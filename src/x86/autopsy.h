/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an autopsy asks of x86:
 *
 *	frames.c    what an exception frame looks like
 *	standing.c  where a processor stands
 *	whatif/replay.c  the storm once more
 */
#ifndef WS_X86_AUTOPSY_H
#define WS_X86_AUTOPSY_H

#include "autopsy/arch.h"

extern const struct ws_arch_autopsy x86_autopsy;

bool x86_next_frame(const struct ws_frame_rules *rules, const uint8_t *bytes, size_t len,
		    size_t *at, struct ws_exception_frame *frame);
enum ws_status x86_replay(struct ws_audit *audit, uint32_t space,
			  const struct ws_storm *storm,
			  struct ws_story *story) WS_MUST_CHECK;

#endif
