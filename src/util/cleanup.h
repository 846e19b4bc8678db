/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scoped ownership: a local that cleans up after itself on every way out. */
#ifndef WS_UTIL_CLEANUP_H
#define WS_UTIL_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ws_cleanup(fn) __attribute__((cleanup(fn)))

#define WS_DEFINE_CLEANUP(name, type, release) \
	static inline void name(type *p)       \
	{                                      \
		if (*p)                        \
			release(*p);           \
	}

static inline void ws_freep(void *p)
{
	free(*(void **)p);
}

static inline void ws_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

WS_DEFINE_CLEANUP(ws_fclosep, FILE *, fclose)

#define ws_autofree ws_cleanup(ws_freep)
#define ws_autoclose ws_cleanup(ws_closep)
#define ws_autofclose ws_cleanup(ws_fclosep)

/* Hands an owned pointer on: the local lets go of it. */
#define ws_steal(p)                        \
	({                                 \
		__auto_type stolen_ = (p); \
		(p) = NULL;                \
		stolen_;                   \
	})

#endif
