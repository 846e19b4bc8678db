/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the module's device answers: its ioctls are this file's, and so are the functions that
 * ask, of which these are copies. Byte 0 of an input says which is asked, and then comes what they
 * come to; where it ends all is zero. For others than this kind there is no module.
 */
#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "module/whosees_uapi.h"
#include "target/kernel_device.h"

static struct answers {
	const uint8_t *at, *end;
} answers;

static int device_open(const char *path, int flags, ...);
static int device_ask(int fd, unsigned long question, void *answer);

#define open device_open
#define ioctl device_ask
#include "../../src/target/kernel_device.c"
#include "../../src/target/kernel_registers.c"
#define by_cpu by_cpu_of_spaces
#define ask ask_entries
#define unknown unknown_entries
#include "../../src/target/kernel_sync.c"
#undef open
#undef ioctl

static void take_bytes(void *to, size_t n)
{
	size_t left = (size_t)(answers.end - answers.at);

	memset(to, 0, n);
	if (n > left)
		n = left;
	if (n)
		memcpy(to, answers.at, n);
	answers.at += n;
}

static int device_open(const char *path, int flags, ...)
{
	(void)path;
	(void)flags;
	errno = ENOENT;
	return answers.at ? dup(STDERR_FILENO) : -1;
}

/* As many as there is room for, and the number and the rest as the bytes have it. */
static void take_list(struct whosees_list *list, size_t size)
{
	const struct whosees_list was = *list;

	take_bytes(list, sizeof(*list));
	if (was.at)
		take_bytes((void *)(uintptr_t)was.at, was.room * size);
}

static int device_ask(int fd, unsigned long question, void *answer)
{
	struct whosees_sync *sync = answer;
	uint8_t error;

	(void)fd;
	take_bytes(&error, 1);
	if (error) {
		errno = error;
		return -1;
	}
	if (question == WHOSEES_ABOUT)
		take_bytes(answer, sizeof(struct whosees_about));
	if (question == WHOSEES_REGISTERS)
		take_list(answer, sizeof(struct whosees_register));
	if (question == WHOSEES_SPACES)
		take_list(answer, sizeof(struct whosees_space));
	if (question == WHOSEES_SYNC)
		take_bytes((void *)(uintptr_t)sync->at,
			   sync->n * sizeof(struct whosees_sync_entry));
	return 0;
}

/* ---- the kind --------------------------------------------------------------------- */

#define ENTRIES 600u /* more than one call takes */

static void ask_registers(struct ws_target *target)
{
	uint64_t value;

	if (ws_kernel_registers(target) != WS_OK)
		touch_text(ws_error(target->ctx, 0));
	for (size_t i = 0; ws_target_cpu(target, i); i++)
		(void)ws_cpu_register(ws_target_cpu(target, i), "cr3", &value);
}

static void ask_sync(struct ws_target *target)
{
	static struct ws_sync_entry entry[ENTRIES];
	static struct ws_sync_entry *entries[ENTRIES];
	enum ws_status status;

	for (unsigned i = 0; i < ENTRIES; i++) {
		entry[i] = (struct ws_sync_entry){ .root = i, .pid = i };
		entries[i] = &entry[i];
	}
	status = ws_kernel_sync(target, entries, ENTRIES, 0x1000);
	if (status != WS_OK)
		insist_refusal(target->ctx, status);
	for (unsigned i = 0; i < ENTRIES; i++)
		touch_text(ws_sync_end_name(entry[i].end));
}

void fuzz_device(const uint8_t *data, size_t size)
{
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target = NULL;

	insist(ws_target_open(ctx, scene_at(0)->path, NULL, &target) == WS_OK,
	       "a capture cannot be opened");
	answers = (struct answers){ data + !!size, data + size };
	if (size && data[0] & 1)
		ask_sync(target);
	else
		ask_registers(target);
	answers = (struct answers){ 0 };
	ws_target_close(target);
	ws_context_destroy(ctx);
}
