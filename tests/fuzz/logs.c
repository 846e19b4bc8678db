/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's log, which no capture of tests/captures has, and what an autopsy reads of one.
 *
 * log: byte 0 is bit 0, whether words are of 8 bytes, and from bit 1 on what names it (forms); the
 * rest is kernel memory from PLACE behind the image's first byte on. oops: byte 0 is which capture's
 * kernel it is of, the rest are messages, a line each.
 */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autopsy/autopsy.h"
#include "autopsy/oops.h"
#include "linux/linux.h"
#include "unit/fake_kernel.h"
#include "util/bits.h"
#include "util/cleanup.h"

#define PLACE 0x2000u
#define PLACE_MAX 0x10000u

/* ---- in memory -------------------------------------------------------------------- */

/* Variables by VMCOREINFO, each so far behind the first. */
static const struct form {
	const char *name[4];
	unsigned at[4];
} forms[] = {
	{ { "prb" }, { 0 } },
	{ { "log_buf", "log_buf_len", "log_first_idx", "log_next_idx" },
	  { 0, 16, 24, 32 } },
	{ { "log_buf", "log_buf_len", "log_end" }, { 0, 16, 24 } },
	{ { NULL }, { 0 } }, /* by its shape */
};

static char *name_it(const struct fake_kernel *kernel, const struct form *form)
{
	char text[512] = "", *end = text;

	for (unsigned i = 0; i < WS_ARRAY_SIZE(form->name) && form->name[i]; i++)
		end += sprintf(end, "SYMBOL(%s)=%jx\n", form->name[i],
			       (uintmax_t)(kernel->image + PLACE + form->at[i]));
	return strdup(text);
}

void fuzz_log(const uint8_t *data, size_t size)
{
	struct fake_kernel kernel;
	const struct ws_log *log = NULL;
	enum ws_status status;

	if (!size)
		return;
	fake_create(&kernel, data[0] & 1 ? 8 : 4);
	kernel.system.vmcoreinfo =
		name_it(&kernel, &forms[(data[0] >> 1) % WS_ARRAY_SIZE(forms)]);
	memcpy(fake_at(&kernel, kernel.image + PLACE), data + 1,
	       size - 1 < PLACE_MAX ? size - 1 : PLACE_MAX);
	status = ws_system_log(&kernel.system, &log);
	if (status != WS_OK)
		insist_refusal(kernel.system.ctx, status);
	for (size_t i = 0; log && i < log->nrecords; i++)
		touch_text(log->records[i].text);
	fake_destroy(&kernel);
}

/* ---- its lines -------------------------------------------------------------------- */

#define LINES_MAX 512u

/* Discovery is not what this is about: once a capture. */
static struct ws_system *system_of(unsigned i)
{
	static struct ws_system *systems[SCENES_MAX];
	struct ws_target *target = NULL;

	i %= scene_count();
	if (!systems[i])
		insist(ws_target_open(ws_context_create(), scene_at(i)->path, NULL,
				      &target) == WS_OK &&
			       ws_system_open(target, NULL, &systems[i]) == WS_OK,
		       "a capture is not what it was");
	return systems[i];
}

/* Each in room of its own, with nothing behind it. */
static size_t take_lines(struct ws_log_record *record, const uint8_t *data, size_t size)
{
	size_t n = 0;

	for (; size && n < LINES_MAX; n++) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;

		record[n] = (struct ws_log_record){ .text = strndup((const char *)data,
								    len) };
		insist(record[n].text, "memory is short");
		data += len + (end != NULL);
		size -= len + (end != NULL);
	}
	return n;
}

void fuzz_oops(const uint8_t *data, size_t size)
{
	struct ws_log_record record[LINES_MAX];
	struct ws_log log = { .records = record };
	struct ws_autopsy autopsy = { 0 };
	struct ws_oops oops;

	if (!size)
		return;
	autopsy.system = system_of(data[0]);
	autopsy.arch = ws_arch_of(autopsy.system->paging.format)->autopsy;
	log.nrecords = take_lines(record, data + 1, size - 1);
	if (autopsy.arch->ip_words && ws_oops_read(&autopsy, &log, &oops))
		insist(oops.ncode <= WS_OOPS_CODE && oops.below <= oops.ncode &&
			       oops.record < log.nrecords,
		       "an oops that makes no sense");
	for (size_t i = 0; i < log.nrecords; i++)
		free((char *)record[i].text);
}
