/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a switch of spaces brings vmalloc's entries up to date: vmalloc_seq. */
#ifndef WS_ARM_VMALLOC_SEQ_H
#define WS_ARM_VMALLOC_SEQ_H

#include "audit/arch.h"

#define ARM_CHECK_VMALLOC_SEQ "__check_vmalloc_seq"

/* struct ws_mending */
bool arm_vmalloc_seq(struct ws_system *system, struct ws_mending_count *count);
/* For a capture: looks at all that it reads. */
void arm_tour_vmalloc_seq(struct ws_system *system);

#endif
