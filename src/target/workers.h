/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many threads look at one target at once. */
#ifndef WS_TARGET_WORKERS_H
#define WS_TARGET_WORKERS_H

#define WS_SCAN_WORKERS 8
/* Who reads frames by address, here and there, has a number of its own. */
#define WS_BY_ADDRESS WS_SCAN_WORKERS
#define WS_READERS (WS_SCAN_WORKERS + 1)

/*
 * One a processor, as far as that goes; always the same number, though processors come and go:
 * what each of them has is made before they are.
 */
unsigned ws_workers(void);

#endif
