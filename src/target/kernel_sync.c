/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entries that the kernel that runs here writes itself: /dev/whosees is told which, if its module
 * was loaded for that (module/sync.c). It walks the tables anew, under its own lock, and what it
 * does not find to be as it is told it leaves as it is.
 */
#include "target/kcore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "module/whosees_uapi.h"
#include "target/kernel_device.h"
#include "util/cleanup.h"
#include "util/sorted.h"

#define SPACES_MAX (1u << 22) /* PID_MAX_LIMIT, the most that Linux has */

struct spaces {
	struct whosees_space *v;
	size_t n;
};

static void spaces_release(struct spaces *spaces)
{
	free(spaces->v);
}

/* After `n` entries that it took. */
static enum ws_status refused_after(struct ws_target *target, size_t n, const char *why)
{
	return ws_fail(target->ctx, WS_ERR_UNSUPPORTED, "%s: nothing%s is written: %s",
		       target->named ? target->named : target->file.path,
		       n ? " more" : "", why);
}

static enum ws_status refused(struct ws_target *target, const char *why)
{
	return refused_after(target, 0, why);
}

static const char *why_not_asked(int error)
{
	switch (error) {
	case EPERM:
		return WS_KERNEL_REFUSES;
	case EINVAL:
		return "by the kernel's own word init_mm's page table is another";
	case EOPNOTSUPP:
		return "in this kernel no address space has a table of its own for the "
		       "kernel's addresses, or it does not say where init_mm's is";
	default:
		return strerror(error);
	}
}

static int open_to_write(struct ws_target *target, enum ws_status *status)
{
	const char *why = NULL;
	uint32_t flags;
	int fd = ws_kernel_device_open(O_RDWR, &flags, &why);

	if (fd >= 0 && flags & WHOSEES_SYNCS)
		return fd;
	if (fd >= 0) {
		why = "the module that is loaded may only look: rmmod whosees; insmod "
		      "module/whosees.ko allow_sync=1";
		close(fd);
	}
	*status = refused(
		target,
		why ? why
		    : "its kernel has to do it, by a module that is not loaded: make "
		      "module; insmod module/whosees.ko allow_sync=1");
	return -1;
}

static int compare(const struct whosees_space *space, uint64_t root, uint32_t pid)
{
	uint32_t is = (uint32_t)space->pid;

	return space->root != root ? (space->root > root) - (space->root < root)
				   : (is > pid) - (is < pid);
}

static int by_root(const void *a, const void *b)
{
	const struct whosees_space *other = b;

	return compare(a, other->root, (uint32_t)other->pid);
}

/* Processes may come while it is asked: those are none that the plan is about. */
static enum ws_status ask_spaces(struct ws_target *target, int fd, struct spaces *spaces)
{
	struct whosees_list list = { 0 };
	uint32_t room;

	if (ioctl(fd, WHOSEES_SPACES, &list))
		return refused(target, why_not_asked(errno));
	if (list.n > SPACES_MAX)
		return refused(target, "the module names more spaces than there can be");
	room = list.n; /* the list is the module's to write, all of it */
	spaces->v = calloc(room + 1, sizeof(*spaces->v));
	if (!spaces->v)
		return ws_fail_memory(target->ctx);
	list.at = (uintptr_t)spaces->v;
	list.room = room;
	if (ioctl(fd, WHOSEES_SPACES, &list))
		return refused(target, why_not_asked(errno));
	spaces->n = list.n < room ? list.n : room;
	qsort(spaces->v, spaces->n, sizeof(*spaces->v), by_root);
	return WS_OK;
}

/* The same process's still, and not another's that has got its memory since; 0: gone. */
static uint64_t mm_of(const struct spaces *spaces, const struct ws_sync_entry *entry)
{
	size_t i = ws_lower_bound(spaces->v, spaces->n, at,
				  compare(at, entry->root, entry->pid) < 0);

	for (; i < spaces->n && !compare(&spaces->v[i], entry->root, entry->pid); i++)
		if (!entry->mm || spaces->v[i].mm == entry->mm)
			return spaces->v[i].mm;
	return 0;
}

static void take_end(struct ws_sync_entry *entry, int32_t came_to)
{
	entry->end = WS_SYNC_REFUSED;
	switch (came_to) {
	case 0:
		entry->end = WS_SYNC_WRITTEN;
		break;
	case WHOSEES_SYNC_WAS_SO:
		entry->end = WS_SYNC_IS_SO;
		break;
	case -EBUSY:
	case -ESTALE:
		entry->end = WS_SYNC_CHANGED;
		break;
	case -ESRCH:
		entry->end = WS_SYNC_GONE;
		break;
	case -ECANCELED:
		entry->end = WS_SYNC_LEFT;
		break;
	case -EDEADLK:
		entry->refused =
			"a stack of its threads lies there, or it is whosees' own";
		break;
	case -EAGAIN:
		entry->refused = "a processor has it loaded: ask again";
		break;
	case -EOPNOTSUPP:
		entry->refused = "no table of that space's own";
		break;
	default:
		break;
	}
}

/* As many as one call takes. An errno: none of them was taken. */
static int ask(int fd, const struct spaces *spaces, struct ws_sync_entry *const *entries,
	       size_t n, uint64_t reference)
{
	struct whosees_sync_entry asked[WHOSEES_SYNC_MAX];
	struct whosees_sync sync = { .reference = reference,
				     .at = (uintptr_t)asked,
				     .n = (uint32_t)n };

	for (size_t i = 0; i < n; i++)
		asked[i] = (struct whosees_sync_entry){
			.mm = mm_of(spaces, entries[i]),
			.address = entries[i]->witness,
			.now = entries[i]->now,
			.then = entries[i]->then,
			.level = entries[i]->level + 1u,
		};
	if (ioctl(fd, WHOSEES_SYNC, &sync))
		return errno;
	for (size_t i = 0; i < n; i++)
		take_end(entries[i], asked[i].came_to);
	return 0;
}

enum ws_status ws_kernel_sync(struct ws_target *target,
			      struct ws_sync_entry *const *entries, size_t n,
			      uint64_t reference)
{
	ws_cleanup(spaces_release) struct spaces spaces = { 0 };
	enum ws_status status = WS_OK;
	int fd = open_to_write(target, &status);

	if (fd < 0)
		return status;
	if (n)
		status = ask_spaces(target, fd, &spaces);
	for (size_t at = 0, some; at < n && status == WS_OK; at += some) {
		int error;

		some = n - at < WHOSEES_SYNC_MAX ? n - at : WHOSEES_SYNC_MAX;
		error = ask(fd, &spaces, entries + at, some, reference);
		if (error)
			status = refused_after(target, at, why_not_asked(error));
	}
	close(fd);
	return status;
}
