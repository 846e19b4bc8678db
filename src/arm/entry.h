/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ARM formats. */
#ifndef WS_ARM_ENTRY_H
#define WS_ARM_ENTRY_H

#include "paging/format.h"

/* What a TTBR that begins at the second level leads to: 1 GiB of addresses or less. */
extern const struct ws_format ws_format_arm_lpae_second;
extern const struct ws_format ws_format_arm, ws_format_arm_lpae;

#endif
